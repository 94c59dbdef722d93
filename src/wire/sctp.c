/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sctp.h"

#include "port/clock.h"
#include "wire/crc32c.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <usrsctp.h>

#define PORT 5000
#define STREAMS 16
#define TICK_NS (10 * ACTRI_MS)
#define PATH_MTU 1172
#define SOCKET_BUFFER (1 << 20)
#define MESSAGE_MAX 65536 /* one more than the limit, to see what is too large */
#define LARGEST (4 * MESSAGE_MAX)
#define CRC_AT 8 /* in the common header */

struct actri_sctp {
    const actri_env_t *env;
    actri_loop_t *loop;
    struct socket *socket;
    actri_sctp_handlers_t handlers;
    void *user;
    bool up, down, readable, wants_room, dropping, paused;
    bool too_large;    /* what is being dropped; else there was no memory for it */
    bool acknowledged; /* something came in since a send found no room: there may be some now */
    uint8_t *partial;  /* of a message that recvv gave in pieces */
    size_t partial_size;
};

static struct {
    bool initialised, own_crc;
    unsigned associations;
    actri_timer_t tick;
    actri_loop_t *loop;
    int64_t last_ns;
    uint8_t scratch[MESSAGE_MAX];
} stack; /* [loop] */

static int on_output(void *address, void *packet, size_t size, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    actri_sctp_t *sctp = address;
    if (stack.own_crc && size >= CRC_AT + sizeof(uint32_t)) {
        uint32_t crc = htole32(actri_crc32c(packet, size)); /* over zeros in its own place (RFC 9260 6.8) */
        memcpy((uint8_t *)packet + CRC_AT, &crc, sizeof crc);
    }
    sctp->handlers.send(sctp->user, packet, size);
    return 0;
}

static void on_tick(actri_timer_t *timer)
{
    int64_t now = actri_now_ns();
    uint32_t elapsed = (uint32_t)((now - stack.last_ns) / ACTRI_MS);
    stack.last_ns += (int64_t)elapsed * ACTRI_MS;
    usrsctp_handle_timers(elapsed);
    if (stack.associations > 0) actri_loop_timer_set(stack.loop, timer, now + TICK_NS);
}

static void init_stack(void)
{
    if (stack.initialised) return;
    stack.initialised = true;
    stack.tick.fire = on_tick;
    usrsctp_init_nothreads(0, on_output, NULL);
    stack.own_crc = actri_crc32c_available();
    if (stack.own_crc) usrsctp_enable_crc32c_offload(); /* and none is checked: DTLS has done that (RFC 8261 6) */
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(100000);
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    usrsctp_sysctl_set_sctp_max_burst_default(10);
    usrsctp_sysctl_set_sctp_rto_min_default(200);
    usrsctp_sysctl_set_sctp_rto_initial_default(500);
    usrsctp_sysctl_set_sctp_init_rto_max_default(3000);
    usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(STREAMS);
}

static void use_stack(actri_loop_t *loop)
{
    init_stack();
    if (stack.associations++ > 0) return;
    stack.loop = loop;
    stack.last_ns = actri_now_ns();
    actri_loop_timer_set(loop, &stack.tick, stack.last_ns + TICK_NS);
}

static void leave_stack(void)
{
    if (--stack.associations == 0) actri_loop_timer_cancel(stack.loop, &stack.tick);
}

static void on_upcall(struct socket *socket, void *argument, int flags)
{
    (void)socket;
    (void)flags;
    actri_sctp_t *sctp = argument;
    sctp->readable = true; /* drained once the batch is in */
}

static bool set_option(struct socket *socket, int level, int option, const void *value, socklen_t size)
{
    return usrsctp_setsockopt(socket, level, option, value, size) == 0;
}

static bool set_events(struct socket *socket)
{
    static const uint16_t wanted[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_SENDER_DRY_EVENT};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = wanted[i], .se_on = 1};
        if (!set_option(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event)) return false;
    }
    return true;
}

static bool set_options(struct socket *socket)
{
    const int on = 1, buffer = SOCKET_BUFFER;
    struct linger linger = {1, 0};
    struct sctp_assoc_value reset = {SCTP_ALL_ASSOC, SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ};
    struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS, .sinit_max_instreams = 2048};
    struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = PATH_MTU};
    return usrsctp_set_non_blocking(socket, 1) == 0 &&
           set_option(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) &&
           set_option(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) &&
           set_option(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) &&
           set_option(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) &&
           set_option(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) &&
           set_option(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) &&
           set_option(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) &&
           set_option(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) && set_events(socket);
}

