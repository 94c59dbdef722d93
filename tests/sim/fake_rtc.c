/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_rtc.h"

#include "base/list.h"
#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS (200 * ACTRI_MS)
#define SILENT_NS (5 * ACTRI_SECOND)

/* What is on its way to a connection. */
typedef struct packet {
    actri_link_t link;
    int64_t due_ns;
    uint32_t from; /* connection */
    unsigned from_host;
    bool is_notice; /* close_notify */
    actr_payload_type_t lane;
    size_t size;
    uint8_t bytes[];
} packet_t;

struct actri_rtc {
    actri_link_t link; /* of all */
    uint32_t id, generation;
    uint32_t remote, remote_generation; /* 0: no description yet */
    actri_rtc_options_t o;
    const actri_rtc_handlers_t *handlers;
    void *user;
    actri_rtc_state_t state;
    bool closing; /* CLOSED is to be told */
    bool wants_writable, paused;
    unsigned lanes; /* bits */
    unsigned candidates_left;
    size_t unsent;    /* bytes that the peer has not got */
    int64_t since_ns; /* when CONNECTING began, or when it last heard the peer */
    int64_t meet_ns;  /* when the handshake is done; 0: not begun */
    int64_t lane_ns[ACTRI_RTC_LANES];
    actri_link_t inbox; /* packets, in order */
    actri_timer_t tick, deliver;
};

fake_net_t fake_net;
static actri_link_t all = {&all, &all};
static uint32_t last_id;

void fake_net_reset(uint64_t seed)
{
    memset(&fake_net, 0, sizeof fake_net);
    fake_net.rng.state = seed;
    fake_net.latency_ns = 20 * ACTRI_MS;
    fake_net.send_buffer = 256 * 1024;
    fake_net.failed_ns = 30 * ACTRI_SECOND;
    last_id = 0;
}

bool fake_net_path(unsigned a, unsigned b)
{
    return !fake_net.cut[a][b] && !fake_net.cut[b][a] && !fake_net.dead[a] && !fake_net.dead[b];
}

size_t fake_rtc_alive(void)
{
    size_t count = 0;
    for (actri_link_t *at = all.next; at != &all; at = at->next) count++;
    return count;
}

static actri_rtc_t *find(uint32_t id)
{
    for (actri_link_t *at = all.next; at != &all; at = at->next) {
        actri_rtc_t *rtc = ACTRI_CONTAINER(at, actri_rtc_t, link);
        if (rtc->id == id) return rtc;
    }
    return NULL;
}

static unsigned host_of(const actri_rtc_t *rtc)
{
    return rtc->o.certificate->host;
}

static int64_t random_ns(int64_t most)
{
    return (int64_t)(rng_u64(&fake_net.rng) % (uint64_t)(most + 1));
}

/* The connection at the other end, when both mean each other and packets pass; else NULL. */
static actri_rtc_t *partner(const actri_rtc_t *rtc)
{
    actri_rtc_t *other = rtc->remote == 0 ? NULL : find(rtc->remote);
    if (other == NULL || other->remote != rtc->id || other->state == ACTRI_RTC_CLOSED) return NULL;
    if (other->remote_generation != rtc->generation || rtc->remote_generation != other->generation) return NULL;
    return fake_net_path(host_of(rtc), host_of(other)) ? other : NULL;
}

static void set_tick(actri_rtc_t *rtc, int64_t at_ns)
{
    if (rtc->tick.heap_index != 0 && rtc->tick.deadline_ns <= at_ns) return;
    actri_loop_timer_set(rtc->o.loop, &rtc->tick, at_ns);
}

/* Tells a state; false when the callback freed the connection. */
static bool tell(actri_rtc_t *rtc, actri_rtc_state_t state, const char *reason)
{
    uint32_t id = rtc->id;
    actr_error_t why = ACTR_ERROR_INIT;
    if (reason != NULL) (void)actri_fail(&why, ACTR_STATUS_UNAVAILABLE, "%s", reason);
    rtc->state = state;
    rtc->handlers->on_state(rtc->user, state, reason == NULL ? NULL : &why);
    return find(id) != NULL;
}

