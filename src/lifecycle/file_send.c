/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a file: offer it, go on from where the receiver says, wait for its word. What the receiver says comes on a
 * stream of our own; a connection that ends begins the next attempt. On the caller's thread.
 */
#include "lifecycle/file.h"

#include "lifecycle/node.h"
#include "port/clock.h"
#include "port/random.h"
#include "port/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_MS 15000
#define ATTEMPTS 10
#define CHUNK_BYTES 32768
#define MOST_CHUNK_BYTES 60000
#define LOOK_NS (200 * ACTRI_MS) /* how late it is noticed that the node shuts down */
#define PAUSE_MS 200             /* before the next attempt, times their number */
#define STOP_MS 1000             /* for telling the receiver that the program has given up */

typedef struct sending {
    actr_ctx_t *ctx;
    const actr_dest_t *dest;
    const char *stream_id, *name;
    actr_file_options_t o;
    int fd;
    uint64_t size, done;
    char sha[ACTRI_FILE_SHA_TEXT], reply_id[48];
    uint8_t block[MOST_CHUNK_BYTES];
    actri_mutex_t mutex; /* guards the rest */
    actri_cond_t changed;
    actri_file_word_t heard;
    uint64_t offset;
    uint64_t begun; /* what the receiver had when the attempt began; only the sender's thread writes it */
    bool under_way; /* it has begun */
    char why[200];
} sending_t;

/* ---- what the receiver says ---- */

static void hear_locked(sending_t *s, const actr_chunk_t *chunk)
{
    const char *why = "";
    uint64_t offset = s->offset;
    actri_file_word_t heard = actri_file_read_word(chunk, s->sha, s->size, &offset, &why);
    if (heard == ACTRI_FILE_NOTHING) return;
    if (heard == ACTRI_FILE_FROM && s->under_way && offset == s->begun) return; /* to an offer that was made twice */
    s->offset = offset;
    s->heard = heard;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
}

static void on_word(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    sending_t *s = user;
    actri_lock(&s->mutex);
    hear_locked(s, chunk);
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
}

/* Has the connection ended on which the file was being sent? Then no answer comes. Told once. */
static bool connection_ended(const sending_t *s)
{
    const actr_node_t *node = s->ctx->node;
    if (s->dest->kind != ACTR_DEST_ACTOR || actr_id_equal(&s->dest->id, actri_node_id(node))) return false;
    actr_status_t status = actri_stream_gate_flush(node->stream_gate, &s->dest->id, s->stream_id, actri_now_ns(), NULL);
    return status == ACTR_STATUS_DELIVERY_UNCERTAIN || status == ACTR_STATUS_UNAVAILABLE;
}

/* Whether an answer may still come; with the mutex. */
static bool may_hear(sending_t *s)
{
    if (actri_node_enter(s->ctx->node, NULL) != ACTR_OK) return false;
    if (connection_ended(s)) s->heard = ACTRI_FILE_BROKEN;
    actri_node_leave(s->ctx->node);
    return s->heard == ACTRI_FILE_NOTHING;
}

/* What was heard, and forgets it; ACTRI_FILE_NOTHING: the time, or the node's, is over. */
static actri_file_word_t listen_for(sending_t *s, uint32_t ms)
{
    int64_t deadline = actri_now_ns() + (int64_t)ms * ACTRI_MS;
    actri_lock(&s->mutex);
    for (int64_t now = actri_now_ns(); s->heard == ACTRI_FILE_NOTHING && now < deadline && may_hear(s);
         now = actri_now_ns()) {
        (void)actri_cond_wait(&s->changed, &s->mutex, now + LOOK_NS < deadline ? now + LOOK_NS : deadline);
    }
    actri_file_word_t heard = s->heard;
    s->heard = ACTRI_FILE_NOTHING;
    actri_unlock(&s->mutex);
    return heard;
}

/* ---- what is said ---- */

static actr_status_t say_within(const sending_t *s, uint32_t ms, const char *op, size_t bytes,
                                const actr_metadata_t *more, size_t count, actr_error_t *error)
{
    actr_metadata_t metadata[6] = {{ACTRI_FILE_OP, op}, {ACTRI_FILE_SHA, s->sha}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    for (size_t i = 0; i < count; i++) metadata[2 + i] = more[i];
    options.timeout_ms = ms;
    chunk.stream_id = s->stream_id;
    chunk.sequence = s->done;
    chunk.payload = (actr_bytes_t){s->block, bytes};
    chunk.metadata = metadata;
    chunk.metadata_count = 2 + count;
    return actr_ctx_send_chunk(s->ctx, s->dest, &chunk, &options, error);
}

static actr_status_t say(const sending_t *s, const char *op, size_t bytes, const actr_metadata_t *more, size_t count,
                         actr_error_t *error)
{
    return say_within(s, s->o.timeout_ms, op, bytes, more, count, error);
}

static bool tell(const sending_t *s, bool ended, actr_status_t status, const char *why)
{
    actr_file_progress_t progress = {.name = s->name,
                                     .done = s->done,
                                     .size = s->size,
                                     .ended = ended,
                                     .status = status,
                                     .why = why,
                                     .peer = s->dest->kind == ACTR_DEST_ACTOR ? &s->dest->id : NULL};
    return s->o.on_progress == NULL || s->o.on_progress(&progress, s->o.user);
}

static actr_status_t cancelled(actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_CANCELLED, "the program ended the transfer");
}

