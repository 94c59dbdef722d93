/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver of files against a sender that makes its own rules: what it keeps, whom it holds up, what it shows. */
#include "fixture.h"

#include "base/utf8.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

/* What happened, in order: 'f' from, 'd' done, 'r' refused, 'l' later, 'o' a chunk of another stream, 'e' an end was
 * told. */
typedef struct scene {
    fixture_t f;
    fixture_node_t n;
    actri_mutex_t mutex;
    actri_cond_t changed;
    char seen[64], why[200], name[300];
    unsigned count;
    actr_status_t status;
    char folder[64];
    actr_file_receiver_t *receiver;
    unsigned untold, dirty; /* lines of the log: that an answer did not leave; that are none */
} scene_t;

static void note(scene_t *s, char what)
{
    actri_lock(&s->mutex);
    if (s->count < sizeof s->seen - 1) s->seen[s->count++] = what;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
}

/* Waits for so many happenings. */
static void wait_for(scene_t *s, unsigned count)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&s->mutex);
    bool in_time = true;
    while (s->count < count && in_time) in_time = actri_cond_wait(&s->changed, &s->mutex, deadline);
    actri_unlock(&s->mutex);
    if (!in_time) fail_msg("\"%s\" is all that happened", s->seen);
}

static bool on_progress(const actr_file_progress_t *progress, void *user)
{
    scene_t *s = user;
    if (!progress->ended) return true;
    actri_lock(&s->mutex);
    s->status = progress->status;
    (void)snprintf(s->name, sizeof s->name, "%s", progress->name);
    (void)snprintf(s->why, sizeof s->why, "%s", progress->why);
    actri_unlock(&s->mutex);
    note(s, 'e');
    return true;
}

static void on_answer(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    if (chunk->metadata_count > 0 && strcmp(chunk->metadata[0].key, "file-op") == 0)
        note(user, chunk->metadata[0].value[0]);
}

static void on_other(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    if (chunk->kind == ACTR_CHUNK_DATA) note(user, 'o');
}

static void on_gate(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    scene_t *s = user;
    (void)ctx;
    if (chunk->kind == ACTR_CHUNK_DATA) (void)fixture_slow(&s->n);
}

static void on_log(actr_log_level_t level, const char *area, const char *line, void *user)
{
    scene_t *s = user;
    char clean[1200];
    (void)level;
    (void)area;
    (void)snprintf(clean, sizeof clean, "%s", line);
    actri_utf8_line(clean);
    if (strcmp(clean, line) != 0) (void)__atomic_add_fetch(&s->dirty, 1, __ATOMIC_RELAXED);
    if (strstr(line, "is not told") != NULL) (void)__atomic_add_fetch(&s->untold, 1, __ATOMIC_RELAXED);
}

static void open_scene(scene_t *s, actr_file_options_t options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(s, 0, sizeof *s);
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/actr-parts-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    fixture_open(&s->f);
    actr_config_t config = fixture_config(&s->f, "Taker");
    config.stream_threads = 1; /* what runs on it holds up everybody */
    config.drain_timeout_ms = 100;
    config.log = on_log;
    config.log_user = s;
    config.log_level = ACTR_LOG_TRACE;
    fixture_start(&s->n, &config);
    options.on_progress = on_progress;
    options.user = s;
    actr_ctx_t *ctx = actr_ref_ctx(s->n.ref);
    assert_ok(actr_ctx_register_stream(ctx, "answers", on_answer, s, NULL, &error), &error);
    assert_ok(actr_ctx_register_stream(ctx, "other", on_other, s, NULL, &error), &error);
    assert_ok(actr_ctx_register_stream(ctx, "gate", on_gate, s, NULL, &error), &error);
    assert_ok(actr_file_receive(ctx, "files", s->folder, &options, &s->receiver, &error), &error);
}

static void close_scene(scene_t *s)
{
    char command[100];
    actr_file_receiver_free(actr_ref_ctx(s->n.ref), s->receiver);
    fixture_stop(&s->n);
    fixture_close(&s->f);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    assert_int_equal(system(command), 0);
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
}

static const char *in_folder(const scene_t *s, const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return path;
}

/* A checksum of one's own choice. */
static const char *sha_of(char digit)
{
    static char sha[65];
    memset(sha, digit, 64);
    return sha;
}

static const char *part_of(char digit)
{
    static char part[80];
    (void)snprintf(part, sizeof part, ".%s.part", sha_of(digit));
    return part;
}

static bool is_there(const scene_t *s, char digit)
{
    return access(in_folder(s, part_of(digit)), F_OK) == 0;
}

