/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of system, node, reference and context: one file's structs for the five sources of this folder.
 * Who owns whom: ref -> node -> system; each is refcounted. The node's parts live from start to the end of the
 * shutdown.
 */
#ifndef ACTRI_NODE_H
#define ACTRI_NODE_H

#include "base/arena.h"
#include "base/slab.h"
#include "config/config.h"
#include "dispatch/state_path.h"
#include "dispatch/streams.h"
#include "gate/stream_gate.h"
#include "lifecycle/deadline.h"
#include "lifecycle/network.h"
#include "lifecycle/node_fsm.h"
#include "lifecycle/supervisor.h"
#include "mailbox/mailbox_admin.h"
#include "port/meter.h"
#include "port/thread.h"
#include "signaling/signaling.h"

#include <actr/system.h>
#include <actr/transport.h>

struct actr_system {
    unsigned refs; /* atomic */
    actri_env_t env;
    actri_config_t config;
    actri_pool_t *pool;
    actri_pool_t *stream_pool; /* under the mutex until it is there; NULL: nobody has registered a stream */
    actri_mailbox_t *mailbox;
    actri_admin_t *admin; /* beside a mailbox file; NULL: none */
    actri_certificate_t *certificate;
    uint8_t *service_spec, *acl; /* encoded, or NULL */
    size_t service_spec_size, acl_size;
    actri_mutex_t mutex;      /* guards path and stream_pool */
    actri_state_path_t *path; /* of the node that runs: where the mailbox's callbacks go; NULL: nowhere any more */
    bool attached;            /* atomic */
};

/* Identities are never freed before the node, so a pointer that was handed out stays good. */
typedef struct actri_identity_entry {
    struct actri_identity_entry *older;
    actr_id_t id;
} actri_identity_entry_t;

typedef struct actri_script actri_script_t; /* test_context.c */

struct actr_ctx {
    actr_node_t *node;
    const actri_incoming_t *in; /* NULL: the Shell's, or a hook's */
    const char *request_id;
    actri_arena_t *arena; /* NULL: the Shell's */
    int64_t deadline_ns;
    bool is_shell;                /* of the Shell's side */
    bool is_made;                 /* by the context factory: actr_ctx_release frees it */
    const actri_script_t *script; /* of a test context: what answers its calls; else NULL */
    actr_status_t failure;        /* what actr_ctx_fail noted */
    char message[ACTR_ERROR_MESSAGE_SIZE];
};

/* The field of a request that is its key; method_key.c. */
typedef struct actri_key_field {
    uint32_t number; /* 0: none */
    uint32_t wire;
} actri_key_field_t;

/* The timers of a node; timer.c. */
typedef struct actri_timers {
    actri_mutex_t mutex; /* guards the rest, and what the timers say */
    actri_link_t list;
    uint32_t count;
    uint64_t skipped; /* periods that found the turn of the one before still waiting */
    bool open;
} actri_timers_t;

/* The streaming calls of a node that have not ended; method_stream.c. */
typedef struct actri_method_streams {
    actri_mutex_t mutex; /* guards the rest */
    actri_link_t list;
    bool closed;
} actri_method_streams_t;

struct actr_node {
    unsigned refs; /* atomic */
    actr_system_t *system;
    actr_workload_t workload;
    bool keyed;                    /* messages have keys: the workload's, or those of [methods] */
    actri_key_field_t *key_fields; /* one for each rule of the configuration, in their order; NULL without rules */

