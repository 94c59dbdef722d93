/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets under an ICE agent: one UDP socket for each local address, read and written in batches. STUN is the
 * core's, everything else goes up.
 */
#include "wire/ice.h"
#include "wire/ice_core.h"
#include "wire/udp.h"

#include "port/clock.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct local_socket {
    actri_watch_t watch;
    actri_ice_t *ice;
    unsigned index;
    bool plain; /* takes no segments */
    bool gone;  /* the machine has this address no more */
} local_socket_t;

struct actri_ice {
    const actri_env_t *env;
    actri_loop_t *loop;
    actri_ice_core_t core;
    actri_ice_handlers_t handlers;
    void *user;
    bool loopback, gathered;
    local_socket_t sockets[ACTRI_ICE_LOCALS];
    size_t socket_count;
    actri_timer_t timer;
    int64_t now_ns; /* of the batch that is read */
    bool stun_came; /* in it */
};

/* ---- the core's side ---- */

static void arm(actri_ice_t *ice)
{
    int64_t next = actri_ice_core_tick(&ice->core, actri_now_ns());
    if (next == ACTRI_NEVER)
        actri_loop_timer_cancel(ice->loop, &ice->timer);
    else
        actri_loop_timer_set(ice->loop, &ice->timer, next);
}

static void on_timer(actri_timer_t *timer)
{
    arm(ACTRI_CONTAINER(timer, actri_ice_t, timer));
}

static void send_stun(void *user, unsigned local, const actri_address_t *to, const uint8_t *data, size_t size)
{
    actri_ice_t *ice = user;
    struct sockaddr_storage address;
    socklen_t length = actri_address_to_socket(to, &address);
    (void)sendto(ice->sockets[local].watch.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
                 length);
}

static void on_core_state(void *user, actri_ice_state_t state)
{
    actri_ice_t *ice = user;
    ice->handlers.on_state(ice->user, state);
}

/* ---- what arrives ---- */

static void on_datagram(void *user, const actri_address_t *from, const uint8_t *data, size_t size)
{
    local_socket_t *socket = user;
    actri_ice_t *ice = socket->ice;
    if (actri_ice_core_receive(&ice->core, socket->index, from, data, size, ice->now_ns))
        ice->stun_came = true;
    else
        ice->handlers.on_packet(ice->user, data, size);
}

static void on_ready(actri_watch_t *watch)
{
    local_socket_t *socket = ACTRI_CONTAINER(watch, local_socket_t, watch);
    actri_ice_t *ice = socket->ice;
    ice->stun_came = false;
    ice->now_ns = actri_now_ns();
    (void)actri_udp_receive(watch->fd, on_datagram, socket); /* what is left comes with the next turn */
    if (ice->stun_came) arm(ice);
}

/* ---- gathering ---- */

/* A place whose address this machine has no more, else a fresh one; NULL: all are in use. */
static local_socket_t *free_place(actri_ice_t *ice)
{
    for (size_t i = 0; i < ice->socket_count; i++) {
        if (ice->sockets[i].gone) return &ice->sockets[i];
    }
    return ice->socket_count == ACTRI_ICE_LOCALS ? NULL : &ice->sockets[ice->socket_count];
}

static void close_socket(actri_ice_t *ice, local_socket_t *socket)
{
    if (socket->watch.fd < 0) return;
    actri_loop_unwatch(ice->loop, &socket->watch);
    (void)close(socket->watch.fd);
    socket->watch.fd = -1;
}

static void add_local(actri_ice_t *ice, const actri_address_t *address)
{
    actri_address_t bound;
    actr_error_t error = ACTR_ERROR_INIT;
    local_socket_t *socket = free_place(ice);
    if (socket == NULL) return;
    bool reused = socket->gone;
    actri_watch_t watch = {.fd = actri_udp_open(address, &bound), .ready = on_ready};
    if (watch.fd < 0) return;
    if (reused) close_socket(ice, socket);
    socket->watch = watch;
    socket->ice = ice;
    if (actri_loop_watch(ice->loop, &socket->watch, &error) != ACTR_OK) {
        (void)close(socket->watch.fd);
        socket->watch.fd = -1;
        actri_warn(ice->env, "wire", "%s", error.message);
        return;
    }
    socket->gone = socket->plain = false;
    if (reused) {
        ice->core.locals[socket->index].address = bound;
        return;
    }
    socket->index = (unsigned)actri_ice_core_add_local(&ice->core, &bound);
    ice->socket_count++;
}