/* ---- meeting ---- */

static bool open_lane(actri_rtc_t *rtc, actr_payload_type_t lane)
{
    uint32_t id = rtc->id;
    if ((rtc->lanes & 1u << lane) != 0) return true;
    rtc->lanes |= 1u << lane;
    rtc->handlers->on_lane_open(rtc->user, lane);
    return find(id) != NULL;
}

static void plan_lanes(actri_rtc_t *rtc)
{
    int64_t now = actri_now_ns(), most = fake_net.lanes_open_late ? ACTRI_SECOND : 5 * ACTRI_MS;
    for (int i = 0; i < ACTRI_RTC_LANES; i++) {
        rtc->lane_ns[i] = now + (i == 0 ? 0 : random_ns(most));
        set_tick(rtc, rtc->lane_ns[i]);
    }
}

static void tick_connecting(actri_rtc_t *rtc)
{
    int64_t now = actri_now_ns();
    actri_rtc_t *other = partner(rtc);
    if (other == NULL) rtc->meet_ns = 0;
    if (other != NULL && rtc->meet_ns == 0) {
        rtc->meet_ns = now + 5 * ACTRI_MS + random_ns(50 * ACTRI_MS);
        set_tick(rtc, rtc->meet_ns);
    } else if (other != NULL && now >= rtc->meet_ns) {
        rtc->since_ns = now;
        fake_net.connections++;
        if (tell(rtc, ACTRI_RTC_CONNECTED, NULL)) plan_lanes(rtc);
    } else if (now - rtc->since_ns > fake_net.failed_ns) {
        (void)tell(rtc, ACTRI_RTC_CLOSED, "ICE failed");
    }
}

static bool open_due_lanes(actri_rtc_t *rtc)
{
    for (int i = 0; i < ACTRI_RTC_LANES; i++) {
        bool due = rtc->lane_ns[i] != 0 && rtc->lane_ns[i] <= actri_now_ns();
        if (due && !open_lane(rtc, (actr_payload_type_t)i)) return false;
    }
    return true;
}

static void tick_connected(actri_rtc_t *rtc)
{
    int64_t now = actri_now_ns();
    if (partner(rtc) != NULL) {
        rtc->since_ns = now;
        if (rtc->state == ACTRI_RTC_DISCONNECTED && !tell(rtc, ACTRI_RTC_CONNECTED, NULL)) return;
        (void)open_due_lanes(rtc);
    } else if (now - rtc->since_ns > fake_net.failed_ns) {
        (void)tell(rtc, ACTRI_RTC_CLOSED, "ICE failed");
    } else if (now - rtc->since_ns > SILENT_NS && rtc->state == ACTRI_RTC_CONNECTED) {
        (void)tell(rtc, ACTRI_RTC_DISCONNECTED, NULL);
    }
}

static bool send_candidate(actri_rtc_t *rtc)
{
    char text[80];
    uint32_t id = rtc->id;
    (void)snprintf(text, sizeof text, "candidate:%u 1 udp %u 10.0.0.%u %u typ host", rtc->id, rtc->generation,
                   host_of(rtc), rtc->candidates_left);
    rtc->candidates_left--;
    rtc->handlers->on_candidate(rtc->user, text);
    return find(id) != NULL;
}

static void on_tick(actri_timer_t *timer)
{
    actri_rtc_t *rtc = ACTRI_CONTAINER(timer, actri_rtc_t, tick);
    uint32_t id = rtc->id;
    while (rtc->candidates_left > 0) {
        if (!send_candidate(rtc)) return;
    }
    if (rtc->closing) {
        rtc->closing = false;
        (void)tell(rtc, ACTRI_RTC_CLOSED, "closed by us");
    } else if (rtc->state == ACTRI_RTC_CONNECTING) {
        tick_connecting(rtc);
    } else if (rtc->state == ACTRI_RTC_CONNECTED || rtc->state == ACTRI_RTC_DISCONNECTED) {
        tick_connected(rtc);
    }
    rtc = find(id);
    if (rtc != NULL && rtc->state != ACTRI_RTC_CLOSED) set_tick(rtc, actri_now_ns() + TICK_NS);
}