/* A file of that many zeros, of which none is on the disk, and so old. */
static void put_file(const scene_t *s, const char *name, off_t size, time_t age_s)
{
    struct timespec now;
    int fd = open(in_folder(s, name), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && ftruncate(fd, size) == 0);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    const struct timespec times[] = {{now.tv_sec - age_s, 0}, {now.tv_sec - age_s, 0}};
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static void send_chunk(scene_t *s, const char *stream, const actr_metadata_t *metadata, size_t count,
                       const char *payload)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    chunk.stream_id = stream;
    chunk.metadata = metadata;
    chunk.metadata_count = count;
    chunk.payload = (actr_bytes_t){payload, strlen(payload)};
    assert_ok(actr_ctx_send_chunk(actr_ref_ctx(s->n.ref), &local, &chunk, NULL, &error), &error);
}

static void offer(scene_t *s, const char *sha, const char *name, const char *size)
{
    const actr_metadata_t metadata[] = {{"file-op", "offer"},
                                        {"file-sha256", sha},
                                        {"file-name", name},
                                        {"file-size", size},
                                        {"file-reply", "answers"}};
    send_chunk(s, "files", metadata, 5, "");
}

static void say(scene_t *s, const char *op, const char *sha, const char *payload)
{
    const actr_metadata_t metadata[] = {{"file-op", op}, {"file-sha256", sha}};
    send_chunk(s, "files", metadata, 2, payload);
}

static actr_file_stats_t stats_of(const scene_t *s)
{
    actr_file_stats_t stats = ACTR_FILE_STATS_INIT;
    actr_file_receiver_stats(s->receiver, &stats);
    return stats;
}

/* The oldest that nobody writes go first; nothing else that is in the folder. */
static void test_parts_are_bounded_in_number(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.max_parts = 3;
    open_scene(&s, options);
    for (char digit = '1'; digit <= '5'; digit++) put_file(&s, part_of(digit), 10, 100 * (digit - '0'));
    put_file(&s, ".other.part", 10, 10000);
    put_file(&s, "file", 10, 10000);
    offer(&s, sha_of('a'), "new", "10");
    wait_for(&s, 1);
    assert_string_equal(s.seen, "f");
    assert_true(is_there(&s, '1') && is_there(&s, '2') && is_there(&s, 'a'));
    assert_true(!is_there(&s, '3') && !is_there(&s, '4') && !is_there(&s, '5'));
    assert_int_equal(access(in_folder(&s, ".other.part"), F_OK), 0);
    assert_int_equal(access(in_folder(&s, "file"), F_OK), 0);
    offer(&s, sha_of('2'), "goes on", "20"); /* the part that it has counts once */
    wait_for(&s, 2);
    assert_true(is_there(&s, '1') && is_there(&s, '2') && is_there(&s, 'a'));
    offer(&s, sha_of('b'), "third", "10");
    wait_for(&s, 3);
    assert_true(!is_there(&s, '1') && is_there(&s, 'b'));
    offer(&s, sha_of('c'), "fourth", "10"); /* all are being written */
    wait_for(&s, 5);
    assert_true(strcmp(s.seen, "fffle") == 0 || strcmp(s.seen, "fffel") == 0);
    assert_int_equal(s.status, ACTR_STATUS_LIMIT_REACHED);
    assert_true(is_there(&s, '2') && is_there(&s, 'a') && is_there(&s, 'b') && !is_there(&s, 'c'));
    actr_file_stats_t stats = stats_of(&s);
    assert_int_equal(stats.parts_removed, 4);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.receiving, 3);
    close_scene(&s);
}

/* What was offered counts, not what has come of it. */
static void test_parts_are_bounded_in_bytes(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.max_part_bytes = 1000;
    open_scene(&s, options);
    put_file(&s, part_of('1'), 300, 100);
    put_file(&s, part_of('2'), 300, 200);
    offer(&s, sha_of('a'), "much", "1001"); /* nothing goes for what does not fit anyway */
    wait_for(&s, 2);
    assert_int_equal(s.status, ACTR_STATUS_LIMIT_REACHED);
    assert_non_null(strstr(s.why, "take the room"));
    assert_true(is_there(&s, '1') && is_there(&s, '2') && !is_there(&s, 'a'));
    offer(&s, sha_of('b'), "some", "600");
    wait_for(&s, 3);
    assert_true(is_there(&s, '1') && !is_there(&s, '2') && is_there(&s, 'b'));
    offer(&s, sha_of('c'), "more", "401"); /* 600 are promised */
    wait_for(&s, 5);
    assert_int_equal(s.status, ACTR_STATUS_LIMIT_REACHED);
    assert_true(is_there(&s, '1') && is_there(&s, 'b') && !is_there(&s, 'c'));
    offer(&s, sha_of('d'), "fits", "400");
    wait_for(&s, 6);
    assert_true(!is_there(&s, '1') && is_there(&s, 'b') && is_there(&s, 'd'));
    close_scene(&s);
}

