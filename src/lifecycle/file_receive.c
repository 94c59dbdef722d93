/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving files into a folder. Everything happens in the callback of one stream, one chunk at a time, or in further
 * turns of it where a file is hashed. A part is written under the name of its checksum, so a transfer that goes on
 * finds what is there; the whole is hashed from the disk before it gets its name.
 */
#include "lifecycle/file.h"

#include "base/utf8.h"
#include "lifecycle/node.h"
#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SIZE (UINT64_C(1) << 30)
#define MAX_FILES 16
#define MAX_PART_BYTES (UINT64_C(4) << 30)
#define MAX_PARTS 64
#define SAY_MS 5000
#define HASTE_MS 60000 /* after a sender that did not take an answer in that time: none is waited for */
#define IDLE_MS 5000
#define SLICE_BYTES (UINT32_C(128) << 10) /* hashed in one turn: a fraction of a millisecond */

typedef enum step { TAKING, CHECKING_NAME, CHECKING_WHOLE } step_t;

typedef struct incoming {
    actri_link_t link;
    struct actr_file_receiver *receiver;
    bool from_shell;
    actr_id_t sender;
    step_t step;
    int fd; /* the part, or while the name is checked the file that has it */
    actri_file_sum_t sum;
    actri_stream_turn_t turn; /* while it is checked */
    bool turning, forgotten;  /* forgotten: the turn that is due frees it */
    bool gone;                /* the sender is: nobody to be told */
    bool resumed;             /* it began with a part that was there */
    int64_t heard_ns;         /* when its sender said something last */
    uint64_t size, done;
    char sha[ACTRI_FILE_SHA_TEXT], part[ACTRI_FILE_PART_TEXT];
    char name[ACTRI_FILE_NAME_MAX + 1], reply[ACTR_STREAM_ID_MAX + 1];
} incoming_t;

struct actr_file_receiver {
    actr_node_t *node;
    const actri_env_t *env;
    actr_file_options_t o;
    int folder;
    bool is_shell, closing; /* closing: atomic */
    actri_link_t files;     /* incoming_t */
    int64_t haste_until_ns;
    uint32_t count;                                    /* atomic */
    uint64_t received, refused, broken, parts_removed; /* atomic */
    char stream_id[ACTR_STREAM_ID_MAX + 1];
};