/* ---- packets ---- */

static void give_back(const packet_t *packet)
{
    actri_rtc_t *from = find(packet->from);
    if (from == NULL) return;
    from->unsent -= packet->size;
    if (from->wants_writable && from->unsent <= fake_net.send_buffer / 2) {
        from->wants_writable = false;
        from->handlers->on_writable(from->user);
    }
}

static void take_packet(actri_rtc_t *rtc, packet_t *packet)
{
    bool takes = rtc->state == ACTRI_RTC_CONNECTED || rtc->state == ACTRI_RTC_DISCONNECTED;
    if (packet->is_notice) {
        (void)tell(rtc, ACTRI_RTC_CLOSED, "closed by the peer");
    } else if (takes && open_lane(rtc, packet->lane)) {
        actr_buf_t *message = actri_buf_copy(rtc->o.env, packet->bytes, packet->size);
        if (message == NULL) {
            fake_net.lost++;
        } else {
            fake_net.messages++;
            rtc->handlers->on_message(rtc->user, packet->lane, message);
        }
    }
    give_back(packet);
    free(packet);
}

static void on_deliver(actri_timer_t *timer)
{
    actri_rtc_t *rtc = ACTRI_CONTAINER(timer, actri_rtc_t, deliver);
    uint32_t id = rtc->id;
    int64_t now = actri_now_ns();
    while ((rtc = find(id)) != NULL && !actri_list_empty(&rtc->inbox) && !rtc->paused) {
        packet_t *packet = ACTRI_CONTAINER(rtc->inbox.next, packet_t, link);
        bool early = rtc->state == ACTRI_RTC_CONNECTING && !packet->is_notice;
        if (packet->due_ns > now || early) { /* a handshake that only the other end has seen */
            actri_loop_timer_set(rtc->o.loop, timer, early ? now + 5 * ACTRI_MS : packet->due_ns);
            return;
        }
        if (!fake_net_path(host_of(rtc), packet->from_host)) {
            if (find(packet->from) != NULL) { /* SCTP sends it again */
                actri_loop_timer_set(rtc->o.loop, timer, now + TICK_NS);
                return;
            }
            actri_list_remove(&packet->link);
            fake_net.notices_lost++;
            free(packet);
            continue;
        }
        actri_list_remove(&packet->link);
        take_packet(rtc, packet);
    }
}

static bool put_packet(actri_rtc_t *rtc, bool notice, actr_payload_type_t lane, const void *data, size_t size)
{
    actri_rtc_t *other = find(rtc->remote);
    if (other == NULL || other->remote != rtc->id) return false;
    packet_t *packet = malloc(sizeof *packet + size);
    if (packet == NULL) return false;
    *packet = (packet_t){.due_ns = actri_now_ns() + random_ns(fake_net.latency_ns),
                         .from = rtc->id,
                         .from_host = host_of(rtc),
                         .is_notice = notice,
                         .lane = lane,
                         .size = size};
    if (size > 0) memcpy(packet->bytes, data, size);
    if (!actri_list_empty(&other->inbox)) { /* in order */
        const packet_t *last = ACTRI_CONTAINER(other->inbox.prev, packet_t, link);
        if (packet->due_ns < last->due_ns) packet->due_ns = last->due_ns;
    }
    actri_list_append(&other->inbox, &packet->link);
    if (other->deliver.heap_index == 0) actri_loop_timer_set(other->o.loop, &other->deliver, packet->due_ns);
    return true;
}

/* What SCTP had not delivered yet goes with the association, or was already on its way. */
static void forget_sent(actri_rtc_t *rtc)
{
    actri_rtc_t *other = find(rtc->remote);
    if (other == NULL) return;
    for (actri_link_t *at = other->inbox.next, *next; at != &other->inbox; at = next) {
        next = at->next;
        packet_t *packet = ACTRI_CONTAINER(at, packet_t, link);
        if (packet->from != rtc->id) continue;
        actri_list_remove(at);
        fake_net.lost++;
        free(packet);
    }
}

