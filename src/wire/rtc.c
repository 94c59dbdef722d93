/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer connection: ICE below, DTLS on it, SCTP in it, data channels on top. Everything happens on the loop. What a
 * function causes is told to the owner from a task at the end of the turn, never from inside the function; the memory
 * goes there too, so a callback may free its connection.
 */
#include "wire/rtc.h"

#include "port/often.h"
#include "port/random.h"
#include "wire/dcep.h"
#include "wire/dtls.h"
#include "wire/ice.h"
#include "wire/sctp.h"
#include "wire/sdp.h"

#include <stdio.h>
#include <string.h>

#define AREA "wire"
#define OUT_DATAGRAMS 32
#define DATAGRAM_ROOM 1400
#define PARKED 32
#define HOST_CANDIDATES 16
#define FAILED_NS (25 * ACTRI_SECOND)    /* of silence after DISCONNECTED (webrtc 4) */
#define LAST_WORDS_NS (2 * ACTRI_SECOND) /* that nobody reads, after the peer's close_notify */
#define STREAM_MAX 2048

typedef struct candidate_text {
    actri_link_t link;
    char text[];
} candidate_text_t;

typedef struct lane {
    bool open, told;
    uint16_t stream;
} lane_t;

struct actri_rtc {
    actri_rtc_options_t o;
    actri_rtc_handlers_t handlers;
    void *user;
    actri_rtc_state_t state, told_state;
    actri_often_t dropped; /* log lines */
    actr_error_t why;
    bool has_why, freed, writable, is_client, remote_set, flushing;
    bool peer_closed; /* what it said before is delivered first */
    actri_ice_t *ice;
    actri_dtls_t *dtls;
    actri_sctp_t *sctp;
    bool ice_up, dtls_started;
    actri_sdp_t remote;
    uint64_t session_id, session_version;
    uint32_t ssrc;
    lane_t lanes[ACTRI_RTC_LANES];
    uint8_t lane_of_stream[STREAM_MAX]; /* lane + 1; 0: no channel; 255: a channel of no lane */
    actri_link_t candidates;            /* local ones to be told */
    char *parked[PARKED];               /* remote ones before the description */
    size_t parked_count;
    uint64_t bad_messages;

    actri_task_t notify; /* at the end of the turn */
    bool notify_waits;
    actri_timer_t dtls_timer, silence_timer;

    size_t out_count, out_used; /* datagrams to be sent at the end of the turn */
    actri_datagram_t out[OUT_DATAGRAMS];
    uint8_t out_bytes[OUT_DATAGRAMS * DATAGRAM_ROOM];
};

/* ---- telling the owner, at the end of the turn ---- */

static void wake(actri_rtc_t *rtc)
{
    if (rtc->notify_waits) return;
    rtc->notify_waits = true;
    actri_loop_at_turn_end(rtc->o.loop, &rtc->notify);
}

static void set_state(actri_rtc_t *rtc, actri_rtc_state_t state)
{
    if (rtc->state == state || rtc->state == ACTRI_RTC_CLOSED) return;
    rtc->state = state;
    wake(rtc);
}

static void end(actri_rtc_t *rtc, const actr_error_t *why)
{
    if (rtc->state == ACTRI_RTC_CLOSED) return;
    if (why != NULL) {
        rtc->why = *why;
        rtc->has_why = true;
    }
    for (unsigned i = 0; i < ACTRI_RTC_LANES; i++) rtc->lanes[i].open = false;
    set_state(rtc, ACTRI_RTC_CLOSED);
}

static void end_because(actri_rtc_t *rtc, actr_status_t status, const char *what)
{
    actr_error_t why = ACTR_ERROR_INIT;
    (void)actri_fail(&why, status, "%s", what);
    end(rtc, &why);
}

/* ---- datagrams out ---- */

static void flush_out(actri_rtc_t *rtc)
{
    if (rtc->out_count == 0) return;
    size_t sent = actri_ice_send(rtc->ice, rtc->out, rtc->out_count);
    if (sent < rtc->out_count) {
        actri_debug(rtc->o.env, AREA, "%zu datagrams did not leave", rtc->out_count - sent);
    }
    rtc->out_count = rtc->out_used = 0;
}

