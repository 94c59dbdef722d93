/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One WebRTC peer connection: ICE + DTLS + SCTP + the four data channels, driven by SDP from outside. Knows
 * nothing of actors, signaling or roles' negotiation: the coordinator does. spec: webrtc 4, 8, 14.
 *
 * Everything is [loop]. Callbacks are made on the loop, never from inside the function that caused them,
 * and none after actri_rtc_free. A callback may call actri_rtc_close and actri_rtc_free.
 */
#ifndef ACTRI_RTC_H
#define ACTRI_RTC_H

#include "base/buf.h"
#include "wire/loop.h"

#define ACTRI_RTC_MESSAGE_MAX 65535 /* of a data channel message; the reference reads no more (webrtc 8.3) */
#define ACTRI_RTC_LANES 4           /* payload types 0..3 */

/* The certificate that a system shows to all its peers: ECDSA P-256, self-signed. */
typedef struct actri_certificate actri_certificate_t;
ACTR_MUST_CHECK actr_status_t actri_certificate_new(const actri_env_t *env, actri_certificate_t **out,
                                                    actr_error_t *error); /* [any-thread] */
/* "AB:CD:..", sha-256, upper case. */
const char *actri_certificate_fingerprint(const actri_certificate_t *certificate);
void actri_certificate_free(actri_certificate_t *certificate); /* [any-thread], after its last peer */

typedef struct actri_rtc actri_rtc_t;

typedef enum actri_rtc_state {
    ACTRI_RTC_NEW = 0,
    ACTRI_RTC_CONNECTING,   /* descriptions are known, ICE or DTLS or SCTP under way */
    ACTRI_RTC_CONNECTED,    /* DTLS and SCTP are up; lanes open one by one (on_lane_open) */
    ACTRI_RTC_DISCONNECTED, /* ICE has been silent for about 5 s: may recover by itself or by a restart */
    ACTRI_RTC_CLOSED,       /* the end: closed by us, by the peer (close_notify, ABORT), failed; why is given */
} actri_rtc_state_t;

typedef struct actri_rtc_handlers {
    void (*on_state)(void *user, actri_rtc_state_t state, const actr_error_t *why);
    /* A local candidate, "candidate:1 1 udp ...". Also those that are inside our ANSWER. */
    void (*on_candidate)(void *user, const char *candidate);
    /* The lane's channel is open in both directions: opened by us, or adopted by label. */
    void (*on_lane_open)(void *user, actr_payload_type_t lane);
    /* A whole message; the callee gets the reference. Empty ones are dropped and counted before. */
    void (*on_message)(void *user, actr_payload_type_t lane, actr_buf_t *message);
    /* After WOULD_BLOCK: there is room again. */
    void (*on_writable)(void *user);
} actri_rtc_handlers_t;

typedef struct actri_rtc_options {
    actri_loop_t *loop;
    const actri_env_t *env;
    actri_certificate_t *certificate;
    bool offerer;
    bool loopback;    /* gather 127.0.0.1, and accept loopback candidates of the peer */
    bool force_relay; /* relay candidates only */
    struct {
        const char *url; /* stun:host:port, turn:host:port?transport=udp; the host numeric, names are resolved before */
        const char *username, *password;
    } servers[8];
    size_t server_count;
} actri_rtc_options_t;

/* Creates the agent and starts to listen; gathering starts with the first description. */
ACTR_MUST_CHECK actr_status_t actri_rtc_new(const actri_rtc_options_t *options, const actri_rtc_handlers_t *handlers,
                                            void *user, actri_rtc_t **out, actr_error_t *error);

/* Offerer: makes the offer, sets it, begins to gather. *sdp is the caller's (actri_free of env). */
ACTR_MUST_CHECK actr_status_t actri_rtc_create_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error);
/* Answerer: takes the offer, makes the answer with the host candidates inside, begins to connect. */
ACTR_MUST_CHECK actr_status_t actri_rtc_accept_offer(actri_rtc_t *rtc, const char *offer, char **answer,
                                                     actr_error_t *error);
/* Offerer: takes the answer to the offer (or to the restart offer) and begins to connect. */
ACTR_MUST_CHECK actr_status_t actri_rtc_accept_answer(actri_rtc_t *rtc, const char *answer, actr_error_t *error);
/* A remote candidate, with or without "candidate:"; before the description it is kept (at most 32). Refused ones
   (loopback, link-local, multicast, TCP, mDNS) are counted and logged, and not an error. */
ACTR_MUST_CHECK actr_status_t actri_rtc_add_candidate(actri_rtc_t *rtc, const char *candidate, actr_error_t *error);

/* Offerer: an offer with new ICE credentials over the same DTLS and SCTP. */
ACTR_MUST_CHECK actr_status_t actri_rtc_create_restart_offer(actri_rtc_t *rtc, char **sdp, actr_error_t *error);
/* Answerer: the answer to one. */
ACTR_MUST_CHECK actr_status_t actri_rtc_accept_restart_offer(actri_rtc_t *rtc, const char *offer, char **answer,
                                                             actr_error_t *error);

/*
 * Sends one message (1 .. 65535 bytes). ACTR_OK: SCTP has it (it keeps its own copy). WOULD_BLOCK: no room, wait for
 * on_writable. UNAVAILABLE: the lane is not open. TOO_LARGE: above the limit, or above the peer's max-message-size.
 * Datagrams leave at the end of the turn.
 */
ACTR_MUST_CHECK actr_status_t actri_rtc_send(actri_rtc_t *rtc, actr_payload_type_t lane, const void *data, size_t size,
                                             actr_error_t *error);
/* While paused no message is delivered, on no lane, and the peer's window closes. */
void actri_rtc_pause(actri_rtc_t *rtc, bool paused);
bool actri_rtc_lane_is_open(const actri_rtc_t *rtc, actr_payload_type_t lane);

actri_rtc_state_t actri_rtc_state(const actri_rtc_t *rtc);
/* "AB:CD:..", upper case: of the certificate that the peer shows; "" before its description. */
const char *actri_rtc_peer_fingerprint(const actri_rtc_t *rtc);
/* True when the peer's description said that it is a libactr node. */
bool actri_rtc_is_actr(const actri_rtc_t *rtc);
/* True when it said that it grants credit for streams: proto/credit.h. */
bool actri_rtc_knows_credit(const actri_rtc_t *rtc);
/* True once a selected pair goes through a relay. */
bool actri_rtc_is_relayed(const actri_rtc_t *rtc);
/* One line for people: "offerer, host 127.0.0.1:4711 -> host 127.0.0.1:4712, DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256".
 */
void actri_rtc_describe(const actri_rtc_t *rtc, char *text, size_t size);

/* Sends what is queued as far as it goes, a close_notify, and ends; on_state CLOSED follows. Idempotent. */
void actri_rtc_close(actri_rtc_t *rtc);
/* The same, because something that came could not be kept: UNAVAILABLE, and why. */
void actri_rtc_give_up(actri_rtc_t *rtc, const char *why);
/* Frees (closing first if need be; no callback follows). NULL is a no-op. */
void actri_rtc_free(actri_rtc_t *rtc);

#endif