    actri_mutex_t mutex; /* guards state to shutdown_error */
    actri_cond_t changed;
    actri_node_state_t state;
    bool shutdown_asked;
    bool ended;                    /* the shutdown's outcome is known */
    bool gone;                     /* the parts are being taken apart: nobody enters any more */
    uint64_t door;                 /* atomic: calls of the API that are inside, and whether more may enter */
    actr_status_t shutdown_status; /* once stopped: ACTR_OK, or TIMEOUT and what still runs */
    actr_error_t shutdown_error;
    actri_supervisor_t supervisor;
    bool given_up;                  /* shutdown_error says why */
    int wake_fd;                    /* eventfd: readable once a shutdown was asked for (wait for Ctrl-C polls it) */
    actri_thread_t shutdown_thread; /* joined by the last release of the reference */
    bool has_shutdown_thread;
    bool shutdown_done, abandoned; /* that thread is at its end; nobody will join it */

    actri_identity_entry_t *identity; /* atomic; newest */

    actri_loop_t *loop;
    actri_pool_t *own_pool; /* with a thread of its own; else NULL */
    actri_serial_t *serial;
    actri_task_t restart_turn;
    bool restart_waits; /* atomic: restart_turn is queued */
    actri_state_path_t *path;
    actr_dispatch_fn shell_dispatch; /* the Shell's handler; NULL: it takes no calls */
    void *shell_user;
    actri_serial_t *shell_serial;
    actri_state_path_t *shell; /* NULL without handler */
    actri_peer_gate_t *gate;
    actri_signaling_t *signaling;
    actri_outproc_t *outproc;         /* the gate's */
    uint32_t unavailable;             /* atomic: heartbeats say so */
    actri_meter_t meter;              /* signaling thread */
    actri_streams_t *streams;         /* what comes in */
    uint64_t refused_session;         /* [loop] the newest connection whose chunks were refused: it has been logged */
    actri_stream_gate_t *stream_gate; /* what goes out */
    actri_serial_t *sent_serial;      /* tells what became of chunks; atomic; NULL: nobody has asked */
    actri_slab_t *answers;            /* of asynchronous calls */
    actri_timers_t timers;
    actri_networks_t networks;
    actri_deadlines_t deadlines; /* of asynchronous local calls, and of streaming ones */
    actri_method_streams_t method_streams;
    uint32_t findings;       /* atomic: asynchronous discoveries that have not ended */
    uint32_t type_calls;     /* atomic: likewise asynchronous calls by type */
    uint64_t restarts;       /* atomic: of the workload */
    bool is_test;            /* only to make contexts for tests: it is never started */
    bool quiet;              /* atomic: the workload hears nothing any more */
    uint32_t events_waiting; /* atomic */
    uint64_t events_dropped; /* atomic */
};

/* The public face of the node's connections; outproc.c. */
struct actr_outproc {
    actr_node_t *node;
};

struct actr_ref {
    unsigned refs; /* atomic */
    actr_node_t *node;
    actr_ctx_t ctx;
    actr_outproc_t outproc;
};

/* system.c */
/* One with nothing in it but the hooks; NULL when memory is out. */
actr_system_t *actri_system_bare(const actr_config_t *hooks);
actr_system_t *actri_system_retain(actr_system_t *system);
/* Where the mailbox's callbacks go from now on; none is inside the former path when this returns. */
void actri_system_set_path(actr_system_t *system, actri_state_path_t *path);

/* Where the callbacks of its streams run: on the node's own thread, in the foreign loop, else on the system's threads
   of streams, begun with the first use. Inside the node. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_node_stream_pool(actr_node_t *node, actri_pool_t **out, actr_error_t *error);

/* context.c: is it one of the kinds that there are? */
ACTR_MUST_CHECK actr_status_t actri_dest_check(const actr_dest_t *dest, actr_error_t *error);