/* What the receiver's word means for the attempt; TIMEOUT and UNAVAILABLE call for another one. */
static actr_status_t judge(const sending_t *s, actri_file_word_t heard, actr_error_t *error)
{
    switch (heard) {
    case ACTRI_FILE_DONE: return ACTR_OK;
    case ACTRI_FILE_REFUSED:
        return actri_fail(error, ACTR_STATUS_PERMISSION_DENIED, "the receiver refused %s: %s", s->name, s->why);
    case ACTRI_FILE_LATER:
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "the receiver does not take %s now: %s", s->name, s->why);
    case ACTRI_FILE_FROM:
        return actri_fail(error, ACTR_STATUS_TIMEOUT, "the receiver wants %s once more: its part was no good", s->name);
    case ACTRI_FILE_BROKEN: return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the receiver's connection ended");
    default: return actri_fail(error, ACTR_STATUS_TIMEOUT, "the receiver says nothing");
    }
}

static actr_status_t offer(sending_t *s, actri_file_word_t *heard, actr_error_t *error)
{
    char size[24];
    (void)snprintf(size, sizeof size, "%" PRIu64, s->size);
    const actr_metadata_t more[] = {
        {ACTRI_FILE_NAME, s->name}, {ACTRI_FILE_SIZE, size}, {ACTRI_FILE_REPLY, s->reply_id}};
    (void)listen_for(s, 0); /* what an attempt before was told does not count */
    actr_status_t status = say(s, "offer", 0, more, 3, error);
    /* that was said of what went before it, on a connection that has ended */
    if (status == ACTR_STATUS_DELIVERY_UNCERTAIN) status = say(s, "offer", 0, more, 3, error);
    if (status != ACTR_OK) return status;
    *heard = listen_for(s, s->o.timeout_ms);
    return *heard == ACTRI_FILE_FROM ? ACTR_OK : judge(s, *heard, error);
}

static actr_status_t send_rest(sending_t *s, actr_error_t *error)
{
    while (s->done < s->size) {
        ssize_t got = pread(s->fd, s->block, s->o.chunk_bytes, (off_t)s->done);
        if (got < 0) return actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be read any more", s->name);
        if (got == 0) return actri_fail(error, ACTR_STATUS_IO, "%s has become shorter while it was sent", s->name);
        actr_status_t status = say(s, "data", (size_t)got, NULL, 0, error);
        if (status != ACTR_OK) return status;
        s->done += (uint64_t)got;
        if (!tell(s, false, ACTR_OK, "")) return cancelled(error);
        actri_file_word_t heard = listen_for(s, 0);
        if (heard != ACTRI_FILE_NOTHING) return judge(s, heard, error); /* refused in the middle, or gone */
    }
    actr_status_t status = say(s, "end", 0, NULL, 0, error);
    return status != ACTR_OK ? status : judge(s, listen_for(s, s->o.timeout_ms), error);
}

static actr_status_t attempt(sending_t *s, actr_error_t *error)
{
    actri_file_word_t heard = ACTRI_FILE_NOTHING;
    actr_status_t status = offer(s, &heard, error);
    if (status != ACTR_OK || heard == ACTRI_FILE_DONE) return status;
    actri_lock(&s->mutex);
    s->done = s->begun = s->offset;
    s->under_way = true;
    actri_unlock(&s->mutex);
    status = send_rest(s, error);
    actri_lock(&s->mutex);
    s->under_way = false;
    actri_unlock(&s->mutex);
    return status;
}

static bool worth_another(actr_status_t status)
{
    return status == ACTR_STATUS_UNAVAILABLE || status == ACTR_STATUS_DELIVERY_UNCERTAIN ||
           status == ACTR_STATUS_TIMEOUT || status == ACTR_STATUS_LIMIT_REACHED || status == ACTR_STATUS_NOT_FOUND;
}

