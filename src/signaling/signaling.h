/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signaling client of one system: registers, keeps registered for as long as it lives (reconnects with
 * jitter, registers anew when the server forgot us), heart-beats, renews the credential, finds candidates, and
 * carries relays. Own thread (libwebsockets); the protocol itself is a pure core, session.h.
 * spec: signaling 1 to 9.
 */
#ifndef ACTRI_SIGNALING_H
#define ACTRI_SIGNALING_H

#include "base/env.h"
#include "proto/relay.h"

typedef struct actri_signaling actri_signaling_t;

typedef enum actri_signaling_state {
    ACTRI_SIGNALING_CONNECTING = 0,
    ACTRI_SIGNALING_REGISTERED = 1,   /* online; also again after each reconnect */
    ACTRI_SIGNALING_DISCONNECTED = 2, /* will try again */
    ACTRI_SIGNALING_STOPPED = 3,
} actri_signaling_state_t;

/* What the server gave us. */
typedef struct actri_identity {
    actr_id_t id;
    const uint8_t *token; /* credential.encrypted_token */
    size_t token_size;
    uint32_t token_key_id;
    const uint8_t *psk;
    size_t psk_size;
    int64_t expires_at_ms; /* Unix; 0: not told */
} actri_identity_t;

/* What a heartbeat reports. */
typedef struct actri_load {
    uint32_t availability; /* 0 FULL .. 3 UNAVAILABLE */
    float power_reserve;
    float mailbox_backlog;
} actri_load_t;

/* All made on the signaling thread, never from inside a call of ours; must not block. */
typedef struct actri_signaling_handlers {
    void (*on_state)(void *user, actri_signaling_state_t state, const actr_error_t *why);
    /* Registered, registered anew (the id may differ), or the credential was renewed. Borrowed. */
    void (*on_identity)(void *user, const actri_identity_t *identity);
    void (*on_relay)(void *user, const actri_relay_t *relay);
    void (*load)(void *user, actri_load_t *out);
    /* The credential was renewed, or will expire and a new one is asked for. May be NULL. */
    void (*on_credential)(void *user, bool renewed);
} actri_signaling_handlers_t;

typedef struct actri_signaling_options {
    const actri_env_t *env;
    const char *url; /* ws:// or wss:// */
    actr_type_t type;
    uint32_t realm;
    char form;                /* 'A' or 'B' (levels.md 5): how ServiceSpec and the route request are written */
    const void *service_spec; /* encoded, or NULL */
    size_t service_spec_size;
    const void *acl; /* encoded actr.Acl, or NULL */
    size_t acl_size;
} actri_signaling_options_t;

/* Copies the options; starts nothing. */
ACTR_MUST_CHECK actr_status_t actri_signaling_new(const actri_signaling_options_t *options,
                                                  const actri_signaling_handlers_t *handlers, void *user,
                                                  actri_signaling_t **out, actr_error_t *error);

/*
 * Starts the thread, connects and registers; blocks until registered, refused (SIGNALING_REJECTED, code and message
 * in error) or deadline (SIGNALING_UNAVAILABLE, with the last reason). After a failure it is stopped again and may be
 * started anew.
 */
ACTR_MUST_CHECK actr_status_t actri_signaling_start(actri_signaling_t *signaling, int64_t deadline_ns,
                                                    actr_error_t *error);

/* Queues a relay; source and credential are filled in. SIGNALING_UNAVAILABLE at once when offline. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_signaling_relay(actri_signaling_t *signaling, const actri_relay_t *relay,
                                                    actr_error_t *error);

/* What is asked of the server's choice; each value is the wire's plus 1, 0: nothing is asked. */
#define ACTRI_RANKINGS_MAX 8
typedef struct actri_query {
    actr_type_t type;
    uint32_t max;
    uint32_t ranking[ACTRI_RANKINGS_MAX]; /* up to the first 0; the last one weighs most */
    uint32_t worst_dependency, worst_availability;
} actri_query_t;