/* ---- rtc.h ---- */

const char *actri_certificate_fingerprint(const actri_certificate_t *certificate)
{
    return certificate == NULL ? "" : "FA:CE";
}

actr_status_t actri_rtc_new(const actri_rtc_options_t *options, const actri_rtc_handlers_t *handlers, void *user,
                            actri_rtc_t **out, actr_error_t *error)
{
    if (rng_chance(&fake_net.rng, fake_net.refuse_percent)) return actri_fail(error, ACTR_STATUS_IO, "no socket");
    actri_rtc_t *rtc = actri_zalloc(options->env, sizeof *rtc);
    if (rtc == NULL) return actri_no_memory(error);
    rtc->id = ++last_id;
    rtc->generation = 1;
    rtc->o = *options;
    rtc->handlers = handlers;
    rtc->user = user;
    rtc->tick.fire = on_tick;
    rtc->deliver.fire = on_deliver;
    actri_list_init(&rtc->inbox);
    actri_list_append(&all, &rtc->link);
    *out = rtc;
    return ACTR_OK;
}

static actr_status_t describe_self(actri_rtc_t *rtc, const char *kind, char **sdp, actr_error_t *error)
{
    *sdp = actri_asprintf(rtc->o.env, "fake %s %u %u", kind, rtc->id, rtc->generation);
    if (*sdp == NULL) return actri_no_memory(error);
    rtc->candidates_left = 2;
    set_tick(rtc, actri_now_ns() + random_ns(20 * ACTRI_MS));
    return ACTR_OK;
}

static actr_status_t take_description(actri_rtc_t *rtc, const char *sdp, const char *kind, actr_error_t *error)
{
    char word[20];
    uint32_t id, generation;
    if (sscanf(sdp, "fake %19s %u %u", word, &id, &generation) != 3 || strcmp(word, kind) != 0) {
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "\"%s\" is no %s", sdp, kind);
    }
    rtc->remote = id;
    rtc->remote_generation = generation;
    if (rtc->state == ACTRI_RTC_NEW) {
        rtc->state = ACTRI_RTC_CONNECTING;
        rtc->since_ns = actri_now_ns();
    }
    set_tick(rtc, actri_now_ns());
    return ACTR_OK;
}

actr_status_t actri_rtc_create_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error)
{
    return describe_self(rtc, "offer", sdp, error);
}

actr_status_t actri_rtc_accept_offer(actri_rtc_t *rtc, const char *offer, char **answer, actr_error_t *error)
{
    actr_status_t status = take_description(rtc, offer, "offer", error);
    return status == ACTR_OK ? describe_self(rtc, "answer", answer, error) : status;
}

actr_status_t actri_rtc_accept_answer(actri_rtc_t *rtc, const char *answer, actr_error_t *error)
{
    return take_description(rtc, answer, "answer", error);
}

actr_status_t actri_rtc_add_candidate(actri_rtc_t *rtc, const char *candidate, actr_error_t *error)
{
    (void)rtc;
    if (strncmp(candidate, "candidate:", 10) == 0) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "\"%s\" is no candidate", candidate);
}

actr_status_t actri_rtc_create_restart_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error)
{
    rtc->generation++;
    return describe_self(rtc, "restart", sdp, error);
}

actr_status_t actri_rtc_accept_restart_offer(actri_rtc_t *rtc, const char *offer, char **answer, actr_error_t *error)
{
    uint32_t before = rtc->remote;
    actr_status_t status = take_description(rtc, offer, "restart", error);
    if (status == ACTR_OK && rtc->remote != before) { /* another DTLS session would be needed */
        rtc->remote = before;
        status = actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "a restart of another connection");
    }
    if (status != ACTR_OK) return status;
    rtc->generation++;
    return describe_self(rtc, "answer", answer, error);
}