static void on_dtls_send(void *user, const uint8_t *datagram, size_t size)
{
    actri_rtc_t *rtc = user;
    if (rtc->out_count == OUT_DATAGRAMS || rtc->out_used + size > sizeof rtc->out_bytes) flush_out(rtc);
    if (size > sizeof rtc->out_bytes) return;
    uint8_t *at = rtc->out_bytes + rtc->out_used;
    memcpy(at, datagram, size);
    rtc->out[rtc->out_count++] = (actri_datagram_t){at, size};
    rtc->out_used += size;
    wake(rtc);
}

/* ---- DTLS ---- */

static void arm_dtls(actri_rtc_t *rtc)
{
    int64_t deadline = actri_dtls_deadline(rtc->dtls);
    if (deadline == ACTRI_NEVER)
        actri_loop_timer_cancel(rtc->o.loop, &rtc->dtls_timer);
    else
        actri_loop_timer_set(rtc->o.loop, &rtc->dtls_timer, deadline);
}

static void end_of_peer(actri_rtc_t *rtc)
{
    end_because(rtc, ACTR_STATUS_UNAVAILABLE, "the peer closed the connection");
}

/* Nothing can be sent any more; what has come is handed on at the end of the turn, or once it is read again. */
static void on_peer_closed(actri_rtc_t *rtc)
{
    rtc->peer_closed = true;
    for (unsigned i = 0; i < ACTRI_RTC_LANES; i++) rtc->lanes[i].open = false;
    actri_loop_timer_set(rtc->o.loop, &rtc->silence_timer, actri_now_ns() + LAST_WORDS_NS);
    wake(rtc);
}

static void after_dtls(actri_rtc_t *rtc, actri_dtls_result_t result, const actr_error_t *error)
{
    actr_error_t failure = ACTR_ERROR_INIT;
    switch (result) {
    case ACTRI_DTLS_UP:
        if (actri_sctp_connect(rtc->sctp, &failure) != ACTR_OK) end(rtc, &failure);
        break;
    case ACTRI_DTLS_CLOSED: on_peer_closed(rtc); break;
    case ACTRI_DTLS_FAILED: end(rtc, error); break;
    case ACTRI_DTLS_OK: break;
    }
    arm_dtls(rtc);
}

static void on_dtls_timer(actri_timer_t *timer)
{
    actri_rtc_t *rtc = ACTRI_CONTAINER(timer, actri_rtc_t, dtls_timer);
    actr_error_t error = ACTR_ERROR_INIT;
    after_dtls(rtc, actri_dtls_on_timer(rtc->dtls, &error), &error);
}

/* Both descriptions are known and a pair works. */
static void start_dtls(actri_rtc_t *rtc)
{
    if (rtc->dtls_started || !rtc->ice_up || !rtc->remote_set) return;
    rtc->dtls_started = true;
    actr_error_t error = ACTR_ERROR_INIT;
    after_dtls(rtc, actri_dtls_start(rtc->dtls, rtc->is_client, rtc->remote.fingerprint, &error), &error);
}

static void on_dtls_data(void *user, const uint8_t *data, size_t size)
{
    actri_rtc_t *rtc = user;
    actri_sctp_input(rtc->sctp, data, size);
}

/* ---- ICE ---- */

static void on_ice_packet(void *user, const uint8_t *data, size_t size)
{
    actri_rtc_t *rtc = user;
    if (rtc->state == ACTRI_RTC_CLOSED || size == 0) return;
    if (data[0] < 20 || data[0] > 63) { /* RFC 7983: not DTLS; RTP comes with media */
        rtc->bad_messages += data[0] < 128 ? 1 : 0;
        return;
    }
    if (!rtc->dtls_started && !rtc->is_client && rtc->remote_set) { /* the peer's pair works already */
        rtc->ice_up = true;
        start_dtls(rtc);
    }
    actr_error_t error = ACTR_ERROR_INIT;
    actri_dtls_result_t result = actri_dtls_receive(rtc->dtls, data, size, &error);
    if (result != ACTRI_DTLS_OK || !actri_dtls_is_up(rtc->dtls)) after_dtls(rtc, result, &error);
    wake(rtc); /* drained at the end of the turn */
}

static void on_silence(actri_timer_t *timer)
{
    actri_rtc_t *rtc = ACTRI_CONTAINER(timer, actri_rtc_t, silence_timer);
    if (rtc->peer_closed)
        end_of_peer(rtc);
    else
        end_because(rtc, ACTR_STATUS_UNAVAILABLE, "nothing was heard from the peer any more");
}

