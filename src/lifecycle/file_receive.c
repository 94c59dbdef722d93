/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving files into a folder. Everything happens in the callback of one stream, one chunk at a time. A part is
 * written under the name of its checksum, so a transfer that goes on finds what is there; the whole is hashed from the
 * disk before it gets its name.
 */
#include "lifecycle/file.h"

#include "lifecycle/node.h"
#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SIZE (UINT64_C(1) << 30)
#define MAX_FILES 16
#define SAY_MS 5000

typedef struct incoming {
    actri_link_t link;
    bool from_shell;
    actr_id_t sender;
    int fd;
    uint64_t size, done;
    char sha[ACTRI_FILE_SHA_TEXT], part[ACTRI_FILE_SHA_TEXT + 8];
    char name[ACTRI_FILE_NAME_MAX + 1], reply[ACTR_STREAM_ID_MAX + 1];
} incoming_t;

struct actr_file_receiver {
    const actri_env_t *env;
    actr_file_options_t o;
    int folder;
    actri_link_t files; /* incoming_t */
    uint32_t count;
    char stream_id[ACTR_STREAM_ID_MAX + 1];
};

static bool same_sender(const incoming_t *in, const actr_chunk_t *chunk)
{
    if (chunk->sender == NULL) return in->from_shell;
    return !in->from_shell && actr_id_equal(&in->sender, chunk->sender);
}

static void forget(actr_file_receiver_t *r, incoming_t *in)
{
    actri_list_remove(&in->link);
    if (in->fd >= 0) {
        (void)close(in->fd);
        r->count--;
    }
    actri_free(r->env, in);
}

static bool tell(const actr_file_receiver_t *r, const incoming_t *in, bool ended, actr_status_t status, const char *why)
{
    actr_file_progress_t progress = {.name = in->name,
                                     .done = in->done,
                                     .size = in->size,
                                     .ended = ended,
                                     .status = status,
                                     .why = why,
                                     .peer = in->from_shell ? NULL : &in->sender};
    return r->o.on_progress == NULL || r->o.on_progress(&progress, r->o.user);
}

/* ---- what is said ---- */