typedef void (*actri_candidates_fn)(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                                    const actr_error_t *error);
/*
 * Asks for up to query->max actors of a type (copied). done is called exactly once, on the signaling thread, never from
 * inside this call, if and only if this returns ACTR_OK: candidates (count may be 0), SIGNALING_REJECTED,
 * SIGNALING_UNAVAILABLE (also at once on disconnect) or TIMEOUT. [any-thread]
 */
ACTR_MUST_CHECK actr_status_t actri_signaling_candidates(actri_signaling_t *signaling, const actri_query_t *query,
                                                         int64_t deadline_ns, actri_candidates_fn done, void *user,
                                                         actr_error_t *error);

typedef enum actri_question_kind {
    ACTRI_QUESTION_SPEC,  /* the ServiceSpec of a service, by its name; one answer, encoded */
    ACTRI_QUESTION_TYPES, /* the actor types of the realm; one answer each: an encoded TypeEntry */
} actri_question_kind_t;

typedef struct actri_question {
    actri_question_kind_t kind;
    uint32_t limit;                 /* TYPES */
    char name[ACTR_TYPE_TEXT_SIZE]; /* SPEC; TYPES: the manufacturer, or "" for all */
} actri_question_t;

/* Answers are borrowed, in the server's form. */
typedef void (*actri_answers_fn)(void *user, actr_status_t status, const actr_bytes_t *answers, size_t count,
                                 const actr_error_t *error);
/* What tools ask; as actri_signaling_candidates. Servers of form A may leave SPEC without an answer: TIMEOUT. */
ACTR_MUST_CHECK actr_status_t actri_signaling_ask(actri_signaling_t *signaling, const actri_question_t *question,
                                                  int64_t deadline_ns, actri_answers_fn done, void *user,
                                                  actr_error_t *error);

/* What happened since the client was made. */
typedef struct actri_signaling_counters {
    uint64_t connects;      /* sockets opened */
    uint64_t registrations; /* accepted by the server */
    uint64_t reconnects;    /* back online with the old identity */
    uint64_t losses;        /* from online to offline */
    uint64_t beats_missed;  /* heartbeats without an answer in time */
    uint64_t bad_envelopes; /* that did not parse or made no sense; the connection stays */
    uint64_t unasked;       /* answers that nobody waited for, and events that are not used */
    uint64_t relays_sent;   /* handed to the socket */
    uint64_t relays_received;
    uint64_t relays_refused; /* by the server */
    uint64_t relays_dropped; /* queued when the connection was lost */
    uint64_t limits_reached; /* relays or requests refused because a queue was full */
    uint64_t renewals;       /* of the credential */
} actri_signaling_counters_t;
/* [any-thread] */
void actri_signaling_counters(actri_signaling_t *signaling, actri_signaling_counters_t *out);

/* reconnected: on a new socket. */
typedef void (*actri_checked_fn)(void *user, actr_status_t status, bool reconnected, const actr_error_t *error);
/*
 * The network may have changed. Online: a heartbeat whose answer has to come within a second, else the link is dead and
 * made anew. Between two attempts: the next one begins now. During an attempt: that one counts, or, when `moved`, one
 * anew. done is called exactly once, on the signaling thread, never from inside this call, if and only if this returns
 * ACTR_OK: ACTR_OK once the link is known to live, else why the attempt failed (further ones follow, as ever);
 * SHUTTING_DOWN. One at a time: INVALID_STATE. known-faults 11, 13, 50. [any-thread]
 */
ACTR_MUST_CHECK actr_status_t actri_signaling_check(actri_signaling_t *signaling, bool moved, actri_checked_fn done,
                                                    void *user, actr_error_t *error);

/* A heartbeat now, for instance because availability changed. [any-thread] */
void actri_signaling_beat(actri_signaling_t *signaling);

/*
 * Unregisters (waiting for the server's answer), sends a Close frame, ends the thread; bounded by the deadline.
 * Idempotent. Not from a callback. TIMEOUT when the server did not confirm in time; stopped all the same.
 */
actr_status_t actri_signaling_stop(actri_signaling_t *signaling, int64_t deadline_ns, actr_error_t *error);
/* Stops if need be, without waiting for the server. NULL is a no-op. */
void actri_signaling_free(actri_signaling_t *signaling);

#endif