static void on_ice_state(void *user, actri_ice_state_t state)
{
    actri_rtc_t *rtc = user;
    bool was_up = rtc->state == ACTRI_RTC_CONNECTED || rtc->state == ACTRI_RTC_DISCONNECTED;
    if (rtc->peer_closed) return;
    switch (state) {
    case ACTRI_ICE_CONNECTED:
        rtc->ice_up = true;
        actri_loop_timer_cancel(rtc->o.loop, &rtc->silence_timer);
        if (rtc->state == ACTRI_RTC_DISCONNECTED) set_state(rtc, ACTRI_RTC_CONNECTED);
        start_dtls(rtc);
        break;
    case ACTRI_ICE_DISCONNECTED:
    case ACTRI_ICE_FAILED:
        if (was_up) {
            set_state(rtc, ACTRI_RTC_DISCONNECTED);
            if (rtc->silence_timer.heap_index == 0) {
                actri_loop_timer_set(rtc->o.loop, &rtc->silence_timer, actri_now_ns() + FAILED_NS);
            }
        } else if (state == ACTRI_ICE_FAILED && rtc->remote_set) {
            actri_debug(rtc->o.env, AREA, "no pair of candidates works yet");
        }
        break;
    case ACTRI_ICE_CHECKING: break;
    }
}

static void on_ice_candidate(void *user, const char *text)
{
    actri_rtc_t *rtc = user;
    size_t size = strlen(text) + 1;
    candidate_text_t *candidate = actri_alloc(rtc->o.env, sizeof *candidate + size);
    if (candidate == NULL) return;
    memcpy(candidate->text, text, size);
    actri_list_append(&rtc->candidates, &candidate->link);
    wake(rtc);
}

/* ---- data channels ---- */

static void open_lane(actri_rtc_t *rtc, actr_payload_type_t lane, uint16_t stream)
{
    rtc->lanes[lane].stream = stream; /* the newest channel of a label is the one to send on (webrtc 8.2) */
    rtc->lanes[lane].open = true;
    rtc->lane_of_stream[stream] = (uint8_t)(lane + 1);
    wake(rtc);
}

static void on_sctp_up(void *user)
{
    actri_rtc_t *rtc = user;
    set_state(rtc, ACTRI_RTC_CONNECTED);
    if (!rtc->o.offerer) return; /* the answerer opens none (webrtc 8.4) */
    for (unsigned i = 0; i < ACTRI_RTC_LANES; i++) {
        uint8_t open[ACTRI_DCEP_OPEN_MAX];
        actr_error_t error = ACTR_ERROR_INIT;
        size_t size = actri_dcep_encode_open((actr_payload_type_t)i, open);
        uint16_t stream = (uint16_t)(2 * i + (rtc->is_client ? 2 : 1)); /* RFC 8832 6: the DTLS server's are odd */
        if (actri_sctp_send(rtc->sctp, stream, ACTRI_PPID_DCEP, false, -1, open, size, &error) != ACTR_OK) {
            end(rtc, &error);
            return;
        }
        open_lane(rtc, (actr_payload_type_t)i, stream); /* data may follow its OPEN at once */
    }
}

static void on_sctp_down(void *user, const char *why)
{
    end_because(user, ACTR_STATUS_UNAVAILABLE, why);
}

static void on_dcep(actri_rtc_t *rtc, uint16_t stream, const actr_buf_t *message)
{
    const uint8_t *data = actr_buf_data(message);
    if (data[0] == ACTRI_DCEP_ACK) return;
    actri_dcep_open_t open;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_payload_type_t lane;
    if (actri_dcep_decode_open(data, actr_buf_size(message), &open, &error) != ACTR_OK) {
        rtc->bad_messages++;
        actri_warn(rtc->o.env, AREA, "stream %u: %s", stream, error.message);
        return;
    }
    static const uint8_t ack = ACTRI_DCEP_ACK;
    if (actri_sctp_send(rtc->sctp, stream, ACTRI_PPID_DCEP, false, -1, &ack, 1, &error) != ACTR_OK) {
        actri_warn(rtc->o.env, AREA, "stream %u was not acknowledged: %s", stream, error.message);
    }
    if (actri_lane_from_label(open.label, open.label_size, &lane)) {
        open_lane(rtc, lane, stream);
    } else {
        rtc->lane_of_stream[stream] = 255;
        actri_info(rtc->o.env, AREA, "a channel \"%.*s\" that nobody uses", (int)open.label_size, open.label);
    }
}

