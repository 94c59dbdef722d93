/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the sender of a file: the input is a script of what a receiver may answer, and of sends that fail. It ends,
 * tells so once with the status it returns, sends nothing but pieces of the file in their places, is done only when the
 * receiver said so of this file, and shows what the receiver says as one line.
 *
 * A script is a row of steps, one for each chunk that is sent and each wait: one byte that says what, of WORD the
 * chunk (script.h). Where it ends, nothing comes any more. The clock is virtual.
 */
#include "lifecycle/file.h"

#include "dispatch/streams.h"
#include "lifecycle/node.h"
#include "port/clock.h"
#include "script.h"

#include <unistd.h>

enum { STEP_NOTHING, STEP_WORD, STEP_GONE, STEP_FAIL, STEP_STOP, STEP_SHUTDOWN, STEPS };

#define TEXT "hello, hello" /* its checksum is in the corpus */
#define PIECE 5

static struct {
    script_t script;
    actr_stream_fn fn;
    void *user;
    int64_t now_ns;
    bool stopped, down, said_done, ended;
    actr_status_t status;
    uint64_t size;
} stage;

static char path[64];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what happens ---- */

static void hear(actr_ctx_t *ctx)
{
    script_chunk_t word;
    if (script_chunk(&stage.script, &word) && stage.fn != NULL) {
        stage.fn(ctx, &word.chunk, stage.user);
        stage.said_done = stage.said_done || strcmp(actri_file_meta(&word.chunk, ACTRI_FILE_OP), "done") == 0;
    }
    script_chunk_free(&word);
}

static actr_status_t step(actr_error_t *error)
{
    static const actr_status_t failures[] = {ACTR_STATUS_UNAVAILABLE, ACTR_STATUS_DELIVERY_UNCERTAIN,
                                             ACTR_STATUS_TIMEOUT,     ACTR_STATUS_NOT_FOUND,
                                             ACTR_STATUS_NO_MEMORY,   ACTR_STATUS_LIMIT_REACHED};
    actr_ctx_t ctx = {.request_id = "stream"};
    actr_chunk_t end = ACTR_CHUNK_INIT;
    actr_status_t status = ACTR_OK;
    switch (script_byte(&stage.script) % STEPS) {
    case STEP_WORD: hear(&ctx); break;
    case STEP_GONE:
        end.stream_id = "stream";
        end.kind = ACTR_CHUNK_END;
        if (stage.fn != NULL) stage.fn(&ctx, &end, stage.user);
        break;
    case STEP_FAIL: status = failures[script_byte(&stage.script) % 6]; break;
    case STEP_STOP: stage.stopped = true; break;
    case STEP_SHUTDOWN: stage.down = true; break;
    default: break;
    }
    return status == ACTR_OK ? ACTR_OK : actri_fail(error, status, "as the script says");
}

/* ---- stand-ins ---- */

actr_status_t actr_ctx_register_stream(actr_ctx_t *ctx, const char *stream_id, actr_stream_fn fn, void *user,
                                       const actr_stream_options_t *options, actr_error_t *error)
{
    (void)ctx;
    (void)options;
    (void)error;
    demand(stream_id[0] != '\0' && strlen(stream_id) <= ACTR_STREAM_ID_MAX, "no stream for the answers");
    stage.fn = fn;
    stage.user = user;
    return ACTR_OK;
}

actr_status_t actri_streams_unregister(actri_streams_t *streams, actri_stream_space_t space, const char *id,
                                       actr_error_t *error)
{
    (void)streams;
    (void)space;
    (void)id;
    (void)error;
    stage.fn = NULL;
    return ACTR_OK;
}

actr_status_t actr_ctx_send_chunk(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                  const actr_send_options_t *options, actr_error_t *error)
{
    const char *op = actri_file_meta(chunk, ACTRI_FILE_OP);
    (void)ctx;
    (void)dest;
    (void)options;
    demand(stage.fn != NULL, "nobody hears the answer");
    demand(actri_meta_fault(chunk->metadata, chunk->metadata_count) == NULL, "a chunk that does not decode");
    demand((strcmp(op, "data") == 0) == (chunk->payload.size > 0), "data of another kind");
    demand(chunk->sequence <= stage.size && chunk->payload.size <= stage.size - chunk->sequence, "more than the file");
    if (chunk->payload.size > 0) {
        demand(memcmp(chunk->payload.data, &TEXT[chunk->sequence], chunk->payload.size) == 0, "another piece");
    }
    return step(error);
}