actr_status_t actri_rtc_send(actri_rtc_t *rtc, actr_payload_type_t lane, const void *data, size_t size,
                             actr_error_t *error)
{
    if ((rtc->lanes & 1u << lane) == 0 || rtc->state == ACTRI_RTC_CLOSED) {
        return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the lane is not open");
    }
    if (size > ACTRI_RTC_MESSAGE_MAX) return actri_fail(error, ACTR_STATUS_TOO_LARGE, "%zu bytes", size);
    if (rtc->unsent > 0 && rtc->unsent + size > fake_net.send_buffer) {
        rtc->wants_writable = true;
        return ACTR_STATUS_WOULD_BLOCK;
    }
    fake_net.sent_on[lane]++;
    if (put_packet(rtc, false, lane, data, size))
        rtc->unsent += size;
    else
        fake_net.lost++; /* the other end is gone, and we do not know yet */
    return ACTR_OK;
}

void actri_rtc_pause(actri_rtc_t *rtc, bool paused)
{
    rtc->paused = paused;
    if (!paused && !actri_list_empty(&rtc->inbox)) actri_loop_timer_set(rtc->o.loop, &rtc->deliver, actri_now_ns());
}

bool actri_rtc_lane_is_open(const actri_rtc_t *rtc, actr_payload_type_t lane)
{
    return (rtc->lanes & 1u << lane) != 0;
}

actri_rtc_state_t actri_rtc_state(const actri_rtc_t *rtc)
{
    return rtc->state;
}

/* As wide as a true one; its first byte is the host. */
const char *actri_rtc_peer_fingerprint(const actri_rtc_t *rtc)
{
    static char text[96];
    actri_rtc_t *other = rtc->remote == 0 ? NULL : find(rtc->remote);
    unsigned host = other == NULL ? 0 : host_of(other);
    for (unsigned i = 0; i < 32; i++) (void)snprintf(text + 3 * i, 4, i < 31 ? "%02X:" : "%02X", i == 0 ? host : 0);
    return text;
}

bool actri_rtc_is_actr(const actri_rtc_t *rtc)
{
    return rtc->remote != 0 && !fake_net.plain_peers;
}

bool actri_rtc_knows_credit(const actri_rtc_t *rtc)
{
    return actri_rtc_is_actr(rtc);
}

bool actri_rtc_is_relayed(const actri_rtc_t *rtc)
{
    (void)rtc;
    return false;
}

void actri_rtc_describe(const actri_rtc_t *rtc, char *text, size_t size)
{
    (void)snprintf(text, size, "%s %u -> %u", rtc->o.offerer ? "offerer" : "answerer", rtc->id, rtc->remote);
}

static void say_goodbye(actri_rtc_t *rtc)
{
    if (rtc->state == ACTRI_RTC_CLOSED) return;
    bool met = rtc->state == ACTRI_RTC_CONNECTED || rtc->state == ACTRI_RTC_DISCONNECTED;
    if (rng_chance(&fake_net.rng, 50)) forget_sent(rtc);
    if (met) (void)put_packet(rtc, true, ACTR_RPC_RELIABLE, NULL, 0);
    rtc->state = ACTRI_RTC_CLOSED;
}

void actri_rtc_give_up(actri_rtc_t *rtc, const char *why)
{
    (void)why;
    actri_rtc_close(rtc);
}

void actri_rtc_close(actri_rtc_t *rtc)
{
    if (rtc->state == ACTRI_RTC_CLOSED) return;
    say_goodbye(rtc);
    rtc->closing = true;
    set_tick(rtc, actri_now_ns());
}

void actri_rtc_free(actri_rtc_t *rtc)
{
    if (rtc == NULL) return;
    say_goodbye(rtc);
    actri_loop_timer_cancel(rtc->o.loop, &rtc->tick);
    actri_loop_timer_cancel(rtc->o.loop, &rtc->deliver);
    actri_list_remove(&rtc->link);
    actri_link_t *link;
    while ((link = actri_list_take(&rtc->inbox)) != NULL) {
        packet_t *packet = ACTRI_CONTAINER(link, packet_t, link);
        actri_rtc_t *from = find(packet->from);
        if (from != NULL) from->unsent -= packet->size; /* it will notice by itself */
        free(packet);
    }
    actri_free(rtc->o.env, rtc);
}
