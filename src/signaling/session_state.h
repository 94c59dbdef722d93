/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a session, shared by session.c (states, timers), requests.c (what we ask) and receive.c. */
#ifndef ACTRI_SIGNALING_SESSION_STATE_H
#define ACTRI_SIGNALING_SESSION_STATE_H

#include "base/list.h"
#include "port/clock.h"
#include "port/random.h"
#include "signaling.pb-c.h"
#include "signaling/identity.h"
#include "signaling/session.h"

#define ACTRI_ATTEMPT_LIMIT_NS (30 * ACTRI_SECOND) /* resolve, connect and upgrade (signaling 1.2) */
#define ACTRI_REPLY_LIMIT_NS (15 * ACTRI_SECOND)
#define ACTRI_CHECK_LIMIT_NS ACTRI_SECOND /* for the answer to a heartbeat after a change (known-faults 11) */
#define ACTRI_WS_PING_NS (5 * ACTRI_SECOND)
#define ACTRI_SILENCE_LIMIT_NS (10 * ACTRI_SECOND)
#define ACTRI_BACKOFF_MOST_S 60
#define ACTRI_DEFAULT_INTERVAL_S 30
#define ACTRI_REQUESTS_MAX 256 /* that wait for an answer */
#define ACTRI_RELAYS_KEPT 64   /* whose refusal can be told from its id */

typedef enum actri_phase {
    ACTRI_PHASE_STOPPED,
    ACTRI_PHASE_WAITING,     /* for the next attempt */
    ACTRI_PHASE_CONNECTING,  /* the socket is being opened */
    ACTRI_PHASE_REGISTERING, /* RegisterRequest is out */
    ACTRI_PHASE_ONLINE,
    ACTRI_PHASE_LEAVING, /* UnregisterRequest is out */
    ACTRI_PHASES,
} actri_phase_t;

typedef enum actri_event {
    ACTRI_EVENT_START,
    ACTRI_EVENT_RETRY,        /* the pause is over */
    ACTRI_EVENT_OPENED_BARE,  /* socket open, no identity in the URL */
    ACTRI_EVENT_OPENED_KNOWN, /* socket open, our identity was in the URL */
    ACTRI_EVENT_LOST,         /* the socket ended or never came to be */
    ACTRI_EVENT_TIMEOUT,      /* silence */
    ACTRI_EVENT_ACCEPTED,     /* registered */
    ACTRI_EVENT_REJECTED,     /* registration refused */
    ACTRI_EVENT_FORGOTTEN,    /* the server does not know us any more */
    ACTRI_EVENT_GIVE_UP,      /* start failed */
    ACTRI_EVENT_STOP,
    ACTRI_EVENT_LEFT, /* unregistered */
    ACTRI_EVENTS,
} actri_event_t;

typedef enum actri_request_kind {
    ACTRI_REQUEST_REGISTER,
    ACTRI_REQUEST_PING,
    ACTRI_REQUEST_UPDATE, /* credential */
    ACTRI_REQUEST_CANDIDATES,
    ACTRI_REQUEST_QUESTION,
    ACTRI_REQUEST_UNREGISTER,
} actri_request_kind_t;

/* A request that waits for its answer. */
typedef struct actri_request {
    actri_link_t link;
    uint64_t number; /* of "env-N" */
    actri_request_kind_t kind;
    int64_t deadline_ns;
    unsigned credential; /* which one it carried */
    union {
        struct { /* CANDIDATES */
            actri_query_t query;
            actri_candidates_fn done;
        };
        struct { /* QUESTION */
            actri_question_kind_t question;
            actri_answers_fn answered;
        };
    };
    void *user; /* of either */
} actri_request_t;

/* Whether the link lives is being found out; check.c. */
typedef struct actri_check {
    actri_checked_fn done; /* NULL: nobody asks */
    void *user;
    bool rebuilding; /* the link is being made; else the heartbeat `number` has to be answered in time */
    uint64_t number;
    int64_t deadline_ns;
} actri_check_t;