/* A file that has the name and the size has to be hashed: the one thread of the streams goes on with others. */
static void test_hashing_holds_up_no_other_stream(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    open_scene(&s, options);
    put_file(&s, "big", 64 << 20, 0);
    send_chunk(&s, "gate", NULL, 0, "x"); /* until all has been queued, in this order */
    fixture_wait(&s.n, &s.n.slow_begun, 1);
    offer(&s, sha_of('a'), "big", "67108864");
    send_chunk(&s, "other", NULL, 0, "x");
    fixture_open_gate(&s.n);
    wait_for(&s, 3);
    assert_int_equal(s.seen[0], 'o');
    assert_int_equal(s.status, ACTR_STATUS_PERMISSION_DENIED); /* after all of it was read */
    assert_int_equal(stats_of(&s).refused, 1);
    close_scene(&s);
}

/* So has a whole that came: meanwhile it may be offered again, and is finished once. */
static void test_whole_is_checked_in_slices(void **state)
{
    (void)state;
    static const char sha[] =
        "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351"; /* of 64 MiB of zeros */
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    char part[80];
    open_scene(&s, options);
    (void)snprintf(part, sizeof part, ".%s.part", sha);
    put_file(&s, part, 64 << 20, 0); /* all but its end has come */
    offer(&s, sha, "zeros", "67108864");
    wait_for(&s, 1);
    send_chunk(&s, "gate", NULL, 0, "x");
    fixture_wait(&s.n, &s.n.slow_begun, 1);
    say(&s, "end", sha, "");
    say(&s, "data", sha, "too late");
    say(&s, "end", sha, "");
    offer(&s, sha, "zeros", "67108864");
    send_chunk(&s, "other", NULL, 0, "x");
    fixture_open_gate(&s.n);
    wait_for(&s, 4);
    assert_int_equal(s.seen[0], 'f');
    assert_int_equal(s.seen[1], 'o');
    assert_int_equal(s.status, ACTR_OK);
    assert_int_equal(access(in_folder(&s, "zeros"), F_OK), 0);
    assert_int_not_equal(access(in_folder(&s, part), F_OK), 0);
    assert_int_equal(stats_of(&s).received, 1);
    assert_int_equal(stats_of(&s).receiving, 0);
    offer(&s, sha, "zeros", "67108864"); /* it is there */
    wait_for(&s, 6);
    assert_int_equal(stats_of(&s).received, 2);
    close_scene(&s);
}

/* Neither the end of a receiver nor that of a node waits for a file that takes minutes to hash. */
static void test_nobody_waits_for_a_hash(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.max_size = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        open_scene(&s, options);
        put_file(&s, "huge", (off_t)1 << 40, 0);
        offer(&s, sha_of('a'), "huge", "1099511627776");
        int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
        while (stats_of(&s).receiving == 0 && actri_now_ns() < deadline) (void)sched_yield();
        assert_int_equal(stats_of(&s).receiving, 1);
        if (i == 1) {
            actr_ref_shutdown(s.n.ref);
            assert_int_equal(actr_ref_wait_for_shutdown(s.n.ref, -1, NULL), ACTR_OK);
            assert_int_equal(s.status, ACTR_STATUS_SHUTTING_DOWN);
        }
        close_scene(&s);
    }
}

/* What a program prints of a name that was refused does nothing to its terminal. */
static void test_refused_names_are_shown_as_one_line(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    open_scene(&s, options);
    offer(&s, sha_of('a'),
          "a\x1b[2J\nb\xc2\x9b"
          "c",
          "5");
    wait_for(&s, 2);
    assert_int_equal(s.status, ACTR_STATUS_INVALID_NAME);
    assert_string_equal(s.name, "a [2J b  c");
    offer(&s, sha_of('a'),
          "a\xc2\x9b"
          "c",
          "5");
    wait_for(&s, 4);
    assert_int_equal(s.status, ACTR_STATUS_INVALID_NAME);
    assert_int_equal(stats_of(&s).refused, 2);
    close_scene(&s);
}

/* Who says nothing has its place, in number and in bytes, until somebody else wants it. */
static void test_the_silent_lose_their_places(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.timeout_ms = 50;
    for (int i = 0; i < 2; i++) {
        options.max_files = i == 0 ? 1 : 0;
        options.max_part_bytes = i == 0 ? 0 : 15;
        open_scene(&s, options);
        offer(&s, sha_of('a'), "first", "10");
        wait_for(&s, 1);
        assert_string_equal(s.seen, "f");
        int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
        for (unsigned n = 1; stats_of(&s).broken == 0 && actri_now_ns() < deadline; n++) {
            offer(&s, sha_of('b'), "second", "10"); /* refused for now, or taken */
            while (stats_of(&s).refused < n && stats_of(&s).broken == 0 && actri_now_ns() < deadline) {
                (void)sched_yield();
            }
        }
        assert_int_equal(stats_of(&s).broken, 1);
        while (!is_there(&s, 'b') && actri_now_ns() < deadline) (void)sched_yield();
        assert_int_equal(stats_of(&s).receiving, 1);
        assert_true(is_there(&s, 'a')); /* it may go on */
        close_scene(&s);
    }
}

