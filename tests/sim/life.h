/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of a simulated life, and the books that are kept about them. All is touched with the baton only. */
#ifndef ACTR_TESTS_LIFE_H
#define ACTR_TESTS_LIFE_H

#include "port/thread.h"
#include "rng.h"

#include <actr/actr.h>

#define LIFE_PROGRAMS 4
#define LIFE_CALLS 4096
#define LIFE_HELD 16

struct life_program;

typedef struct life_call {
    struct life_program *from;
    bool is_async, ended;
    int64_t limit_ns; /* by which it must have ended */
} life_call_t;

typedef enum life_hook { LIFE_FRESH = 0, LIFE_STARTED, LIFE_READY, LIFE_STOPPED } life_hook_t;

typedef struct life_program {
    unsigned number;
    long blocks; /* of memory, alive */
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *ref;
    actr_id_t id; /* as others know it; serial 0: not there */
    /* the books */
    life_hook_t hook;
    const char *inside; /* what of the node's turns runs now; NULL: nothing */
    const char *shell_inside;
    bool may_restart, fails_start;
    actr_event_kind_t peers[1024], signaling; /* the last event */
    actr_reply_t *held[LIFE_HELD];
    unsigned held_count, open_async, open_events;
} life_program_t;

typedef struct life {
    uint64_t seed, hash;
    rng_t rng;
    bool verbose;
    unsigned programs_running;
    life_program_t programs[LIFE_PROGRAMS];
    life_call_t calls[LIFE_CALLS];
    uint32_t call_count;
    uint64_t oks, starts;
} life_t;

extern life_t life;

/* Says what is wrong, with the seed, and ends the process. */
_Noreturn void life_fail(const char *format, ...) ACTR_PRINTF(1, 2);
/* One line of what happens, into the hash. */
void life_note(const char *format, ...) ACTR_PRINTF(1, 2);

/* life_workload.c: the workload of a program. */
void life_workload(life_program_t *program, actr_workload_t *workload);
actr_status_t life_shell(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user);
/* life_calls.c: one call of any kind with ctx; NULL from: from inside a handler. */
void life_call_something(life_program_t *from, actr_ctx_t *ctx);
/* Blocking, to a program that may or may not be there. */
actr_status_t life_call_peer(life_program_t *from, actr_ctx_t *ctx, const char *route, uint32_t timeout_ms);
/* life_program.c: a program's thread. */
void life_program(void *program);
void life_check_end(void);

#endif