actr_status_t actri_node_enter(actr_node_t *node, actr_error_t *error)
{
    (void)node;
    return stage.down ? actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down") : ACTR_OK;
}

const actr_id_t *actri_node_id(const actr_node_t *node)
{
    (void)node;
    return NULL;
}

/* Only for peers. */
actr_status_t actri_stream_gate_flush(actri_stream_gate_t *gate, const actr_id_t *to, const char *id,
                                      int64_t deadline_ns, actr_error_t *error)
{
    (void)gate;
    (void)to;
    (void)id;
    (void)deadline_ns;
    return actri_fail(error, ACTR_STATUS_INTERNAL, "nobody asks");
}

void actri_node_leave(actr_node_t *node)
{
    (void)node;
}

bool actri_pool_needs_me(const actri_pool_t *pool)
{
    (void)pool;
    return false;
}

int64_t actri_now_ns(void)
{
    return stage.now_ns;
}

void actri_mutex_init(actri_mutex_t *mutex)
{
    (void)pthread_mutex_init(mutex, NULL);
}

void actri_mutex_destroy(actri_mutex_t *mutex)
{
    (void)pthread_mutex_destroy(mutex);
}

void actri_cond_init(actri_cond_t *cond)
{
    (void)pthread_cond_init(&cond->cond, NULL);
}

void actri_cond_destroy(actri_cond_t *cond)
{
    (void)pthread_cond_destroy(&cond->cond);
}

void actri_cond_broadcast(actri_cond_t *cond)
{
    (void)cond;
}

/* Something happens meanwhile, or the time passes. */
bool actri_cond_wait(actri_cond_t *cond, actri_mutex_t *mutex, int64_t deadline_ns)
{
    (void)cond;
    demand(deadline_ns != ACTRI_NEVER, "it waits for ever");
    actri_unlock(mutex);
    bool more = stage.script.left > 0;
    if (more)
        (void)step(NULL);
    else
        stage.now_ns = deadline_ns;
    actri_lock(mutex);
    return more;
}

/* ---- the stage ---- */

static void on_log(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)level;
    (void)area;
    (void)user;
    demand_line(line, "a logged line");
}

static bool on_progress(const actr_file_progress_t *progress, void *user)
{
    (void)user;
    demand(!stage.ended && progress->done <= progress->size, "progress behind the end");
    demand_line(progress->why, "a reason that is shown");
    stage.ended = progress->ended;
    stage.status = progress->status;
    return !stage.stopped;
}

static void clean_up(void)
{
    (void)unlink(path);
}

/* Once a process. */
static void make_file(void)
{
    if (path[0] != '\0') return;
    (void)snprintf(path, sizeof path, "/tmp/actr-fuzz-XXXXXX");
    int fd = mkstemp(path);
    demand(fd >= 0 && atexit(clean_up) == 0, "no file");
    demand(write(fd, TEXT, strlen(TEXT)) == (ssize_t)strlen(TEXT), "no text");
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static actr_system_t system;
    static actr_node_t node;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t ctx = {.node = &node};
    actr_dest_t dest = {.kind = ACTR_DEST_LOCAL};
    make_file();
    node.system = &system;
    system.env = (actri_env_t){.log = on_log, .log_level = ACTR_LOG_TRACE};
    memset(&stage, 0, sizeof stage);
    stage.script = (script_t){data, size};
    stage.now_ns = ACTRI_SECOND;
    stage.size = strlen(TEXT);
    options.on_progress = on_progress;
    options.name = "name";
    options.timeout_ms = 100;
    options.attempts = 3;
    options.chunk_bytes = PIECE;
    actr_status_t status = actr_file_send(&ctx, &dest, "files", path, &options, &error);
    demand(stage.ended && stage.status == status, "another end than was told");
    demand(stage.fn == NULL, "the answers are still taken");
    demand(status == ACTR_OK || (error.status == status && error.message[0] != '\0'), "a failure without words");
    demand(status != ACTR_OK || stage.said_done, "done, and nobody said so");
    if (status != ACTR_OK) demand_line(error.message, "an error");
    return 0;
}