/* True when there is a socket for it, which then has its address still. */
static bool keep_local(actri_ice_t *ice, const actri_address_t *address)
{
    for (size_t i = 0; i < ice->socket_count; i++) {
        actri_address_t own = ice->core.locals[i].address;
        own.port = 0;
        if (ice->sockets[i].watch.fd < 0 || !actri_address_equal(&own, address)) continue;
        ice->sockets[i].gone = false;
        return true;
    }
    return false;
}

static bool is_wanted(const actri_ice_t *ice, const actri_address_t *address)
{
    if (actri_address_is_loopback(address)) return ice->loopback;
    return !actri_address_is_link_local(address) && !actri_address_is_multicast(address);
}

/* One socket an address, none is made unless `adds`: loopback ones first when they are wanted, for then the peers are
 * on this machine. */
static void add_addresses(actri_ice_t *ice, const struct ifaddrs *list, bool loopback, bool adds)
{
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        struct sockaddr_storage name;
        actri_address_t address;
        if (at->ifa_addr == NULL || (at->ifa_flags & IFF_UP) == 0) continue;
        int family = at->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        memcpy(&name, at->ifa_addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        if (!actri_address_from_socket(&name, &address)) continue;
        address.port = 0;
        if (actri_address_is_loopback(&address) != loopback || !is_wanted(ice, &address)) continue;
        if (!keep_local(ice, &address) && adds) add_local(ice, &address);
    }
}

/* Sockets for what the machine has now. First what stays is found out, so that the places of the rest are free. */
static actr_status_t find_addresses(actri_ice_t *ice, actr_error_t *error)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        return actri_fail_errno(error, ACTR_STATUS_IO, errno, "ICE: no list of addresses");
    }
    for (size_t i = 0; i < ice->socket_count; i++) ice->sockets[i].gone = true;
    for (int adds = 0; adds < 2; adds++) {
        add_addresses(ice, list, true, adds == 1);
        add_addresses(ice, list, false, adds == 1);
    }
    freeifaddrs(list);
    return ACTR_OK;
}

static void tell_candidates(actri_ice_t *ice)
{
    for (unsigned i = 0; i < ice->socket_count; i++) {
        char text[160];
        if (ice->sockets[i].gone) continue;
        actri_ice_core_print(&ice->core, i, text, sizeof text);
        ice->handlers.on_candidate(ice->user, text);
    }
}

actr_status_t actri_ice_gather(actri_ice_t *ice, actr_error_t *error)
{
    if (ice->gathered) return ACTR_OK;
    ice->gathered = true;
    actr_status_t status = find_addresses(ice, error);
    if (status != ACTR_OK) return status;
    if (ice->socket_count == 0)
        return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "ICE: this machine has no address to use");
    tell_candidates(ice);
    return ACTR_OK;
}

/* ---- the interface ---- */

actr_status_t actri_ice_new(const actri_rtc_options_t *options, const actri_ice_handlers_t *handlers, void *user,
                            actri_ice_t **out, actr_error_t *error)
{
    actri_ice_t *ice = actri_zalloc(options->env, sizeof *ice);
    if (ice == NULL) return actri_no_memory(error);
    ice->env = options->env;
    ice->loop = options->loop;
    ice->handlers = *handlers;
    ice->user = user;
    ice->loopback = options->loopback;
    ice->timer.fire = on_timer;
    actri_ice_core_init(&ice->core, options->env, options->offerer);
    ice->core.send = send_stun;
    ice->core.on_state = on_core_state;
    ice->core.user = ice;
    if (options->server_count > 0) actri_warn(ice->env, "wire", "STUN and TURN servers are not used yet");
    *out = ice;
    return ACTR_OK;
}