static void count(uint64_t *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static bool same_sender(const incoming_t *in, const actr_chunk_t *chunk)
{
    if (chunk->sender == NULL) return in->from_shell;
    return !in->from_shell && actr_id_equal(&in->sender, chunk->sender);
}

static void close_file(incoming_t *in)
{
    if (in->step != TAKING) (void)actri_file_sum_end(&in->sum, NULL);
    if (in->fd >= 0) (void)close(in->fd);
    in->step = TAKING;
    in->fd = -1;
}

static void forget(incoming_t *in)
{
    actr_file_receiver_t *r = in->receiver;
    actri_list_remove(&in->link);
    close_file(in);
    (void)__atomic_sub_fetch(&r->count, 1, __ATOMIC_RELAXED);
    in->forgotten = true;
    if (!in->turning) actri_free(r->env, in);
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

/* Waits for a path that is full, but does not let a sender that takes nothing, or is not there any more, hold up the
   others again and again. */
static void say(actr_ctx_t *ctx, const incoming_t *in, const char *op, const char *key, const char *value)
{
    actr_file_receiver_t *r = in->receiver;
    if (in->gone) return;
    const actr_metadata_t metadata[] = {{ACTRI_FILE_OP, op}, {ACTRI_FILE_SHA, in->sha}, {key, value}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    options.timeout_ms = SAY_MS;
    int64_t now = actri_now_ns();
    options.no_wait = now < r->haste_until_ns;
    chunk.stream_id = in->reply;
    chunk.metadata = metadata;
    chunk.metadata_count = key == NULL ? 2 : 3;
    actr_dest_t dest = in->from_shell ? actr_dest_shell() : actr_dest_actor(&in->sender);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actr_ctx_send_chunk(ctx, &dest, &chunk, &options, &error);
    /* that was said of what went before it, on a connection that has ended */
    if (status == ACTR_STATUS_DELIVERY_UNCERTAIN) status = actr_ctx_send_chunk(ctx, &dest, &chunk, &options, &error);
    if (status == ACTR_OK) return;
    if (actri_now_ns() - now > SAY_MS / 2 * ACTRI_MS) r->haste_until_ns = actri_now_ns() + HASTE_MS * ACTRI_MS;
    actri_debug(&ctx->node->system->env, "file", "the sender of %s is not told \"%s\": %s", in->name, op,
                error.message);
}

static void turn_away(actr_ctx_t *ctx, const incoming_t *in, actr_status_t status, const char *why)
{
    count(&in->receiver->refused);
    say(ctx, in, status == ACTR_STATUS_LIMIT_REACHED ? "later" : "refused", ACTRI_FILE_WHY, why);
    (void)tell(in->receiver, in, true, status, why);
}

static void refuse(actr_ctx_t *ctx, incoming_t *in, actr_status_t status, const char *why)
{
    turn_away(ctx, in, status, why);
    forget(in);
}

static void refuse_errno(actr_ctx_t *ctx, incoming_t *in, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail_errno(&error, ACTR_STATUS_IO, errno, "%s", what);
    refuse(ctx, in, ACTR_STATUS_IO, error.message);
}

static void complete(actr_ctx_t *ctx, incoming_t *in)
{
    in->done = in->size;
    count(&in->receiver->received);
    say(ctx, in, "done", NULL, NULL);
    (void)tell(in->receiver, in, true, ACTR_OK, "");
    forget(in);
}

/* The part stays for when the sender comes again. */
static void leave_off(incoming_t *in, actr_status_t status, const char *why)
{
    count(&in->receiver->broken);
    (void)tell(in->receiver, in, true, status, why);
    forget(in);
}

/* ---- senders that say nothing ---- */

static bool is_idle(const incoming_t *in, int64_t now)
{
    return in->step == TAKING && now - in->heard_ns >= in->receiver->o.timeout_ms * ACTRI_MS;
}

/* They have their places as long as nobody else wants them. */
static void let_go(actr_ctx_t *ctx, incoming_t *in)
{
    say(ctx, in, "later", ACTRI_FILE_WHY, "its place was wanted while nothing came");
    leave_off(in, ACTR_STATUS_UNAVAILABLE, "the sender said nothing for too long; it may go on later");
}

/* Lets all of them go but `own`; false: there was none. */
static bool let_go_idle(actr_ctx_t *ctx, actr_file_receiver_t *r, const incoming_t *own)
{
    bool some = false;
    int64_t now = actri_now_ns();
    for (actri_link_t *at = r->files.next, *next; at != &r->files; at = next) {
        next = at->next;
        incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (in == own || !is_idle(in, now)) continue;
        let_go(ctx, in);
        some = true;
    }
    return some;
}

/* ---- a part ---- */

static bool under_way(void *user, const char *part, uint64_t *size)
{
    const actr_file_receiver_t *r = user;
    for (const actri_link_t *at = r->files.next; at != &r->files; at = at->next) {
        const incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (strcmp(in->part, part) != 0) continue;
        *size = in->size;
        return true;
    }
    return false;
}

static actr_status_t make_room(actr_ctx_t *ctx, actr_file_receiver_t *r, const incoming_t *in, actr_error_t *error)
{
    uint64_t removed = 0;
    actri_file_room_t room = {.env = r->env,
                              .folder = r->folder,
                              .most_bytes = r->o.max_part_bytes,
                              .most_parts = r->o.max_parts,
                              .under_way = under_way,
                              .user = r};
    actr_status_t status = actri_file_make_room(&room, in->part, in->size, &removed, error);
    if (status == ACTR_STATUS_LIMIT_REACHED && let_go_idle(ctx, r, in)) {
        status = actri_file_make_room(&room, in->part, in->size, &removed, error);
    }
    (void)__atomic_add_fetch(&r->parts_removed, removed, __ATOMIC_RELAXED);
    return status;
}

/* Two receivers in one folder do not write the same part. Where files can not be locked, nobody is kept from it. */
static bool is_anothers(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static void open_part(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in)
{
    char offset[24];
    struct stat info;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = make_room(ctx, r, in, &error);
    if (status != ACTR_OK) {
        refuse(ctx, in, status, error.message);
        return;
    }
    in->fd = openat(r->folder, in->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    bool anothers = in->fd >= 0 && is_anothers(in->fd);
    if (in->fd < 0 || fstat(in->fd, &info) != 0) {
        refuse_errno(ctx, in, "its part can not be opened");
    } else if (anothers || info.st_nlink == 0) {
        refuse(ctx, in, ACTR_STATUS_LIMIT_REACHED, "somebody else is sending that file");
    } else if (!S_ISREG(info.st_mode) || ((uint64_t)info.st_size > in->size && ftruncate(in->fd, 0) != 0)) {
        refuse(ctx, in, ACTR_STATUS_IO, "its part is no file that can be written");
    } else {
        in->done = (uint64_t)info.st_size <= in->size ? (uint64_t)info.st_size : 0;
        in->resumed = in->done > 0;
        (void)snprintf(offset, sizeof offset, "%" PRIu64, in->done);
        say(ctx, in, "from", ACTRI_FILE_OFFSET, offset);
    }
}

/* Gives the part its name; false: errno says why. */
static bool put_in_place(const actr_file_receiver_t *r, const incoming_t *in)
{
    if (fsync(in->fd) != 0) return false;
    if (r->o.overwrite) {
        if (renameat(r->folder, in->part, r->folder, in->name) != 0) return false;
    } else {
        if (linkat(r->folder, in->part, r->folder, in->name, 0) != 0) return false; /* fails when there is one */
        (void)unlinkat(r->folder, in->part, 0);
    }
    (void)fsync(r->folder); /* not every file system can: then the name comes to the disk when it likes */
    return true;
}

/* What was there before may have been no good: a power cut leaves pages without what was written to them. */
static void begin_anew(actr_ctx_t *ctx, incoming_t *in)
{
    if (ftruncate(in->fd, 0) != 0) {
        refuse_errno(ctx, in, "its part can not be written");
        return;
    }
    in->resumed = false;
    in->done = 0;
    in->heard_ns = actri_now_ns();
    say(ctx, in, "from", ACTRI_FILE_OFFSET, "0");
}

/* ---- checksums, a slice a turn ---- */

static void name_checked(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, bool same)
{
    if (same)
        complete(ctx, in);
    else if (!r->o.overwrite)
        refuse(ctx, in, ACTR_STATUS_PERMISSION_DENIED, "there is a file of that name");
    else
        open_part(ctx, r, in);
}

static void whole_checked(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, bool same)
{
    if (!same && in->resumed && !in->gone) {
        begin_anew(ctx, in);
    } else if (!same) {
        (void)unlinkat(r->folder, in->part, 0); /* begun anew, it may come out right */
        refuse(ctx, in, ACTR_STATUS_DECODE, "the checksum is wrong");
    } else if (put_in_place(r, in)) {
        complete(ctx, in);
    } else if (errno == EEXIST) { /* it came meanwhile */
        refuse(ctx, in, ACTR_STATUS_PERMISSION_DENIED, "there is a file of that name");
    } else {
        refuse_errno(ctx, in, "it can not be given its name");
    }
}

/* What the last slice gave: see actri_file_sum_add. */
static void checked(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, int more)
{
    char sha[ACTRI_FILE_SHA_TEXT] = "";
    step_t step = in->step;
    int number = errno;
    uint64_t size = in->sum.at;
    bool hashed = actri_file_sum_end(&in->sum, sha);
    in->step = TAKING;
    bool same = more == 0 && size == in->size && strcmp(sha, in->sha) == 0;
    errno = number;
    if (more == 0 && !hashed) {
        refuse(ctx, in, ACTR_STATUS_NO_MEMORY, "out of memory");
    } else if (step == CHECKING_NAME) {
        close_file(in);
        name_checked(ctx, r, in, same);
    } else if (more < 0) {
        refuse_errno(ctx, in, "its part can not be read");
    } else {
        whole_checked(ctx, r, in, same);
    }
}

/* On the side that it was registered on. */
static void own_context(const actr_file_receiver_t *r, actr_ctx_t *ctx)
{
    actri_ctx_init(ctx, r->node, NULL, "stream", NULL, ACTRI_NEVER);
    ctx->is_shell = r->is_shell;
}

static void check_slice(actr_file_receiver_t *r, incoming_t *in)
{
    actr_ctx_t ctx;
    int more = actri_file_sum_add(&in->sum, in->fd, SLICE_BYTES);
    if (more > 0 && in->sum.at <= in->size) {
        in->turning = true;
        actri_streams_turn(&in->turn);
        return;
    }
    own_context(r, &ctx);
    checked(&ctx, r, in, more);
}

static void run_turn(actri_stream_turn_t *turn)
{
    incoming_t *in = ACTRI_CONTAINER(turn, incoming_t, turn);
    actr_file_receiver_t *r = in->receiver;
    in->turning = false;
    if (in->forgotten) {
        actri_free(r->env, in);
    } else if (__atomic_load_n(&r->closing, __ATOMIC_ACQUIRE)) {
        forget(in);
    } else if (actri_streams_drops(turn)) {
        leave_off(in, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down; the sender may go on later");
    } else {
        check_slice(r, in);
    }
}

static void check(incoming_t *in, step_t step)
{
    in->step = step;
    actri_file_sum_begin(&in->sum);
    in->turn.run = run_turn;
    in->turning = true;
    actri_streams_turn(&in->turn);
}

/* ---- an offer ---- */

/* Opens the file that has the name, if it may be this one: then it has the size. */
static int open_taken(const actr_file_receiver_t *r, const incoming_t *in, bool *taken)
{
    struct stat info;
    *taken = fstatat(r->folder, in->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*taken || !S_ISREG(info.st_mode) || (uint64_t)info.st_size != in->size) return -1;
    return openat(r->folder, in->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static void accept_offer(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in)
{
    bool taken;
    in->fd = open_taken(r, in, &taken);
    if (in->fd >= 0)
        check(in, CHECKING_NAME);
    else if (taken)
        name_checked(ctx, r, in, false);
    else
        open_part(ctx, r, in);
}

static incoming_t *find(actr_file_receiver_t *r, const char *sha)
{
    for (actri_link_t *at = r->files.next; at != &r->files; at = at->next) {
        incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (strcmp(in->sha, sha) == 0) return in;
    }
    return NULL;
}

static void set_reply(incoming_t *in, const actri_file_offer_t *offer)
{
    (void)snprintf(in->reply, sizeof in->reply, "%s", offer->reply);
    in->heard_ns = actri_now_ns();
    in->gone = false;
}

static incoming_t as_offered(actr_file_receiver_t *r, const actr_chunk_t *chunk, const actri_file_offer_t *offer)
{
    incoming_t in = {.receiver = r, .fd = -1, .from_shell = chunk->sender == NULL, .size = offer->size};
    if (chunk->sender != NULL) in.sender = *chunk->sender;
    (void)snprintf(in.sha, sizeof in.sha, "%s", offer->sha);
    actri_file_part_name(offer->sha, in.part);
    (void)snprintf(in.name, sizeof in.name, "%s", offer->name);
    if (offer->status == ACTR_STATUS_INVALID_NAME) actri_utf8_line(in.name); /* a program may print it */
    set_reply(&in, offer);
    return in;
}

/* The same again, because an answer has not come: it is being found out. */
static bool is_checked_already(const incoming_t *in, const actri_file_offer_t *offer)
{
    return in->step != TAKING && in->size == offer->size && strcmp(in->name, offer->name) == 0;
}

static void on_offer(actr_ctx_t *ctx, actr_file_receiver_t *r, const actr_chunk_t *chunk)
{
    actri_file_offer_t offer;
    if (!actri_file_read_offer(chunk, r->o.max_size, &offer)) return;
    incoming_t *before = find(r, offer.sha);
    if (before != NULL && same_sender(before, chunk)) {
        if (is_checked_already(before, &offer)) {
            set_reply(before, &offer);
            return;
        }
        forget(before); /* it begins anew */
        before = NULL;
    } else if (before != NULL && is_idle(before, actri_now_ns())) {
        let_go(ctx, before); /* it may have crashed, and be the one that offers now */
        before = NULL;
    }
    incoming_t in = as_offered(r, chunk, &offer), *kept = NULL;
    if (offer.status != ACTR_OK) {
        turn_away(ctx, &in, offer.status, offer.why);
    } else if (before != NULL) {
        turn_away(ctx, &in, ACTR_STATUS_LIMIT_REACHED, "somebody else is sending that file");
    } else if (r->count >= r->o.max_files && !let_go_idle(ctx, r, NULL)) {
        turn_away(ctx, &in, ACTR_STATUS_LIMIT_REACHED, "too many files are being received");
    } else if ((kept = actri_memdup(r->env, &in, sizeof in)) == NULL) {
        turn_away(ctx, &in, ACTR_STATUS_NO_MEMORY, "out of memory");
    } else {
        actri_list_append(&r->files, &kept->link);
        (void)__atomic_add_fetch(&r->count, 1, __ATOMIC_RELAXED);
        accept_offer(ctx, r, kept);
    }
}

/* ---- data, and the end ---- */

static void on_data(actr_ctx_t *ctx, actr_file_receiver_t *r, incoming_t *in, const actr_chunk_t *chunk)
{
    size_t size = chunk->payload.size;
    in->heard_ns = actri_now_ns();
    if (chunk->sequence != in->done || size > in->size - in->done) {
        refuse(ctx, in, ACTR_STATUS_WIRE_PROTOCOL, "a piece is not the one that follows");
        return;
    }
    const char *at = chunk->payload.data;
    while (size > 0) {
        ssize_t went = pwrite(in->fd, at, size, (off_t)in->done);
        if (went <= 0) {
            refuse_errno(ctx, in, "it can not be written");
            return;
        }
        at += went;
        size -= (size_t)went;
        in->done += (uint64_t)went;
    }
    if (!tell(r, in, false, ACTR_OK, "")) refuse(ctx, in, ACTR_STATUS_CANCELLED, "the receiver ended the transfer");
}

static void on_end(actr_ctx_t *ctx, incoming_t *in)
{
    if (ftruncate(in->fd, (off_t)in->done) != 0)
        refuse_errno(ctx, in, "its part can not be written");
    else
        check(in, CHECKING_WHOLE);
}

/* The sender has gone: the parts stay for when it comes again. What is all there is finished. */
static void on_gone(actr_file_receiver_t *r, const actr_chunk_t *chunk)
{
    for (actri_link_t *at = r->files.next, *next; at != &r->files; at = next) {
        next = at->next;
        incoming_t *in = ACTRI_CONTAINER(at, incoming_t, link);
        if (!same_sender(in, chunk)) continue;
        in->gone = true;
        if (in->step == CHECKING_WHOLE) continue;
        leave_off(in, ACTR_STATUS_UNAVAILABLE, "the sender has gone; it may go on later");
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
    if (in == NULL || !same_sender(in, chunk) || in->step != TAKING) return; /* refused, or not asked for */
    if (strcmp(op, "data") == 0) on_data(ctx, r, in, chunk);
    if (strcmp(op, "end") == 0) on_end(ctx, in);
    if (strcmp(op, "stop") == 0) leave_off(in, ACTR_STATUS_CANCELLED, "the sender ended it; it may go on later");
}

/* ---- life ---- */

static void destroy(actr_file_receiver_t *r)
{
    while (!actri_list_empty(&r->files)) forget(ACTRI_CONTAINER(r->files.next, incoming_t, link));
    if (r->folder >= 0) (void)close(r->folder);
    actri_free(r->env, r);
}

static void set_defaults(actr_file_options_t *o)
{
    if (o->max_size == 0) o->max_size = MAX_SIZE;
    if (o->max_files == 0) o->max_files = MAX_FILES;
    if (o->timeout_ms == 0) o->timeout_ms = IDLE_MS;
    if (o->max_parts == 0) o->max_parts = o->max_files > MAX_PARTS ? o->max_files : MAX_PARTS;
    if (o->max_part_bytes == 0) o->max_part_bytes = o->max_size > MAX_PART_BYTES ? o->max_size : MAX_PART_BYTES;
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
    r->node = ctx->node;
    r->env = &ctx->node->system->env;
    r->is_shell = ctx->is_shell;
    actri_list_init(&r->files);
    r->o = actri_file_options(options);
    set_defaults(&r->o);
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
    actr_ctx_t own;
    (void)ctx; /* it may be of the other side */
    if (r == NULL) return;
    actr_node_t *node = r->node;
    own_context(r, &own);
    __atomic_store_n(&r->closing, true, __ATOMIC_RELEASE); /* what is being hashed is not waited for */
    if (actr_ctx_unregister_stream(&own, r->stream_id, NULL) == ACTR_STATUS_SHUTTING_DOWN) { /* which ends callbacks */
        actri_lock(&node->mutex);
        while (!node->ended) (void)actri_cond_wait(&node->changed, &node->mutex, ACTRI_NEVER);
        actri_unlock(&node->mutex);
    }
    destroy(r);
}

void actr_file_receiver_stats(const actr_file_receiver_t *r, actr_file_stats_t *out)
{
    actr_file_stats_t stats = {.struct_size = out->struct_size};
    if (r != NULL) {
        stats.receiving = __atomic_load_n(&r->count, __ATOMIC_RELAXED);
        stats.received = __atomic_load_n(&r->received, __ATOMIC_RELAXED);
        stats.refused = __atomic_load_n(&r->refused, __ATOMIC_RELAXED);
        stats.broken = __atomic_load_n(&r->broken, __ATOMIC_RELAXED);
        stats.parts_removed = __atomic_load_n(&r->parts_removed, __ATOMIC_RELAXED);
    }
    memcpy(out, &stats, out->struct_size < sizeof stats ? out->struct_size : sizeof stats);
}