static void say(actr_ctx_t *ctx, const incoming_t *in, const char *op, const char *key, const char *value)
{
    const actr_metadata_t metadata[] = {{ACTRI_FILE_OP, op}, {ACTRI_FILE_SHA, in->sha}, {key, value}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    options.timeout_ms = SAY_MS;
    chunk.stream_id = in->reply;
    chunk.metadata = metadata;
    chunk.metadata_count = key == NULL ? 2 : 3;
    actr_dest_t dest = in->from_shell ? actr_dest_shell() : actr_dest_actor(&in->sender);
    actr_error_t error = ACTR_ERROR_INIT;
    if (actr_ctx_send_chunk(ctx, &dest, &chunk, &options, &error) == ACTR_OK) return;
    actri_debug(&ctx->node->system->env, "file", "the sender of %s is not told \"%s\": %s", in->name, op,
                error.message);
}

static void refuse(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, actr_status_t status, const char *why)
{
    say(ctx, in, "refused", ACTRI_FILE_WHY, why);
    (void)tell(r, in, true, status, why);
    forget(r, in);
}

static void refuse_errno(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail_errno(&error, ACTR_STATUS_IO, errno, "%s", what);
    refuse(ctx, r, in, ACTR_STATUS_IO, error.message);
}

/* ---- an offer ---- */

/* Is the file that has the name already this one? */
static bool is_there(const actr_file_receiver_t *r, const incoming_t *in, bool *taken)
{
    char sha[ACTRI_FILE_SHA_TEXT];
    uint64_t size = 0;
    struct stat info;
    *taken = fstatat(r->folder, in->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*taken || !S_ISREG(info.st_mode) || (uint64_t)info.st_size != in->size) return false;
    int fd = openat(r->folder, in->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    bool same = actri_file_sha(fd, sha, &size, NULL) == ACTR_OK && strcmp(sha, in->sha) == 0;
    (void)close(fd);
    return same;
}

static void accept_offer(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in)
{
    char offset[24];
    struct stat info;
    bool taken;
    if (is_there(r, in, &taken)) {
        in->done = in->size;
        say(ctx, in, "done", NULL, NULL);
        (void)tell(r, in, true, ACTR_OK, "");
        forget(r, in);
        return;
    }
    if (taken && !r->o.overwrite) {
        refuse(ctx, r, in, ACTR_STATUS_PERMISSION_DENIED, "there is a file of that name");
        return;
    }
    if (r->count >= r->o.max_files) {
        refuse(ctx, r, in, ACTR_STATUS_LIMIT_REACHED, "too many files are being received");
        return;
    }
    in->fd = openat(r->folder, in->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (in->fd >= 0) r->count++;
    if (in->fd < 0 || fstat(in->fd, &info) != 0) {
        refuse_errno(ctx, r, in, "its part can not be opened");
        return;
    }
    in->done = (uint64_t)info.st_size <= in->size ? (uint64_t)info.st_size : 0;
    (void)snprintf(offset, sizeof offset, "%" PRIu64, in->done);
    say(ctx, in, "from", ACTRI_FILE_OFFSET, offset);
}

static bool is_sha(const char *text)
{
    return strlen(text) == ACTRI_FILE_SHA_TEXT - 1 && strspn(text, "0123456789abcdef") == ACTRI_FILE_SHA_TEXT - 1;
}

static incoming_t *find(actr_file_receiver_t *r, const char *sha)
{
    for (actri_link_t *at = r->files.next; at != &r->files; at = at->next) {
        incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (strcmp(in->sha, sha) == 0) return in;
    }
    return NULL;
}

static void on_offer(actr_ctx_t *ctx, actr_file_receiver_t *r, const actr_chunk_t *chunk)
{
    const char *sha = actri_file_meta(chunk, ACTRI_FILE_SHA), *name = actri_file_meta(chunk, ACTRI_FILE_NAME);
    const char *reply = actri_file_meta(chunk, ACTRI_FILE_REPLY);
    if (!is_sha(sha) || reply[0] == '\0' || strlen(reply) > ACTR_STREAM_ID_MAX) return; /* nobody to be told */
    incoming_t *before = find(r, sha);
    if (before != NULL && same_sender(before, chunk)) forget(r, before); /* it begins anew */
    incoming_t *in = actri_zalloc(r->env, sizeof *in);
    if (in == NULL) return;
    in->fd = -1;
    in->from_shell = chunk->sender == NULL;
    if (chunk->sender != NULL) in->sender = *chunk->sender;
    (void)snprintf(in->sha, sizeof in->sha, "%s", sha);
    (void)snprintf(in->part, sizeof in->part, ".%s.part", sha);
    (void)snprintf(in->name, sizeof in->name, "%s", name);
    (void)snprintf(in->reply, sizeof in->reply, "%s", reply);
    bool busy = find(r, sha) != NULL;
    actri_list_append(&r->files, &in->link);
    if (!actri_file_name_good(name))
        refuse(ctx, r, in, ACTR_STATUS_INVALID_NAME, "that is no name for a file here");
    else if (!actri_file_number(actri_file_meta(chunk, ACTRI_FILE_SIZE), &in->size) || in->size > r->o.max_size)
        refuse(ctx, r, in, ACTR_STATUS_TOO_LARGE, "the file is too large");
    else if (busy)
        refuse(ctx, r, in, ACTR_STATUS_LIMIT_REACHED, "somebody else is sending that file");
    else
        accept_offer(ctx, r, in);
}

/* ---- data, and the end ---- */

static void on_data(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, const actr_chunk_t *chunk)
{
    size_t size = chunk->payload.size;
    if (chunk->sequence != in->done || size > in->size - in->done) {
        refuse(ctx, r, in, ACTR_STATUS_WIRE_PROTOCOL, "a piece is not the one that follows");
        return;
    }
    const char *at = chunk->payload.data;
    while (size > 0) {
        ssize_t went = pwrite(in->fd, at, size, (off_t)in->done);
        if (went <= 0) {
            refuse_errno(ctx, r, in, "it can not be written");
            return;
        }
        at += went;
        size -= (size_t)went;
        in->done += (uint64_t)went;
    }
    if (!tell(r, in, false, ACTR_OK, "")) refuse(ctx, r, in, ACTR_STATUS_CANCELLED, "the receiver ended the transfer");
}

/* Gives the part its name; false: errno says why. */
static bool put_in_place(const actr_file_receiver_t *r, const incoming_t *in)
{
    if (fsync(in->fd) != 0) return false;
    if (r->o.overwrite) return renameat(r->folder, in->part, r->folder, in->name) == 0;
    if (linkat(r->folder, in->part, r->folder, in->name, 0) != 0) return false; /* fails when there is one */
    (void)unlinkat(r->folder, in->part, 0);
    return true;
}

static void on_end(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in)
{
    char sha[ACTRI_FILE_SHA_TEXT] = "";
    uint64_t size = 0;
    actr_error_t error = ACTR_ERROR_INIT;
    if (ftruncate(in->fd, (off_t)in->done) != 0 || actri_file_sha(in->fd, sha, &size, &error) != ACTR_OK) {
        refuse_errno(ctx, r, in, "its part can not be read");
    } else if (size != in->size || strcmp(sha, in->sha) != 0) {
        (void)unlinkat(r->folder, in->part, 0); /* begun anew, it may come out right */
        refuse(ctx, r, in, ACTR_STATUS_DECODE, "the checksum is wrong");
    } else if (!put_in_place(r, in)) {
        refuse_errno(ctx, r, in, "it can not be given its name");
    } else {
        say(ctx, in, "done", NULL, NULL);
        (void)tell(r, in, true, ACTR_OK, "");
        forget(r, in);
    }
}

/* The sender has gone: the parts stay for when it comes again. */
static void on_gone(actr_file_receiver_t *r, const actr_chunk_t *chunk)
{
    for (actri_link_t *at = r->files.next, *next; at != &r->files; at = next) {
        next = at->next;
        incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (!same_sender(in, chunk)) continue;
        (void)tell(r, in, true, ACTR_STATUS_UNAVAILABLE, "the sender has gone; it may go on later");
        forget(r, in);
    }
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    actr_file_receiver_t *r = user;
    const char *op = actri_file_meta(chunk, ACTRI_FILE_OP);
    if (chunk->kind == ACTR_CHUNK_END) {
        on_gone(r, chunk);
        return;
    }
    if (strcmp(op, "offer") == 0) {
        on_offer(ctx, r, chunk);
        return;
    }
    incoming_t *in = find(r, actri_file_meta(chunk, ACTRI_FILE_SHA));
    if (in == NULL || !same_sender(in, chunk)) return; /* of a transfer that was refused */
    if (strcmp(op, "data") == 0) on_data(ctx, r, in, chunk);
    if (strcmp(op, "end") == 0) on_end(ctx, r, in);
}

/* ---- life ---- */

static void destroy(actr_file_receiver_t *r)
{
    while (!actri_list_empty(&r->files)) forget(r, ACTRI_CONTAINER(r->files.next, incoming_t, link));
    if (r->folder >= 0) (void)close(r->folder);
    actri_free(r->env, r);
}

actr_status_t actr_file_receive(actr_ctx_t *ctx, const char *stream_id, const char *folder,
                                const actr_file_options_t *options, actr_file_receiver_t **receiver,
                                actr_error_t *error)
{
    if (ctx == NULL || stream_id == NULL || folder == NULL || receiver == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, stream_id, folder or receiver is NULL");
    }
    actr_file_receiver_t *r = actri_zalloc(&ctx->node->system->env, sizeof *r);
    if (r == NULL) return actri_no_memory(error);
    r->env = &ctx->node->system->env;
    actri_list_init(&r->files);
    r->o = actri_file_options(options);
    if (r->o.max_size == 0) r->o.max_size = MAX_SIZE;
    if (r->o.max_files == 0) r->o.max_files = MAX_FILES;
    (void)snprintf(r->stream_id, sizeof r->stream_id, "%s", stream_id);
    r->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    actr_status_t status = ACTR_OK;
    if (r->folder < 0) status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be opened", folder);
    if (status == ACTR_OK) status = actr_ctx_register_stream(ctx, stream_id, on_chunk, r, NULL, error);
    if (status != ACTR_OK) {
        destroy(r);
        return status;
    }
    *receiver = r;
    return ACTR_OK;
}

void actr_file_receiver_free(actr_ctx_t *ctx, actr_file_receiver_t *r)
{
    if (r == NULL) return;
    actr_node_t *node = ctx->node;
    if (actr_ctx_unregister_stream(ctx, r->stream_id, NULL) == ACTR_STATUS_SHUTTING_DOWN) { /* which ends callbacks */
        actri_lock(&node->mutex);
        while (!node->ended) (void)actri_cond_wait(&node->changed, &node->mutex, ACTRI_NEVER);
        actri_unlock(&node->mutex);
    }
    destroy(r);
}