static struct sockaddr_conn address_of(actri_sctp_t *sctp)
{
    struct sockaddr_conn address;
    memset(&address, 0, sizeof address);
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(PORT);
    address.sconn_addr = sctp;
    return address;
}

actr_status_t actri_sctp_new(actri_loop_t *loop, const actri_env_t *env, const actri_sctp_handlers_t *handlers,
                             void *user, actri_sctp_t **out, actr_error_t *error)
{
    actri_sctp_t *sctp = actri_zalloc(env, sizeof *sctp);
    if (sctp == NULL) return actri_no_memory(error);
    sctp->env = env;
    sctp->loop = loop;
    sctp->handlers = *handlers;
    sctp->user = user;
    use_stack(loop);
    usrsctp_register_address(sctp);
    sctp->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    struct sockaddr_conn address = address_of(sctp);
    if (sctp->socket == NULL || !set_options(sctp->socket) || usrsctp_set_upcall(sctp->socket, on_upcall, sctp) != 0 ||
        usrsctp_bind(sctp->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        int number = errno;
        actri_sctp_free(sctp);
        return actri_fail_errno(error, ACTR_STATUS_INTERNAL, number, "SCTP: no socket");
    }
    *out = sctp;
    return ACTR_OK;
}

void actri_sctp_free(actri_sctp_t *sctp)
{
    if (sctp == NULL) return;
    sctp->down = true;
    if (sctp->socket != NULL) {
        (void)usrsctp_set_upcall(sctp->socket, NULL, NULL);
        usrsctp_close(sctp->socket);
    }
    usrsctp_deregister_address(sctp);
    leave_stack();
    actri_free(sctp->env, sctp->partial);
    actri_free(sctp->env, sctp);
}

actr_status_t actri_sctp_connect(actri_sctp_t *sctp, actr_error_t *error)
{
    struct sockaddr_conn address = address_of(sctp);
    if (usrsctp_connect(sctp->socket, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS) {
        return ACTR_OK;
    }
    return actri_fail_errno(error, ACTR_STATUS_INTERNAL, errno, "SCTP: no association");
}

void actri_sctp_input(actri_sctp_t *sctp, const void *packet, size_t size)
{
    sctp->acknowledged = true;
    if (!sctp->down) usrsctp_conninput(sctp, packet, size, 0);
}

/* ---- what arrives ---- */

static void go_down(actri_sctp_t *sctp, const char *why)
{
    if (sctp->down) return;
    sctp->down = true;
    sctp->up = false;
    sctp->handlers.on_down(sctp->user, why);
}

static void on_assoc_change(actri_sctp_t *sctp, const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        if (!sctp->up) {
            sctp->up = true;
            sctp->handlers.on_up(sctp->user);
        }
        break;
    case SCTP_COMM_LOST: go_down(sctp, "the peer aborted, or does not acknowledge"); break;
    case SCTP_SHUTDOWN_COMP: go_down(sctp, "the peer shut the association down"); break;
    case SCTP_CANT_STR_ASSOC: go_down(sctp, "the association could not be set up"); break;
    default: break;
    }
}

static void on_stream_reset(actri_sctp_t *sctp, const struct sctp_stream_reset_event *event)
{
    if ((event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) == 0) return;
    size_t count = (event->strreset_length - sizeof *event) / sizeof(uint16_t);
    for (size_t i = 0; i < count && !sctp->down; i++) {
        sctp->handlers.on_reset(sctp->user, event->strreset_stream_list[i]);
    }
}

static void on_notification(actri_sctp_t *sctp, const union sctp_notification *notification, size_t size)
{
    if (notification->sn_header.sn_length != size) return;
    if (notification->sn_header.sn_type == SCTP_ASSOC_CHANGE) on_assoc_change(sctp, &notification->sn_assoc_change);
    if (notification->sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
        on_stream_reset(sctp, &notification->sn_strreset_event);
    }
}

/* Keeps a piece of a message; drops the whole when it grows beyond all limits, or memory is out. */
static void keep_piece(actri_sctp_t *sctp, size_t size)
{
    if (sctp->dropping) return;
    bool too_large = sctp->partial_size + size > LARGEST;
    uint8_t *grown = too_large ? NULL : actri_realloc(sctp->env, sctp->partial, sctp->partial_size + size);
    if (grown == NULL) {
        if (too_large) actri_warn(sctp->env, "wire", "a message above %d bytes is dropped", LARGEST);
        sctp->too_large = too_large;
        actri_free(sctp->env, sctp->partial);
        sctp->partial = NULL;
        sctp->partial_size = 0;
        sctp->dropping = true;
        return;
    }
    memcpy(grown + sctp->partial_size, stack.scratch, size);
    sctp->partial = grown;
    sctp->partial_size += size;
}

static void on_data(actri_sctp_t *sctp, const struct sctp_rcvinfo *info, size_t size, bool complete)
{
    const uint8_t *data = stack.scratch;
    if (sctp->partial != NULL || sctp->dropping || !complete) {
        keep_piece(sctp, size);
        if (!complete) return;
        data = sctp->partial;
        size = sctp->partial_size;
    }
    actr_buf_t *message = sctp->dropping ? NULL : actri_buf_copy(sctp->env, data, size);
    actri_free(sctp->env, sctp->partial);
    sctp->partial = NULL;
    sctp->partial_size = 0;
    bool lost = message == NULL && !(sctp->dropping && sctp->too_large);
    sctp->dropping = false;
    if (message != NULL)
        sctp->handlers.on_message(sctp->user, info->rcv_sid, ntohl(info->rcv_ppid), message);
    else if (lost)
        sctp->handlers.on_lost(sctp->user, info->rcv_sid);
}

/* One recvv; false when there is no more. */
static bool receive(actri_sctp_t *sctp)
{
    struct sctp_rcvinfo info;
    struct sockaddr_conn from;
    socklen_t from_size = sizeof from, info_size = sizeof info;
    unsigned info_type = 0;
    int flags = 0;
    memset(&info, 0, sizeof info);
    ssize_t size = usrsctp_recvv(sctp->socket, stack.scratch, sizeof stack.scratch, (struct sockaddr *)&from,
                                 &from_size, &info, &info_size, &info_type, &flags);
    if (size < 0) {
        if (errno != EWOULDBLOCK && errno != EAGAIN && errno != ENOTCONN) go_down(sctp, "receiving failed");
        return false;
    }
    if (size == 0) {
        go_down(sctp, "the peer ended the association");
        return false;
    }
    if ((flags & MSG_NOTIFICATION) != 0) {
        on_notification(sctp, (const union sctp_notification *)(const void *)stack.scratch, (size_t)size);
    } else {
        on_data(sctp, &info, (size_t)size, (flags & MSG_EOR) != 0);
    }
    return true;
}

void actri_sctp_drain(actri_sctp_t *sctp)
{
    if (sctp->readable && !sctp->paused) {
        sctp->readable = false;
        while (!sctp->down && !sctp->paused && receive(sctp)) {
        }
        if (sctp->paused) sctp->readable = true; /* there may be more */
    }
    /* The event says that there is some room, not that the next message fits. */
    if (sctp->wants_room && sctp->acknowledged && !sctp->down &&
        (usrsctp_get_events(sctp->socket) & SCTP_EVENT_WRITE) != 0) {
        sctp->wants_room = false;
        sctp->handlers.on_writable(sctp->user);
    }
}

bool actri_sctp_has_unread(const actri_sctp_t *sctp)
{
    return sctp->readable && !sctp->down;
}

void actri_sctp_pause(actri_sctp_t *sctp, bool paused)
{
    sctp->paused = paused;
}

/* ---- what leaves ---- */

actr_status_t actri_sctp_send(actri_sctp_t *sctp, uint16_t stream, uint32_t ppid, bool unordered, int retransmits,
                              const void *data, size_t size, actr_error_t *error)
{
    if (!sctp->up) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "SCTP: no association");
    struct sctp_sendv_spa spa;
    memset(&spa, 0, sizeof spa);
    spa.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    spa.sendv_sndinfo.snd_sid = stream;
    spa.sendv_sndinfo.snd_ppid = htonl(ppid);
    spa.sendv_sndinfo.snd_flags = (uint16_t)(SCTP_EOR | (unordered ? SCTP_UNORDERED : 0));
    if (retransmits >= 0) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = (uint32_t)retransmits;
    }
    ssize_t sent = usrsctp_sendv(sctp->socket, data, size, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0);
    if (sent == (ssize_t)size) return ACTR_OK;
    if (sent >= 0 || errno == EWOULDBLOCK || errno == EAGAIN) {
        sctp->wants_room = true;
        sctp->acknowledged = false;
        return actri_fail(error, ACTR_STATUS_WOULD_BLOCK, "SCTP: no room");
    }
    return actri_fail_errno(error, ACTR_STATUS_UNAVAILABLE, errno, "SCTP: sending failed");
}