/* node.c */
actr_node_t *actri_node_retain(actr_node_t *node);
const actr_id_t *actri_node_id(const actr_node_t *node);
/* Around every use of the node's parts by a thread of the program; SHUTTING_DOWN when they are going away. */
ACTR_MUST_CHECK actr_status_t actri_node_enter(actr_node_t *node, actr_error_t *error);
void actri_node_leave(actr_node_t *node);
#define ACTRI_DOOR_OPEN (UINT64_C(1) << 63)
/* After a change of state or gone, under the mutex. */
void actri_node_set_door(actr_node_t *node);
/* A way through the table: what a start or a shutdown has come to. */
typedef struct actri_drive {
    actr_node_t *node;
    actr_status_t status;
    actr_error_t error;
} actri_drive_t;
/* One step of the machine. [any-thread] */
actri_node_step_t actri_node_step(actr_node_t *node, actri_node_event_t event);
/* Does the action, and what its outcome calls for, until nothing is left to be done. */
void actri_node_carry_out(actri_drive_t *drive, actri_node_action_t action);

/* parts.c: what runs only while the node does. After a failure they are dismantle's. */
ACTR_MUST_CHECK actr_status_t actri_node_make_parts(actr_node_t *node, actr_error_t *error);
/* Takes apart what was made; every part may be NULL. The executor is idle. */
void actri_node_dismantle(actr_node_t *node);

/* Where its turns run. */
static inline actri_pool_t *actri_node_pool(const actr_node_t *node)
{
    return node->own_pool != NULL ? node->own_pool : node->system->pool;
}

/* hooks.c */
/* Queues on_event as a turn; all that event points to is copied. [any-thread] */
void actri_node_tell(actr_node_t *node, const actr_event_t *event);
void actri_node_event(actr_node_t *node, actr_event_kind_t kind, const actr_id_t *peer, const char *detail);
/* From now on the workload is told nothing (or is again). */
void actri_node_quiet(actr_node_t *node, bool quiet);
/* Runs a hook as a turn and waits for it; ACTR_OK when there is none. */
typedef actr_status_t (*actri_hook_fn)(actr_node_t *node, actr_ctx_t *ctx);
actr_status_t actri_node_hook(actr_node_t *node, const char *name, actri_hook_fn hook, actr_error_t *error);
actr_status_t actri_hook_start(actr_node_t *node, actr_ctx_t *ctx);
actr_status_t actri_hook_ready(actr_node_t *node, actr_ctx_t *ctx);
actr_status_t actri_hook_stop(actr_node_t *node, actr_ctx_t *ctx);

/* parts.c: runs the user's handler for what ctx->in holds, in its turn; a failure is explained in error. */
actr_status_t actri_run_handler(actr_ctx_t *ctx, actr_dispatch_fn dispatch, void *user, actr_bytes_t *reply,
                                actr_error_t *error);

/* node.c: the node's identity from now on; one caller at a time. */
ACTR_MUST_CHECK actr_status_t actri_node_add_identity(actr_node_t *node, const actr_id_t *id, actr_error_t *error);

/* test_context.c: a call (reply not NULL) or a tell of a test context. */
ACTR_MUST_CHECK actr_status_t actri_script_call(const actri_script_t *script, const actr_dest_t *dest,
                                                const char *route, actr_bytes_t payload, bool is_tell,
                                                actr_buf_t **reply, actr_error_t *error);

/* context.c */
void actri_ctx_init(actr_ctx_t *ctx, actr_node_t *node, const actri_incoming_t *in, const char *request_id,
                    actri_arena_t *arena, int64_t deadline_ns);

/* The context of the handler or hook that runs on this thread, or NULL; enter returns the one outside it. */
const actr_ctx_t *actri_ctx_current(void);
const actr_ctx_t *actri_ctx_enter(const actr_ctx_t *ctx);
void actri_ctx_leave(const actr_ctx_t *outer);