typedef struct actri_sent_relay {
    char id[ACTRI_UUID_SIZE];
    actr_id_t target;
} actri_sent_relay_t;

struct actri_session {
    const actri_env_t *env;
    const actri_session_sink_t *sink;
    void *user;
    actr_type_t type;
    uint32_t realm;
    void *service_spec;
    size_t service_spec_size;
    Actr__Acl *acl;
    ProtobufCAllocator allocator;

    actri_phase_t phase;
    bool starting;          /* start has not reported yet */
    bool link;              /* the sink holds a socket for us, open or opening */
    bool known_link;        /* it carries our identity */
    bool proven;            /* the server answered a heartbeat on it */
    unsigned failures;      /* attempts since the last proven link */
    unsigned unproven_ends; /* links with identity that ended before they proved themselves */
    uint64_t seed;
    actr_error_t why; /* the last failure */

    /* monotonic; each counts only in the phases that use it */
    int64_t start_deadline_ns, leave_deadline_ns, attempt_deadline_ns, retry_ns;
    int64_t alive_ns, ws_ping_ns, beat_ns, refresh_ns;

    actri_own_identity_t identity;
    unsigned credential; /* counts the credentials that we were given */
    bool doubted;        /* a heartbeat was answered 401 while a renewal was under way */
    int64_t interval_ns; /* of heartbeats */
    uint64_t last_number;
    actri_link_t requests;
    size_t request_count;
    bool updating;
    bool expiring; /* told, and not renewed yet */
    actri_check_t check;
    actri_sent_relay_t relays[ACTRI_RELAYS_KEPT];
    size_t relay_next;
    actri_signaling_counters_t counters;
};

/* session.c: one step of the state machine. */
void actri_session_step(actri_session_t *session, actri_session_time_t time, actri_event_t event);
/* session.c: remembers the failure and the error code that came with it. */
void actri_session_blame(actri_session_t *session, actr_status_t status, uint32_t code, const char *format, ...)
    ACTR_PRINTF(4, 5);

/* check.c: the check that is under way, if any, ... */
void actri_session_check_alive(actri_session_t *session, uint64_t number); /* this heartbeat was answered */
void actri_session_check_lost(actri_session_t *session);                   /* the link is made anew */
void actri_session_check_online(actri_session_t *session);                 /* it has been */
void actri_session_check_failed(actri_session_t *session, actr_status_t status, const actr_error_t *why);
void actri_session_check_tick(actri_session_t *session, actri_session_time_t time); /* while online */
int64_t actri_session_check_deadline(const actri_session_t *session);               /* likewise */

/* requests.c: each sends one request; NO_MEMORY or LIMIT_REACHED. */
ACTR_MUST_CHECK actr_status_t actri_session_ask_register(actri_session_t *session, actri_session_time_t time);
ACTR_MUST_CHECK actr_status_t actri_session_ask_ping(actri_session_t *session, actri_session_time_t time);
ACTR_MUST_CHECK actr_status_t actri_session_ask_update(actri_session_t *session, actri_session_time_t time);
ACTR_MUST_CHECK actr_status_t actri_session_ask_unregister(actri_session_t *session, actri_session_time_t time);
/* Ends all requests that wait. */
void actri_session_fail_requests(actri_session_t *session, actr_status_t status, const char *reason);
/* Ends those whose time has passed. */
void actri_session_expire_requests(actri_session_t *session, actri_session_time_t time);
int64_t actri_session_requests_deadline(const actri_session_t *session);
/* The answer to a request: a server_to_actr, or an error. False when nobody waits for reply_for. */
bool actri_session_answer(actri_session_t *session, actri_session_time_t time, const char *reply_for,
                          const Signaling__SignalingToActr *answer, const Actr__ErrorResponse *error);
/* When the credential should be renewed, from its expiry. */
void actri_session_plan_refresh(actri_session_t *session, actri_session_time_t time);

#endif