/* Why a message is not delivered; NULL: it is. */
static const char *unwanted(const actri_rtc_t *rtc, uint16_t stream, uint32_t ppid, size_t size)
{
    if (ppid == ACTRI_PPID_BINARY_EMPTY || ppid == ACTRI_PPID_STRING_EMPTY || size == 0) return "it is empty";
    if (size > ACTRI_RTC_MESSAGE_MAX + 1) return "it is too large";
    uint8_t lane = rtc->lane_of_stream[stream];
    if (lane == 0) return "its stream has no channel";
    return lane == 255 ? "its channel has no use" : NULL;
}

static void tell_lanes(actri_rtc_t *rtc);
static void tell_state(actri_rtc_t *rtc);

static void on_sctp_message(void *user, uint16_t stream, uint32_t ppid, actr_buf_t *message)
{
    actri_rtc_t *rtc = user;
    if (stream >= STREAM_MAX || rtc->state == ACTRI_RTC_CLOSED) {
        actr_buf_release(message);
        return;
    }
    if (ppid == ACTRI_PPID_DCEP) {
        if (actr_buf_size(message) > 0) on_dcep(rtc, stream, message);
        actr_buf_release(message);
        return;
    }
    const char *why = unwanted(rtc, stream, ppid, actr_buf_size(message));
    if (why != NULL) {
        rtc->bad_messages++;
        actri_warn_often(rtc->o.env, &rtc->dropped, AREA, "a message of %zu bytes on stream %u is dropped: %s",
                         actr_buf_size(message), stream, why);
        actr_buf_release(message);
        return;
    }
    tell_state(rtc); /* what it says comes after the news that its lane is open */
    tell_lanes(rtc);
    if (rtc->freed)
        actr_buf_release(message);
    else
        rtc->handlers.on_message(rtc->user, (actr_payload_type_t)(rtc->lane_of_stream[stream] - 1), message);
}

/* A request that is lost has a time limit. Nobody would notice that a chunk is missing. */
static void on_sctp_lost(void *user, uint16_t stream)
{
    actri_rtc_t *rtc = user;
    bool is_stream = stream < STREAM_MAX && rtc->lane_of_stream[stream] == ACTR_STREAM_RELIABLE + 1;
    actri_warn(rtc->o.env, AREA, "out of memory: a message on stream %u is lost", stream);
    if (is_stream) actri_rtc_give_up(rtc, "out of memory: a chunk of a reliable stream is lost");
}

static void on_sctp_reset(void *user, uint16_t stream)
{
    actri_rtc_t *rtc = user;
    if (stream >= STREAM_MAX) return;
    uint8_t lane = rtc->lane_of_stream[stream];
    rtc->lane_of_stream[stream] = 0;
    if (lane == 0 || lane == 255 || rtc->lanes[lane - 1].stream != stream) return;
    end_because(rtc, ACTR_STATUS_UNAVAILABLE, "the peer closed a data channel"); /* as the reference (webrtc 7) */
}

static void on_sctp_send(void *user, const void *packet, size_t size)
{
    actri_rtc_t *rtc = user;
    if (!actri_dtls_send(rtc->dtls, packet, size)) actri_debug(rtc->o.env, AREA, "an SCTP packet could not leave");
}

static void on_sctp_writable(void *user)
{
    actri_rtc_t *rtc = user;
    rtc->writable = true;
    wake(rtc);
}

/* ---- the end of the turn ---- */

static void tell_candidates(actri_rtc_t *rtc)
{
    actri_link_t *link;
    while ((link = actri_list_take(&rtc->candidates)) != NULL) {
        candidate_text_t *candidate = ACTRI_CONTAINER(link, candidate_text_t, link);
        if (!rtc->freed) rtc->handlers.on_candidate(rtc->user, candidate->text);
        actri_free(rtc->o.env, candidate);
    }
}

static void tell_state(actri_rtc_t *rtc)
{
    if (rtc->freed || rtc->told_state == rtc->state) return;
    rtc->told_state = rtc->state;
    rtc->handlers.on_state(rtc->user, rtc->state, rtc->has_why ? &rtc->why : NULL);
}

