/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signaling protocol of one client, pure: it is told what happened on the socket, which bytes came and what time
 * it is, and says through its sink what to send, what to tell the owner, and when it wants to be called next. No
 * socket, clock, randomness or thread in it; one owner, one thread. The sink must not call back into the session.
 * spec: signaling 1 to 9.
 */
#ifndef ACTRI_SIGNALING_SESSION_H
#define ACTRI_SIGNALING_SESSION_H

#include "signaling/signaling.h"

typedef struct actri_session actri_session_t;

typedef struct actri_session_time {
    int64_t now_ns;  /* monotonic */
    int64_t wall_ms; /* Unix time: timestamps and expiry */
} actri_session_time_t;

typedef struct actri_session_sink {
    /* Open a socket to the URL plus query ("" or "actor_id=..."); answered by opened() or closed(). */
    void (*connect)(void *user, const char *query);
    /* Forget the socket, opened or not; polite: with a Close frame. Nothing about it may be reported afterwards. */
    void (*disconnect)(void *user, bool polite);
    /* A WebSocket Ping frame with an empty payload. */
    void (*ping)(void *user);
    /* Room for one binary message, filled before commit is called; NULL when memory is out. */
    uint8_t *(*reserve)(void *user, size_t size);
    void (*commit)(void *user);
    void (*state)(void *user, actri_signaling_state_t state, const actr_error_t *why);
    void (*identity)(void *user, const actri_identity_t *identity);
    void (*relay)(void *user, const actri_relay_t *relay);
    void (*load)(void *user, actri_load_t *out);
    /* The outcome of start (once for each), and of stop. */
    void (*started)(void *user, actr_status_t status, const actr_error_t *error);
    void (*stopped)(void *user, actr_status_t status, const actr_error_t *error);
    void (*credential)(void *user, bool renewed); /* or will expire; may be NULL */
} actri_session_sink_t;

/* Copies what options point to; options->url is not looked at. seed feeds the jitter of reconnects. */
ACTR_MUST_CHECK actr_status_t actri_session_new(const actri_signaling_options_t *options,
                                                const actri_session_sink_t *sink, void *user, uint64_t seed,
                                                actri_session_t **out, actr_error_t *error);
/* Calls nothing; requests that still wait are forgotten (stop first). NULL is a no-op. */
void actri_session_free(actri_session_t *session);

/* Connects and registers until deadline_ns. Only when stopped (as it is at first). */
void actri_session_start(actri_session_t *session, actri_session_time_t time, int64_t deadline_ns);
/* Unregisters, at most until deadline_ns (one in the past: does not ask the server), then stops. */
void actri_session_stop(actri_session_t *session, actri_session_time_t time, int64_t deadline_ns);

/* The socket asked for is open. */
void actri_session_opened(actri_session_t *session, actri_session_time_t time);
/* It could not be opened or has ended. http: the status the server gave instead of an upgrade, else 0. */
void actri_session_closed(actri_session_t *session, actri_session_time_t time, uint32_t http, const char *reason);
/* One whole binary message; the bytes are not kept. */
void actri_session_received(actri_session_t *session, actri_session_time_t time, const uint8_t *data, size_t size);
/* A Ping, a Pong or a part of a binary message came: the link lives. */
void actri_session_alive(actri_session_t *session, actri_session_time_t time);
/* The deadline has come (earlier is harmless). */
void actri_session_tick(actri_session_t *session, actri_session_time_t time);
/* When tick wants to be called; ACTRI_NEVER. */
int64_t actri_session_deadline(const actri_session_t *session);

/* The same as the client's functions of these names; uuid: 16 random bytes, the envelope's id. */
ACTR_MUST_CHECK actr_status_t actri_session_relay(actri_session_t *session, actri_session_time_t time,
                                                  const actri_relay_t *relay, const uint8_t uuid[16],
                                                  actr_error_t *error);
/* done is called exactly once in any case, also before this returns. */
void actri_session_candidates(actri_session_t *session, actri_session_time_t time, const actri_query_t *query,
                              int64_t deadline_ns, actri_candidates_fn done, void *user);
void actri_session_ask(actri_session_t *session, actri_session_time_t time, const actri_question_t *question,
                       int64_t deadline_ns, actri_answers_fn done, void *user);
void actri_session_beat(actri_session_t *session, actri_session_time_t time);

/* As actri_signaling_check; done may be called before this returns. */
void actri_session_check(actri_session_t *session, actri_session_time_t time, bool moved, actri_checked_fn done,
                         void *user);

/* Counters, never reset. */
const actri_signaling_counters_t *actri_session_counters(const actri_session_t *session);
/* Tests and fuzzing: the name of the broken invariant, or NULL. */
const char *actri_session_broken(const actri_session_t *session);

#endif
