/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the receiver of files: the input is a script of what senders may say to it, in any order, and of the turns in
 * which it hashes. Whatever they say, nothing appears but well named files and parts in its folder, a file that was
 * there stays, what the program is shown is one line, and the counters agree with what was told.
 *
 * A script is one byte of options and a row of steps: one byte that says what, then of CHUNK the chunk (script.h), of
 * GONE who. What node and streams do for the receiver is done here.
 */
#include "lifecycle/file.h"

#include "dispatch/streams.h"
#include "lifecycle/node.h"
#include "script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_CHUNK, STEP_GONE, STEP_TURN, STEP_DEAF, STEP_REFUSE, STEP_DROP, STEPS };
enum { OVERWRITE = 1, FEW = 2 };

#define KEPT "kept"
#define KEPT_TEXT "hello" /* its checksum is in the corpus */

static const actr_id_t senders[] = {{.serial_number = 1, .realm = 1, .type = {"acme", "a"}},
                                    {.serial_number = 2, .realm = 1, .type = {"acme", "b"}}};

static struct {
    actr_stream_fn fn;
    void *user;
    actri_link_t turns;
    bool deaf, refuses, drops;
    unsigned answers, refused, ends_ok, ends;
} stage;

static char outer[64], inner[80];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- stand-ins ---- */

actr_status_t actr_ctx_register_stream(actr_ctx_t *ctx, const char *stream_id, actr_stream_fn fn, void *user,
                                       const actr_stream_options_t *options, actr_error_t *error)
{
    (void)ctx;
    (void)stream_id;
    (void)options;
    (void)error;
    stage.fn = fn;
    stage.user = user;
    return ACTR_OK;
}

static bool run_turn(void)
{
    actri_link_t *link = actri_list_take(&stage.turns);
    if (link == NULL) return false;
    actri_stream_turn_t *turn = ACTRI_CONTAINER(ACTRI_CONTAINER(link, actri_task_t, link), actri_stream_turn_t, task);
    turn->run(turn);
    return true;
}

actr_status_t actr_ctx_unregister_stream(actr_ctx_t *ctx, const char *stream_id, actr_error_t *error)
{
    (void)ctx;
    (void)stream_id;
    (void)error;
    while (run_turn()) {
    }
    return ACTR_OK;
}

void actri_streams_turn(actri_stream_turn_t *turn)
{
    actri_list_append(&stage.turns, &turn->task.link);
}

bool actri_streams_drops(const actri_stream_turn_t *turn)
{
    (void)turn;
    return stage.drops;
}

actr_status_t actr_ctx_send_chunk(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                  const actr_send_options_t *options, actr_error_t *error)
{
    (void)ctx;
    demand(options->timeout_ms > 0 && dest->kind != ACTR_DEST_LOCAL, "an answer to nobody");
    demand(chunk->stream_id[0] != '\0' && strlen(chunk->stream_id) <= ACTR_STREAM_ID_MAX, "no stream to answer on");
    demand(chunk->payload.size == 0 && chunk->metadata_count >= 2, "an answer of another shape");
    demand(actri_meta_fault(chunk->metadata, chunk->metadata_count) == NULL, "an answer that does not decode");
    stage.answers++;
    stage.refused += strcmp(actri_file_meta(chunk, ACTRI_FILE_OP), "refused") == 0;
    return stage.deaf ? actri_fail(error, ACTR_STATUS_UNAVAILABLE, "%s", chunk->stream_id) : ACTR_OK;
}

const actr_id_t *actri_node_id(const actr_node_t *node)
{
    (void)node;
    return NULL;
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
    demand_line(progress->name, "a name that is shown");
    demand_line(progress->why, "a reason that is shown");
    demand(progress->status == ACTR_OK || progress->why[0] != '\0', "an end without a reason");
    demand(progress->done <= progress->size, "more than the whole");
    if (progress->ended && progress->status == ACTR_OK) {
        demand(actri_file_name_good(progress->name) && progress->done == progress->size, "a file that should not be");
        stage.ends_ok++;
    }
    stage.ends += progress->ended;
    return !stage.refuses;
}

static void remove_all(const char *path)
{
    char whole[400];
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        (void)snprintf(whole, sizeof whole, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) (void)remove(whole);
    }
    (void)closedir(folder);
}

static void clean_up(void)
{
    remove_all(inner);
    remove_all(outer);
    (void)rmdir(outer);
}