static void tell_lanes(actri_rtc_t *rtc)
{
    for (unsigned i = 0; i < ACTRI_RTC_LANES; i++) {
        lane_t *lane = &rtc->lanes[i];
        if (rtc->freed || !lane->open || lane->told) continue;
        lane->told = true;
        rtc->handlers.on_lane_open(rtc->user, (actr_payload_type_t)i);
    }
}

static void destroy(actri_rtc_t *rtc)
{
    actri_loop_timer_cancel(rtc->o.loop, &rtc->dtls_timer);
    actri_loop_timer_cancel(rtc->o.loop, &rtc->silence_timer);
    actri_sctp_free(rtc->sctp);
    flush_out(rtc);
    actri_dtls_free(rtc->dtls);
    actri_ice_free(rtc->ice);
    for (size_t i = 0; i < rtc->parked_count; i++) actri_free(rtc->o.env, rtc->parked[i]);
    tell_candidates(rtc);
    actri_free(rtc->o.env, rtc);
}

static void on_turn_end(actri_task_t *task)
{
    actri_rtc_t *rtc = ACTRI_CONTAINER(task, actri_rtc_t, notify);
    if (rtc->freed) {
        destroy(rtc); /* what it still sends must not queue it again */
        return;
    }
    rtc->notify_waits = false;
    if (rtc->state != ACTRI_RTC_CLOSED) actri_sctp_drain(rtc->sctp);
    if (rtc->peer_closed && !actri_sctp_has_unread(rtc->sctp)) end_of_peer(rtc);
    tell_candidates(rtc);
    tell_state(rtc);
    tell_lanes(rtc);
    if (!rtc->freed && rtc->writable && rtc->state == ACTRI_RTC_CONNECTED) {
        rtc->writable = false;
        rtc->handlers.on_writable(rtc->user);
    }
    flush_out(rtc);
}

/* ---- descriptions ---- */

static void add_candidate_quietly(actri_rtc_t *rtc, const char *text)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_ice_add_candidate(rtc->ice, text, &error) != ACTR_OK) actri_info(rtc->o.env, AREA, "%s", error.message);
}

static actr_status_t set_remote(actri_rtc_t *rtc, const char *text, actr_error_t *error)
{
    actri_sdp_t *sdp = actri_alloc(rtc->o.env, sizeof *sdp);
    if (sdp == NULL) return actri_no_memory(error);
    actr_status_t status = actri_sdp_parse(text, sdp, error);
    if (status == ACTR_OK && rtc->dtls_started && strcmp(sdp->fingerprint, rtc->remote.fingerprint) != 0) {
        status = actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "SDP: a restart with another fingerprint");
    }
    if (status == ACTR_OK) status = actri_ice_set_remote(rtc->ice, sdp->ufrag, sdp->pwd, error);
    if (status == ACTR_OK) {
        rtc->remote = *sdp;
        rtc->remote_set = true;
    }
    actri_free(rtc->o.env, sdp);
    if (status != ACTR_OK) return status;
    for (size_t i = 0; i < rtc->remote.candidate_count; i++) add_candidate_quietly(rtc, rtc->remote.candidates[i]);
    for (size_t i = 0; i < rtc->parked_count; i++) {
        add_candidate_quietly(rtc, rtc->parked[i]);
        actri_free(rtc->o.env, rtc->parked[i]);
    }
    rtc->parked_count = 0;
    return ACTR_OK;
}

static actri_sdp_local_t local_part(actri_rtc_t *rtc)
{
    actri_sdp_local_t local = {.session_id = rtc->session_id,
                               .session_version = ++rtc->session_version,
                               .fingerprint = actri_certificate_fingerprint(rtc->o.certificate),
                               .ssrc = rtc->ssrc};
    actri_ice_credentials(rtc->ice, &local.ufrag, &local.pwd);
    return local;
}

actr_status_t actri_rtc_create_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error)
{
    actri_sdp_local_t local = local_part(rtc);
    actr_status_t status = actri_ice_gather(rtc->ice, error);
    if (status == ACTR_OK) status = actri_sdp_write_offer(rtc->o.env, &local, sdp, error);
    if (status == ACTR_OK) set_state(rtc, ACTRI_RTC_CONNECTING);
    return status;
}