/* The name was free when the file was offered. */
static void test_a_name_that_was_given_away_meanwhile(void **state)
{
    (void)state;
    static const char sha[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* of "hello" */
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    open_scene(&s, options);
    offer(&s, sha, "name", "5");
    wait_for(&s, 1);
    put_file(&s, "name", 7, 0);
    say(&s, "data", sha, "hello");
    say(&s, "end", sha, "");
    wait_for(&s, 3);
    assert_true(strcmp(s.seen, "fre") == 0 || strcmp(s.seen, "fer") == 0);
    assert_int_equal(s.status, ACTR_STATUS_PERMISSION_DENIED);
    assert_string_equal(s.why, "there is a file of that name");
    close_scene(&s);
}

/* Nor does what is logged of it, here where its sender can not be told. */
static void test_refused_names_are_logged_as_one_line(void **state)
{
    (void)state;
    scene_t s;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    open_scene(&s, options);
    const actr_metadata_t metadata[] = {{"file-op", "offer"},
                                        {"file-sha256", sha_of('a')},
                                        {"file-name", "a\x1b[2J\nb\xc2\x9b"},
                                        {"file-size", "5"},
                                        {"file-reply", "nobody\x1b[2J"}};
    send_chunk(&s, "files", metadata, 5, "");
    wait_for(&s, 1);
    assert_status(ACTR_STATUS_INVALID_NAME, s.status);
    assert_int_equal(__atomic_load_n(&s.untold, __ATOMIC_RELAXED), 1);
    assert_int_equal(__atomic_load_n(&s.dirty, __ATOMIC_RELAXED), 0);
    close_scene(&s);
}

static void refuse_rudely(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    actr_dest_t sender = actr_dest_shell();
    actr_error_t error = ACTR_ERROR_INIT;
    actr_metadata_t metadata[] = {
        {"file-op", "refused"}, {"file-sha256", ""}, {"file-why", "\x1b]0;gone\x07\r\nno\xc2\x9b"}};
    actr_chunk_t answer = ACTR_CHUNK_INIT;
    (void)user;
    for (size_t i = 0; i < chunk->metadata_count; i++) {
        if (strcmp(chunk->metadata[i].key, "file-sha256") == 0) metadata[1].value = chunk->metadata[i].value;
        if (strcmp(chunk->metadata[i].key, "file-reply") == 0) answer.stream_id = chunk->metadata[i].value;
    }
    answer.metadata = metadata;
    answer.metadata_count = 3;
    if (answer.stream_id != NULL) assert_ok(actr_ctx_send_chunk(ctx, &sender, &answer, NULL, &error), &error);
}

/* The sender is shown the receiver's reason in the same way, in its error and in on_progress. */
static void test_reasons_are_shown_as_one_line(void **state)
{
    (void)state;
    scene_t s;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    open_scene(&s, options);
    actr_ctx_t *ctx = actr_ref_ctx(s.n.ref);
    actr_dest_t local = actr_dest_local();
    assert_ok(actr_ctx_register_stream(ctx, "rude", refuse_rudely, NULL, NULL, &error), &error);
    put_file(&s, "mine", 5, 0);
    options.on_progress = on_progress;
    options.user = &s;
    actr_status_t status = actr_file_send(ctx, &local, "rude", in_folder(&s, "mine"), &options, &error);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, status);
    assert_string_equal(error.message, "the receiver refused mine:  ]0;gone   no  ");
    assert_string_equal(s.why, error.message);
    options.name = "x\x1b[2J";
    status = actr_file_send(ctx, &local, "rude", in_folder(&s, "mine"), &options, &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, status);
    assert_string_equal(error.message, "\"x [2J\" is no name for a file to be sent");
    assert_int_equal(__atomic_load_n(&s.dirty, __ATOMIC_RELAXED), 0);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_bounded_in_number),
        cmocka_unit_test(test_parts_are_bounded_in_bytes),
        cmocka_unit_test(test_hashing_holds_up_no_other_stream),
        cmocka_unit_test(test_whole_is_checked_in_slices),
        cmocka_unit_test(test_nobody_waits_for_a_hash),
        cmocka_unit_test(test_refused_names_are_shown_as_one_line),
        cmocka_unit_test(test_refused_names_are_logged_as_one_line),
        cmocka_unit_test(test_reasons_are_shown_as_one_line),
        cmocka_unit_test(test_the_silent_lose_their_places),
        cmocka_unit_test(test_a_name_that_was_given_away_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