/* Its folder with one file in it. */
static void open_folder(void)
{
    char kept[100];
    if (outer[0] == '\0') {
        (void)snprintf(outer, sizeof outer, "%s/actr-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        demand(mkdtemp(outer) != NULL && atexit(clean_up) == 0, "no folder");
        (void)snprintf(inner, sizeof inner, "%s/in", outer);
    }
    remove_all(inner);
    demand(mkdir(inner, 0700) == 0 || errno == EEXIST, "no folder in the folder");
    (void)snprintf(kept, sizeof kept, "%s/" KEPT, inner);
    int fd = open(kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    demand(fd >= 0 && write(fd, KEPT_TEXT, strlen(KEPT_TEXT)) == (ssize_t)strlen(KEPT_TEXT), "no file");
    (void)close(fd);
}

static bool is_part(const char *name)
{
    return name[0] == '.' && strspn(name + 1, "0123456789abcdef") == 64 && strcmp(name + 65, ".part") == 0;
}

static unsigned look_at_folder(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    demand(folder != NULL, "the folder is gone");
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        demand(actri_file_name_good(entry->d_name) || is_part(entry->d_name), "a name that should not be");
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void look_at_kept(void)
{
    char kept[100], text[16] = "";
    (void)snprintf(kept, sizeof kept, "%s/" KEPT, inner);
    int fd = open(kept, O_RDONLY | O_CLOEXEC);
    demand(fd >= 0 && read(fd, text, sizeof text) == (ssize_t)strlen(KEPT_TEXT) && strcmp(text, KEPT_TEXT) == 0,
           "the file that was there is another");
    (void)close(fd);
}

static const actr_id_t *sender_of(uint8_t who)
{
    return who % 3 == 0 ? NULL : &senders[who % 3 - 1];
}

static void give(actr_ctx_t *ctx, script_t *script)
{
    script_chunk_t chunk;
    if (script_chunk(script, &chunk)) {
        chunk.chunk.sender = sender_of(chunk.who);
        stage.fn(ctx, &chunk.chunk, stage.user);
    }
    script_chunk_free(&chunk);
}

static void step(actr_ctx_t *ctx, script_t *script)
{
    actr_chunk_t end = ACTR_CHUNK_INIT;
    switch (script_byte(script) % STEPS) {
    case STEP_CHUNK: give(ctx, script); break;
    case STEP_GONE:
        end.stream_id = "stream";
        end.kind = ACTR_CHUNK_END;
        end.status = ACTR_STATUS_UNAVAILABLE;
        end.sender = sender_of(script_byte(script));
        stage.fn(ctx, &end, stage.user);
        break;
    case STEP_TURN: (void)run_turn(); break;
    case STEP_DEAF: stage.deaf = !stage.deaf; break;
    case STEP_REFUSE: stage.refuses = !stage.refuses; break;
    case STEP_DROP: stage.drops = !stage.drops; break;
    default: break;
    }
}

static void check(const actr_file_receiver_t *receiver, const actr_file_options_t *options)
{
    actr_file_stats_t stats = ACTR_FILE_STATS_INIT;
    actr_file_receiver_stats(receiver, &stats);
    demand(stats.receiving <= options->max_files, "more files than may be");
    demand(stats.received == stage.ends_ok, "another number of files than was told");
    demand(stats.refused + stats.received + stats.broken == stage.ends, "another number of ends than was told");
    demand(stats.refused >= stage.refused, "more refusals than were counted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static actr_system_t system;
    static actr_node_t node;
    script_t script = {data, size};
    uint8_t bits = script_byte(&script);
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_file_receiver_t *receiver = NULL;
    actr_ctx_t ctx = {.node = &node};
    node.system = &system;
    system.env = (actri_env_t){.log = on_log, .log_level = ACTR_LOG_TRACE};
    memset(&stage, 0, sizeof stage);
    actri_list_init(&stage.turns);
    open_folder();
    options.on_progress = on_progress;
    options.overwrite = (bits & OVERWRITE) != 0;
    options.max_size = 1 << 20;
    options.max_files = options.max_parts = (bits & FEW) != 0 ? 1 : 4;
    demand(actr_file_receive(&ctx, "files", inner, &options, &receiver, &error) == ACTR_OK, "no receiver");
    while (script.left > 0) {
        step(&ctx, &script);
        check(receiver, &options);
    }
    actr_file_receiver_free(&ctx, receiver);
    demand(look_at_folder(outer) == 1, "a file outside of the folder");
    (void)look_at_folder(inner);
    if (!options.overwrite) look_at_kept();
    return 0;
}