/* The answer with the host candidates that are known by now inside: that saves the reference a second (webrtc 4). */
static actr_status_t write_answer(actri_rtc_t *rtc, char **answer, actr_error_t *error)
{
    const char *inside[HOST_CANDIDATES];
    actri_sdp_local_t local = local_part(rtc);
    for (actri_link_t *at = rtc->candidates.next; at != &rtc->candidates; at = at->next) {
        const candidate_text_t *candidate = ACTRI_CONTAINER(at, candidate_text_t, link);
        if (local.candidate_count < HOST_CANDIDATES) inside[local.candidate_count++] = candidate->text;
    }
    local.candidates = inside;
    return actri_sdp_write_answer(rtc->o.env, &rtc->remote, &local, answer, error);
}

actr_status_t actri_rtc_accept_offer(actri_rtc_t *rtc, const char *offer, char **answer, actr_error_t *error)
{
    actr_status_t status = actri_ice_gather(rtc->ice, error);
    if (status == ACTR_OK) status = set_remote(rtc, offer, error);
    if (status == ACTR_OK) {
        rtc->is_client = rtc->remote.setup != ACTRI_SETUP_ACTIVE;
        status = write_answer(rtc, answer, error);
    }
    if (status == ACTR_OK) {
        set_state(rtc, ACTRI_RTC_CONNECTING);
        start_dtls(rtc);
    }
    return status;
}

actr_status_t actri_rtc_accept_answer(actri_rtc_t *rtc, const char *answer, actr_error_t *error)
{
    actr_status_t status = set_remote(rtc, answer, error);
    if (status != ACTR_OK) return status;
    if (!rtc->dtls_started) rtc->is_client = rtc->remote.setup == ACTRI_SETUP_PASSIVE;
    start_dtls(rtc);
    return ACTR_OK;
}

actr_status_t actri_rtc_create_restart_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error)
{
    actr_status_t status = actri_ice_restart(rtc->ice, error);
    if (status != ACTR_OK) return status;
    actri_sdp_local_t local = local_part(rtc);
    return actri_sdp_write_offer(rtc->o.env, &local, sdp, error);
}

actr_status_t actri_rtc_accept_restart_offer(actri_rtc_t *rtc, const char *offer, char **answer, actr_error_t *error)
{
    actr_status_t status = actri_ice_restart(rtc->ice, error);
    if (status == ACTR_OK) status = set_remote(rtc, offer, error);
    return status == ACTR_OK ? write_answer(rtc, answer, error) : status;
}

actr_status_t actri_rtc_add_candidate(actri_rtc_t *rtc, const char *candidate, actr_error_t *error)
{
    if (rtc->remote_set) {
        actr_status_t status = actri_ice_add_candidate(rtc->ice, candidate, error);
        if (status != ACTR_STATUS_NOT_SUPPORTED) return status;
        actri_info(rtc->o.env, AREA, "%s", actr_error_message(error));
        return ACTR_OK;
    }
    if (rtc->parked_count == PARKED) return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d candidates wait", PARKED);
    char *copy = actri_strdup(rtc->o.env, candidate);
    if (copy == NULL) return actri_no_memory(error);
    rtc->parked[rtc->parked_count++] = copy;
    return ACTR_OK;
}

/* ---- sending, asking, life ---- */

actr_status_t actri_rtc_send(actri_rtc_t *rtc, actr_payload_type_t lane, const void *data, size_t size,
                             actr_error_t *error)
{
    if ((unsigned)lane >= ACTRI_RTC_LANES || size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "payload type %d, %zu bytes", (int)lane, size);
    }
    size_t most = rtc->remote.max_message_size != 0 && rtc->remote.max_message_size < ACTRI_RTC_MESSAGE_MAX
                      ? rtc->remote.max_message_size
                      : ACTRI_RTC_MESSAGE_MAX;
    if (size > most) {
        return actri_fail(error, ACTR_STATUS_TOO_LARGE, "a message of %zu bytes, %zu are the limit", size, most);
    }
    if (rtc->state == ACTRI_RTC_CLOSED || !rtc->lanes[lane].open) {
        return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the lane %s is not open", actri_lane_label(lane));
    }
    bool lossy = lane == ACTR_STREAM_LATENCY_FIRST;
    return actri_sctp_send(rtc->sctp, rtc->lanes[lane].stream, ACTRI_PPID_BINARY, lossy, lossy ? 3 : -1, data, size,
                           error);
}