/* The receiver keeps a place for a transfer that is under way on a connection that is up. */
static void say_stop(const sending_t *s, actr_status_t status)
{
    switch (status) {
    case ACTR_STATUS_CANCELLED:
    case ACTR_STATUS_IO:
    case ACTR_STATUS_TIMEOUT:
    case ACTR_STATUS_LIMIT_REACHED:
    case ACTR_STATUS_NO_MEMORY: (void)say_within(s, STOP_MS, "stop", 0, NULL, 0, NULL); break;
    default: break;
    }
}

/* Only attempts after which the receiver has nothing more are counted. */
static actr_status_t transfer_all(sending_t *s, actr_error_t *error)
{
    uint64_t furthest = 0;
    actr_status_t status = attempt(s, error);
    for (uint32_t n = 1; n < s->o.attempts && worth_another(status); n++) {
        if (s->begun > furthest) {
            furthest = s->begun;
            n = 1;
        }
        if (!tell(s, false, ACTR_OK, "")) return cancelled(error);
        (void)listen_for(s, n * PAUSE_MS);
        status = attempt(s, error);
    }
    return status;
}

static actr_status_t transfer(sending_t *s, actr_error_t *error)
{
    actr_status_t status = transfer_all(s, error);
    say_stop(s, status);
    return status;
}

/* Inside the node. */
static actr_status_t send_as_registered(sending_t *s, actr_error_t *error)
{
    actri_stream_space_t space = s->ctx->is_shell ? ACTRI_SPACE_SHELL : ACTRI_SPACE_WORKLOAD;
    if (actri_pool_needs_me(actri_node_pool(s->ctx->node))) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK,
                          "the node's only thread can not wait for the receiver's answers, which come on it");
    }
    actr_status_t status = actr_ctx_register_stream(s->ctx, s->reply_id, on_word, s, NULL, error);
    if (status != ACTR_OK) return status;
    status = transfer(s, error);
    /* Also when the node shuts down: on_word runs no more after this, whoever ended the registration. */
    if (actri_streams_unregister(s->ctx->node->streams, space, s->reply_id, NULL) != ACTR_OK) {
        actri_debug(&s->ctx->node->system->env, "file", "the shutdown has ended the registration of the answers");
    }
    return status;
}

static actr_status_t open_file(sending_t *s, const char *path, actr_error_t *error)
{
    const char *slash = strrchr(path, '/');
    s->name = s->o.name != NULL ? s->o.name : slash == NULL ? path : slash + 1;
    if (!actri_file_name_good(s->name)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "\"%.60s\" is no name for a file to be sent", s->name);
    }
    struct stat info;
    s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* opening a pipe would wait for somebody who writes */
    if (s->fd < 0 || fstat(s->fd, &info) != 0) {
        return actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be opened", path);
    }
    if (!S_ISREG(info.st_mode)) return actri_fail(error, ACTR_STATUS_IO, "%s is no regular file", path);
    return actri_file_sha(s->fd, s->sha, &s->size, error);
}

static void set_defaults(actr_file_options_t *o)
{
    if (o->timeout_ms == 0) o->timeout_ms = TIMEOUT_MS;
    if (o->attempts == 0) o->attempts = ATTEMPTS;
    if (o->chunk_bytes == 0) o->chunk_bytes = CHUNK_BYTES;
    if (o->chunk_bytes > MOST_CHUNK_BYTES) o->chunk_bytes = MOST_CHUNK_BYTES;
}

actr_status_t actr_file_send(actr_ctx_t *ctx, const actr_dest_t *dest, const char *stream_id, const char *path,
                             const actr_file_options_t *options, actr_error_t *error)
{
    actr_error_t local = ACTR_ERROR_INIT;
    if (error == NULL) error = &local;
    if (ctx == NULL || dest == NULL || stream_id == NULL || path == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, dest, stream_id or path is NULL");
    }
    const actri_env_t *env = &ctx->node->system->env;
    sending_t *s = actri_zalloc(env, sizeof *s);
    if (s == NULL) return actri_no_memory(error);
    s->ctx = ctx;
    s->dest = dest;
    s->stream_id = stream_id;
    s->fd = -1;
    s->o = actri_file_options(options);
    set_defaults(&s->o);
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    (void)snprintf(s->reply_id, sizeof s->reply_id, "file/%016" PRIx64 "%016" PRIx64, actri_random_u64(),
                   actri_random_u64());
    actr_status_t status = open_file(s, path, error);
    if (status == ACTR_OK) status = actri_node_enter(ctx->node, error); /* its parts stay as long as this runs */
    if (status == ACTR_OK) {
        status = send_as_registered(s, error);
        actri_node_leave(ctx->node);
        if (status == ACTR_OK) s->done = s->size;
        (void)tell(s, true, status, status == ACTR_OK ? "" : actr_error_message(error));
    }
    if (s->fd >= 0) (void)close(s->fd);
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
    actri_free(env, s);
    return status;
}