/* call.c: asynchronous calls that have not been answered, at most, and the size of the block for one */
#define ACTRI_ANSWERS 131072
#define ACTRI_ANSWER_SIZE 176
/* call.c: the key that begins a streaming call; the one key of the library's own that options may hold. */
extern const char actri_stream_key[];
/* call.c: in ms, but at most what is left of the request's time */
int64_t actri_ctx_deadline(const actr_ctx_t *ctx, uint32_t ms);
/* options as the program gave them, of any size, NULL too; and the time limit they mean. */
actr_call_options_t actri_call_options(const actr_call_options_t *options);
uint32_t actri_call_limit_ms(const actr_ctx_t *ctx, const actr_call_options_t *options);
/* As actr_ctx_call, until deadline_ns at most; UNAVAILABLE when it could not leave until send_by_ns. */
ACTR_MUST_CHECK actr_status_t actri_ctx_call_until(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                   actr_bytes_t payload, const actr_call_options_t *options,
                                                   int64_t deadline_ns, int64_t send_by_ns, actr_buf_t **reply,
                                                   actr_error_t *error);
/* Its asynchronous twin, as actr_ctx_call_async. */
ACTR_MUST_CHECK actr_status_t actri_ctx_start_until(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                    actr_bytes_t payload, const actr_call_options_t *options,
                                                    int64_t deadline_ns, int64_t send_by_ns, actr_reply_fn on_reply,
                                                    void *user, actr_error_t *error);
/* What can be said against options (as actri_call_options made them) before anything is sent; CANCELLED too. */
ACTR_MUST_CHECK actr_status_t actri_call_check(const actr_call_options_t *options, actr_error_t *error);

/* At most so many asynchronous discoveries, and so many calls by type, at a time. */
#define ACTRI_SEARCHES 16384
/* discover.c: one more, counted until actri_search_end; false: there are ACTRI_SEARCHES. [any-thread] */
ACTR_MUST_CHECK bool actri_search_begin(uint32_t *count);
void actri_search_end(uint32_t *count);
/* discover.c: what the server is asked for: up to max of a type, by criteria (may be NULL). */
ACTR_MUST_CHECK actr_status_t actri_query_make(const actr_type_t *type, const actr_criteria_t *criteria, size_t max,
                                               actri_query_t *query, actr_error_t *error);
/* discover.c: as actr_ctx_discover_async, until deadline_ns. */
ACTR_MUST_CHECK actr_status_t actri_ctx_find_until(actr_ctx_t *ctx, const actri_query_t *query, int64_t deadline_ns,
                                                   actr_discover_fn on_found, void *user, actr_error_t *error);
/* discover.c: as actr_ctx_discover_with, until deadline_ns. */
ACTR_MUST_CHECK actr_status_t actri_ctx_discover_until(actr_ctx_t *ctx, const actr_type_t *type,
                                                       const actr_criteria_t *criteria, int64_t deadline_ns,
                                                       actr_id_t *ids, size_t *count, actr_error_t *error);

/* method_key.c: looks the key fields of [methods] up in the workload's services; sets keyed. */
ACTR_MUST_CHECK actr_status_t actri_node_find_keys(actr_node_t *node, actr_error_t *error);
/* By [methods] where it speaks of the route, else by the workload's key_of. As actri_state_path_options_t.key_of. */
bool actri_node_key_of(const actr_request_t *request, uint64_t *number, actr_bytes_t *key, void *node);

/* discover.c: asks the signaling server, blocking, at most ms (0: 15 s). The answers live in the arena. */
ACTR_MUST_CHECK actr_status_t actri_ctx_ask(actr_ctx_t *ctx, const actri_question_t *question, uint32_t ms,
                                            actri_arena_t *arena, actr_bytes_t **answers, size_t *count,
                                            actr_error_t *error);

/* shutdown.c */
void actri_node_shutdown(actr_node_t *node);
/* From now on this thread does the node's work (NULL: none's); gives what it did before. */
const actr_node_t *actri_node_inside(const actr_node_t *node);
actri_node_event_t actri_act_drain(actri_drive_t *drive);
actri_node_event_t actri_act_stop(actri_drive_t *drive);
actri_node_event_t actri_act_close(actri_drive_t *drive);
actri_node_event_t actri_act_give_up(actri_drive_t *drive);

#endif