void actri_rtc_pause(actri_rtc_t *rtc, bool paused)
{
    actri_sctp_pause(rtc->sctp, paused);
    if (!paused) wake(rtc); /* drained at the end of the turn */
}

bool actri_rtc_lane_is_open(const actri_rtc_t *rtc, actr_payload_type_t lane)
{
    return (unsigned)lane < ACTRI_RTC_LANES && rtc->lanes[lane].open;
}

actri_rtc_state_t actri_rtc_state(const actri_rtc_t *rtc)
{
    return rtc->state;
}

const char *actri_rtc_peer_fingerprint(const actri_rtc_t *rtc)
{
    return rtc->remote.fingerprint;
}

bool actri_rtc_is_actr(const actri_rtc_t *rtc)
{
    return rtc->remote.is_actr;
}

bool actri_rtc_knows_credit(const actri_rtc_t *rtc)
{
    return rtc->remote.credit;
}

bool actri_rtc_is_relayed(const actri_rtc_t *rtc)
{
    char text[160];
    bool relayed;
    actri_ice_describe(rtc->ice, text, sizeof text, &relayed);
    return relayed;
}

void actri_rtc_describe(const actri_rtc_t *rtc, char *text, size_t size)
{
    char pair[160], cipher[80];
    bool relayed;
    actri_ice_describe(rtc->ice, pair, sizeof pair, &relayed);
    actri_dtls_describe(rtc->dtls, cipher, sizeof cipher);
    int used = snprintf(text, size, "%s, %s, %s, lanes", rtc->o.offerer ? "offerer" : "answerer", pair, cipher);
    for (unsigned i = 0; i < ACTRI_RTC_LANES && used > 0 && (size_t)used < size; i++) {
        if (!rtc->lanes[i].open) continue;
        used += snprintf(text + used, size - (size_t)used, " %s", actri_lane_label((actr_payload_type_t)i));
    }
}

actr_status_t actri_rtc_new(const actri_rtc_options_t *options, const actri_rtc_handlers_t *handlers, void *user,
                            actri_rtc_t **out, actr_error_t *error)
{
    static const actri_ice_handlers_t ice = {on_ice_packet, on_ice_state, on_ice_candidate};
    static const actri_dtls_handlers_t dtls = {on_dtls_send, on_dtls_data};
    static const actri_sctp_handlers_t sctp = {on_sctp_send, on_sctp_up,    on_sctp_down,    on_sctp_message,
                                               on_sctp_lost, on_sctp_reset, on_sctp_writable};
    actri_rtc_t *rtc = actri_zalloc(options->env, sizeof *rtc);
    if (rtc == NULL) return actri_no_memory(error);
    rtc->o = *options;
    rtc->handlers = *handlers;
    rtc->user = user;
    rtc->notify.run = on_turn_end;
    rtc->dtls_timer.fire = on_dtls_timer;
    rtc->silence_timer.fire = on_silence;
    rtc->session_id = actri_random_u64() >> 1;
    rtc->ssrc = (uint32_t)actri_random_u64();
    actri_list_init(&rtc->candidates);
    actr_status_t status = actri_ice_new(options, &ice, rtc, &rtc->ice, error);
    if (status == ACTR_OK) status = actri_dtls_new(options->env, options->certificate, &dtls, rtc, &rtc->dtls, error);
    if (status == ACTR_OK) status = actri_sctp_new(options->loop, options->env, &sctp, rtc, &rtc->sctp, error);
    if (status != ACTR_OK) {
        destroy(rtc);
        return status;
    }
    *out = rtc;
    return ACTR_OK;
}

static void close_because(actri_rtc_t *rtc, actr_status_t status, const char *why)
{
    if (rtc->state == ACTRI_RTC_CLOSED) return;
    actri_dtls_close(rtc->dtls);
    flush_out(rtc);
    end_because(rtc, status, why);
}

void actri_rtc_close(actri_rtc_t *rtc)
{
    close_because(rtc, ACTR_STATUS_CANCELLED, "closed here");
}

void actri_rtc_give_up(actri_rtc_t *rtc, const char *why)
{
    close_because(rtc, ACTR_STATUS_UNAVAILABLE, why);
}

void actri_rtc_free(actri_rtc_t *rtc)
{
    if (rtc == NULL) return;
    actri_rtc_close(rtc);
    rtc->freed = true;
    wake(rtc);
}