void actri_ice_free(actri_ice_t *ice)
{
    if (ice == NULL) return;
    actri_loop_timer_cancel(ice->loop, &ice->timer);
    for (size_t i = 0; i < ice->socket_count; i++) close_socket(ice, &ice->sockets[i]);
    actri_free(ice->env, ice);
}

void actri_ice_credentials(const actri_ice_t *ice, const char **ufrag, const char **pwd)
{
    *ufrag = ice->core.ufrag;
    *pwd = ice->core.pwd;
}

actr_status_t actri_ice_set_remote(actri_ice_t *ice, const char *ufrag, const char *pwd, actr_error_t *error)
{
    if (strlen(ufrag) < 4 || strlen(pwd) < 22) { /* RFC 8839 5.4 */
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "ICE: the peer's credentials are too short");
    }
    actri_ice_core_set_remote(&ice->core, ufrag, pwd, actri_now_ns());
    arm(ice);
    return ACTR_OK;
}

actr_status_t actri_ice_add_candidate(actri_ice_t *ice, const char *text, actr_error_t *error)
{
    actri_candidate_t candidate;
    actr_status_t status = actri_candidate_parse(text, ice->loopback, &candidate, error);
    if (status == ACTR_OK) status = actri_ice_core_add_remote(&ice->core, &candidate, error);
    if (status == ACTR_OK) arm(ice);
    return status;
}

/* The path that data takes: the selected pair, or the best that works so far. */
static bool find_path(const actri_ice_t *ice, unsigned *local, const actri_address_t **to)
{
    const actri_ice_core_t *core = &ice->core;
    const actri_ice_pair_t *best = NULL;
    if (core->selected) {
        *local = core->selected_local;
        *to = &core->selected_remote.address;
        return true;
    }
    for (size_t i = 0; i < core->pair_count; i++) {
        const actri_ice_pair_t *pair = &core->pairs[i];
        if (pair->state == ACTRI_PAIR_GOOD && (best == NULL || pair->priority > best->priority)) best = pair;
    }
    if (best == NULL) return false;
    *local = best->local;
    *to = &core->remotes[best->remote].address;
    return true;
}

size_t actri_ice_send(actri_ice_t *ice, const actri_datagram_t *datagrams, size_t count)
{
    const actri_address_t *to;
    unsigned local;
    if (!find_path(ice, &local, &to)) return 0;
    local_socket_t *socket = &ice->sockets[local];
    return actri_udp_send(socket->watch.fd, &socket->plain, to, datagrams, count);
}

actr_status_t actri_ice_restart(actri_ice_t *ice, actr_error_t *error)
{
    if (find_addresses(ice, error) != ACTR_OK) { /* the reason may be that they have changed */
        actri_warn(ice->env, "wire", "the restart uses the addresses of before: %s", actr_error_message(error));
    }
    actri_ice_core_restart(&ice->core);
    tell_candidates(ice);
    return ACTR_OK;
}

void actri_ice_describe(const actri_ice_t *ice, char *text, size_t size, bool *relayed)
{
    static const char *const types[] = {"host", "srflx", "prflx", "relay"};
    char from[ACTRI_ADDRESS_TEXT], to[ACTRI_ADDRESS_TEXT];
    const actri_ice_core_t *core = &ice->core;
    *relayed = false;
    if (!core->selected) {
        (void)snprintf(text, size, "no pair");
        return;
    }
    const actri_candidate_t *local = &core->locals[core->selected_local], *remote = &core->selected_remote;
    *relayed = remote->type == ACTRI_RELAY;
    (void)snprintf(text, size, "%s %s:%u -> %s %s:%u", types[local->type], actri_address_ip_text(&local->address, from),
                   local->address.port, types[remote->type], actri_address_ip_text(&remote->address, to),
                   remote->address.port);
}
