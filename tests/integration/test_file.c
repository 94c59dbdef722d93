/* SPDX-License-Identifier: Apache-2.0 */
/* Files over data streams: whole, refused, broken and gone on with. */
#include "fixture.h"

#include <actr/transport.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct watch {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned ended;
    uint64_t done, first_done; /* the first that was told: where a transfer began */
    bool began, stop;
    actr_status_t status;
    uint64_t cut_at; /* then `cut` is set and it waits for `go` */
    bool cut, go;
} watch_t;

static void watch_init(watch_t *w)
{
    memset(w, 0, sizeof *w);
    actri_mutex_init(&w->mutex);
    actri_cond_init(&w->changed);
}

static bool on_progress(const actr_file_progress_t *progress, void *user)
{
    watch_t *w = user;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&w->mutex);
    if (!w->began && progress->done > 0) w->first_done = progress->done;
    w->began = w->began || progress->done > 0;
    w->done = progress->done;
    if (progress->ended) {
        w->ended++;
        w->status = progress->status;
    }
    if (w->cut_at != 0 && progress->done >= w->cut_at) w->cut = true;
    actri_cond_broadcast(&w->changed);
    bool in_time = true;
    while (w->cut && !w->go && in_time) in_time = actri_cond_wait(&w->changed, &w->mutex, deadline);
    bool goes_on = !w->stop;
    actri_unlock(&w->mutex);
    return goes_on;
}

typedef struct folder {
    char path[64];
} folder_t;

static folder_t make_folder(void)
{
    folder_t folder = {"/tmp/actr-file-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static void in_folder(const folder_t *folder, const char *name, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", folder->path, name);
}

static void write_file(const char *path, size_t size, unsigned seed)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) (void)fputc((int)((i * 31 + seed + i / 251) & 255), file);
    assert_int_equal(fclose(file), 0);
}

static bool same_files(const char *a, const char *b)
{
    char command[500];
    (void)snprintf(command, sizeof command, "cmp -s '%s' '%s'", a, b);
    return system(command) == 0;
}

static unsigned count_files(const folder_t *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder->path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(dir);
    return count;
}

static void remove_folder(const folder_t *folder)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
    assert_int_equal(system(command), 0);
}

static actr_file_receiver_t *receive_in(fixture_node_t *n, const folder_t *folder, const actr_file_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_file_receiver_t *receiver = NULL;
    assert_ok(actr_file_receive(actr_ref_ctx(n->ref), "files", folder->path, options, &receiver, &error), &error);
    return receiver;
}

static void test_whole_file_between_peers(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    watch_t in, out;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char source[200], target[200];
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    watch_init(&in);
    watch_init(&out);
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.on_progress = on_progress;
    options.user = &in;
    actr_file_receiver_t *receiver = receive_in(&b, &to, &options);
    actr_dest_t dest = fixture_find(&a, "Taker");
    options.user = &out;
    const size_t sizes[] = {0, 1, 32768, 3000001};
    for (unsigned i = 0; i < 4; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "file%u", i);
        in_folder(&from, name, source);
        in_folder(&to, name, target);
        write_file(source, sizes[i], i);
        assert_ok(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, &options, &error), &error);
        assert_true(same_files(source, target));
        assert_int_equal(out.ended, i + 1);
        assert_int_equal(out.done, sizes[i]);
    }
    assert_int_equal(count_files(&to), 4); /* and no part of any */
    assert_ok(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, &options, &error), &error); /* it is there */
    write_file(source, 10, 99);
    assert_int_equal(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, &options, &error),
                     ACTR_STATUS_PERMISSION_DENIED); /* another file of that name */
    options.name = "../escape";
    assert_int_equal(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, &options, &error),
                     ACTR_STATUS_INVALID_ARGUMENT);
    options.name = NULL;
    assert_int_equal(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", "/nowhere/at/all", &options, &error),
                     ACTR_STATUS_IO);
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

/* A sender that makes its own rules: names that lead elsewhere are refused by the receiver. */
static void test_hostile_names_are_refused(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    watch_t in;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t to = make_folder();
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    watch_init(&in);
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.on_progress = on_progress;
    options.user = &in;
    options.max_size = 1000;
    actr_file_receiver_t *receiver = receive_in(&a, &to, &options);
    actr_dest_t local = actr_dest_local();
    const char *names[] = {"../x", "/etc/x", "a/b", "..", ".", ".hidden", "", "a\nb", "fine"};
    for (unsigned i = 0; i < 9; i++) {
        const char *size = i == 8 ? "1001" : "5";
        const actr_metadata_t metadata[] = {
            {"file-op", "offer"},
            {"file-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
            {"file-name", names[i]},
            {"file-size", size},
            {"file-reply", "nobody"}};
        actr_chunk_t chunk = ACTR_CHUNK_INIT;
        chunk.stream_id = "files";
        chunk.metadata = metadata;
        chunk.metadata_count = 5;
        assert_ok(actr_ctx_send_chunk(actr_ref_ctx(a.ref), &local, &chunk, NULL, &error), &error);
        int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
        actri_lock(&in.mutex);
        bool in_time = true;
        while (in.ended <= i && in_time) in_time = actri_cond_wait(&in.changed, &in.mutex, deadline);
        actri_unlock(&in.mutex);
        assert_int_equal(in.ended, i + 1);
        assert_int_equal(in.status, i == 8 ? ACTR_STATUS_TOO_LARGE : ACTR_STATUS_INVALID_NAME);
    }
    assert_int_equal(count_files(&to), 0);
    actr_file_receiver_free(actr_ref_ctx(a.ref), receiver);
    fixture_stop(&a);
    fixture_close(&f);
    remove_folder(&to);
}

typedef struct send_job {
    fixture_node_t *node;
    actr_dest_t dest;
    char path[200];
    actr_file_options_t options;
    actr_status_t status;
} send_job_t;

static void run_send(void *argument)
{
    send_job_t *job = argument;
    job->status = actr_file_send(actr_ref_ctx(job->node->ref), &job->dest, "files", job->path, &job->options, NULL);
}

/* The sender goes in the middle and comes again: the second transfer begins where the first was. */
static void test_transfer_goes_on_after_a_break(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    watch_t in, out;
    actri_thread_t thread;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char target[200];
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    watch_init(&in);
    watch_init(&out);
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.on_progress = on_progress;
    options.user = &in;
    actr_file_receiver_t *receiver = receive_in(&b, &to, &options);
    send_job_t job = {.node = &a, .dest = fixture_find(&a, "Taker")};
    in_folder(&from, "big", job.path);
    in_folder(&to, "big", target);
    write_file(job.path, 2000000, 5);
    options.user = &out;
    job.options = options;
    out.cut_at = 1000000;
    assert_ok(actri_thread_start(&thread, "send", run_send, &job, &error), &error);
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&out.mutex);
    bool in_time = true;
    while (!out.cut && in_time) in_time = actri_cond_wait(&out.changed, &out.mutex, deadline);
    actri_unlock(&out.mutex);
    assert_true(in_time);
    actri_lock(&in.mutex); /* something has been written by then */
    while (in.done < 500000 && in_time) in_time = actri_cond_wait(&in.changed, &in.mutex, deadline);
    actri_unlock(&in.mutex);
    assert_true(in_time);
    actri_lock(&out.mutex);
    out.stop = out.go = true; /* the program gives up */
    actri_cond_broadcast(&out.changed);
    actri_unlock(&out.mutex);
    actri_thread_join(&thread);
    assert_int_equal(job.status, ACTR_STATUS_CANCELLED);
    fixture_stop(&a);
    actri_lock(&in.mutex);
    while (in.ended == 0 && in_time) in_time = actri_cond_wait(&in.changed, &in.mutex, deadline);
    actri_unlock(&in.mutex);
    assert_int_equal(in.status, ACTR_STATUS_CANCELLED); /* the sender said so */
    assert_int_equal(count_files(&to), 1);              /* the part */
    assert_int_not_equal(access(target, F_OK), 0);
    fixture_node(&a, &f, "Sender");
    watch_init(&out);
    job.dest = fixture_find(&a, "Taker");
    run_send(&job);
    assert_int_equal(job.status, ACTR_OK);
    assert_true(out.first_done > 500000); /* not from the begin */
    assert_true(same_files(job.path, target));
    assert_int_equal(count_files(&to), 1);
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

/* Both ends in one node, a receiver that takes one file at a time. */
typedef struct alone {
    fixture_t f;
    fixture_node_t n;
    watch_t out;
    folder_t from, to;
    char source[200], target[200];
    actr_file_receiver_t *receiver;
    actr_file_options_t options; /* the sender's */
} alone_t;

static void open_alone(alone_t *a)
{
    memset(a, 0, sizeof *a);
    a->from = make_folder();
    a->to = make_folder();
    fixture_open(&a->f);
    fixture_node(&a->n, &a->f, "Both");
    watch_init(&a->out);
    a->options = (actr_file_options_t)ACTR_FILE_OPTIONS_INIT;
    a->options.max_files = 1;
    a->receiver = receive_in(&a->n, &a->to, &a->options);
    a->options.on_progress = on_progress;
    a->options.user = &a->out;
    in_folder(&a->from, "file", a->source);
    in_folder(&a->to, "file", a->target);
}

static void close_alone(alone_t *a)
{
    actr_file_receiver_free(actr_ref_ctx(a->n.ref), a->receiver);
    fixture_stop(&a->n);
    fixture_close(&a->f);
    remove_folder(&a->from);
    remove_folder(&a->to);
}

static actr_status_t send_alone(alone_t *a, actr_error_t *error)
{
    actr_dest_t local = actr_dest_local();
    return actr_file_send(actr_ref_ctx(a->n.ref), &local, "files", a->source, &a->options, error);
}

/* Waits until the receiver has so many under way. */
static actr_file_stats_t wait_receiving(const actr_file_receiver_t *receiver, unsigned count)
{
    actr_file_stats_t stats = ACTR_FILE_STATS_INIT;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    do {
        actr_file_receiver_stats(receiver, &stats);
    } while (stats.receiving != count && actri_now_ns() < deadline);
    assert_int_equal(stats.receiving, count);
    return stats;
}

/* Whoever gives up leaves its place to others, and its part to itself. */
static void test_a_transfer_that_was_given_up_takes_no_place(void **state)
{
    (void)state;
    alone_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    open_alone(&a);
    for (unsigned i = 0; i < 3; i++) {
        write_file(a.source, 200000, i);
        a.out.stop = true;
        assert_status(ACTR_STATUS_CANCELLED, send_alone(&a, &error));
    }
    a.out.stop = false;
    assert_ok(send_alone(&a, &error), &error);
    assert_true(same_files(a.source, a.target));
    (void)wait_receiving(a.receiver, 0);
    close_alone(&a);
}

/* The Shell's receiver is ended with a context of the workload's side: it is ended all the same. */
static void test_a_receiver_ends_whichever_side_ends_it(void **state)
{
    (void)state;
    alone_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *other = NULL;
    open_alone(&a);
    write_file(a.source, 10, 1);
    assert_ok(actr_ref_make_ctx(a.n.ref, NULL, &other, &error), &error);
    actr_file_receiver_free(other, a.receiver);
    actr_ctx_release(other);
    a.options.attempts = 1;
    assert_status(ACTR_STATUS_NOT_FOUND, send_alone(&a, &error));
    a.receiver = receive_in(&a.n, &a.to, NULL);
    assert_ok(send_alone(&a, &error), &error);
    close_alone(&a);
}

static bool cut_file(const actr_file_progress_t *progress, void *user)
{
    if (!progress->ended) assert_int_equal(truncate(user, 100000), 0);
    return true;
}

/* A file that changes while it is sent: what becomes of it is said. */
static void test_a_file_that_becomes_shorter(void **state)
{
    (void)state;
    alone_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    open_alone(&a);
    write_file(a.source, 200000, 1);
    a.options.on_progress = cut_file;
    a.options.user = a.source;
    assert_status(ACTR_STATUS_IO, send_alone(&a, &error));
    assert_non_null(strstr(error.message, "has become shorter"));
    a.options.on_progress = NULL;
    assert_ok(send_alone(&a, &error), &error);
    assert_true(same_files(a.source, a.target));
    close_alone(&a);
}

/* Nobody writes to the pipe, and nobody will. */
static void test_only_regular_files_are_sent(void **state)
{
    (void)state;
    alone_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    open_alone(&a);
    assert_int_equal(mkfifo(a.source, 0600), 0);
    assert_status(ACTR_STATUS_IO, send_alone(&a, &error));
    assert_non_null(strstr(error.message, "no regular file"));
    assert_int_equal(unlink(a.source), 0);
    assert_int_equal(mkdir(a.source, 0700), 0);
    assert_status(ACTR_STATUS_IO, send_alone(&a, &error));
    close_alone(&a);
}

/* What a power cut has left of a part may be anything. */
static void test_a_part_that_is_no_good_is_sent_anew(void **state)
{
    (void)state;
    alone_t a;
    char command[600];
    actr_error_t error = ACTR_ERROR_INIT;
    open_alone(&a);
    write_file(a.source, 200000, 1);
    (void)snprintf(command, sizeof command, "head -c 100000 /dev/zero >\"%s/.$(sha256sum <\"%s\" | cut -c1-64).part\"",
                   a.to.path, a.source);
    assert_int_equal(system(command), 0);
    assert_ok(send_alone(&a, &error), &error);
    assert_true(same_files(a.source, a.target));
    assert_int_equal(count_files(&a.to), 1);
    close_alone(&a);
}

/* A sender that crashed and is back sooner than anybody has noticed: it is somebody else then. */
static void test_a_silent_sender_loses_its_file_to_another(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, again, b;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char source[200], target[200], sha[65] = "";
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&again, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.timeout_ms = 100;
    actr_file_receiver_t *receiver = receive_in(&b, &to, &options);
    in_folder(&from, "file", source);
    in_folder(&to, "file", target);
    write_file(source, 200000, 1);
    char command[300];
    (void)snprintf(command, sizeof command, "sha256sum <%s", source);
    FILE *sum = popen(command, "r"); /* NOLINT: a name of ours */
    assert_true(sum != NULL && fread(sha, 1, 64, sum) == 64);
    assert_int_equal(pclose(sum), 0);
    const actr_metadata_t offer[] = {{"file-op", "offer"},
                                     {"file-sha256", sha},
                                     {"file-name", "file"},
                                     {"file-size", "200000"},
                                     {"file-reply", "nobody"}};
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    chunk.stream_id = "files";
    chunk.metadata = offer;
    chunk.metadata_count = 5;
    assert_ok(actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, NULL, &error), &error);
    (void)wait_receiving(receiver, 1);
    assert_ok(actr_file_send(actr_ref_ctx(again.ref), &dest, "files", source, NULL, &error), &error);
    assert_true(same_files(source, target));
    assert_int_equal(wait_receiving(receiver, 0).broken, 1);
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&a);
    fixture_stop(&again);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

static void wait_for_cut(watch_t *w)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    bool in_time = true;
    actri_lock(&w->mutex);
    while (!w->cut && in_time) in_time = actri_cond_wait(&w->changed, &w->mutex, deadline);
    actri_unlock(&w->mutex);
    assert_true(in_time);
}

/* The connection breaks in the middle, by whichever side: the same call goes on over a new one, and waits for no answer
   that can not come. */
static void test_a_break_costs_no_time_limit(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    watch_t out;
    actri_thread_t thread;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char target[200];
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_file_receiver_t *receiver = receive_in(&b, &to, &options);
    send_job_t job = {.node = &a, .dest = fixture_find(&a, "Taker")};
    actr_dest_t back = actr_dest_actor(actr_ref_actor_id(a.ref));
    for (unsigned i = 0; i < 2; i++) {
        watch_init(&out);
        in_folder(&from, i == 0 ? "one" : "two", job.path);
        in_folder(&to, i == 0 ? "one" : "two", target);
        write_file(job.path, 2000000, i);
        options.on_progress = on_progress;
        options.user = &out;
        job.options = options; /* a time limit of 15 s for each answer */
        out.cut_at = 1000000;
        assert_ok(actri_thread_start(&thread, "send", run_send, &job, &error), &error);
        wait_for_cut(&out);
        int64_t begin = actri_now_ns();
        actr_status_t status = i == 0 ? actr_outproc_close_dest(actr_ref_outproc(a.ref), &job.dest, &error)
                                      : actr_outproc_close_dest(actr_ref_outproc(b.ref), &back, &error);
        assert_ok(status, &error);
        actri_lock(&out.mutex);
        out.go = true;
        actri_cond_broadcast(&out.changed);
        actri_unlock(&out.mutex);
        actri_thread_join(&thread);
        assert_status(ACTR_OK, job.status);
        assert_true(same_files(job.path, target));
        if (actri_now_ns() - begin > 10 * ACTRI_SECOND) fail_msg("%u: it waited for a time limit", i);
    }
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

/* A peer that offers and takes no answer: its node has rules that refuse what comes, which brings no credit back. */
static void test_a_sender_that_takes_no_answers(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t deaf, a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char source[200], target[200];
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "Deaf");
    config.has_acl = true;
    fixture_start(&deaf, &config);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    actr_file_receiver_t *receiver = receive_in(&b, &to, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    const actr_metadata_t offer[] = {
        {"file-op", "offer"},
        {"file-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
        {"file-name", "../x"},
        {"file-size", "5"},
        {"file-reply", "nobody"}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    chunk.stream_id = "files";
    chunk.metadata = offer;
    chunk.metadata_count = 5;
    for (int i = 0; i < 64; i++) {
        assert_ok(actr_ctx_send_chunk(actr_ref_ctx(deaf.ref), &dest, &chunk, NULL, &error), &error);
    }
    in_folder(&from, "file", source);
    in_folder(&to, "file", target);
    write_file(source, 100000, 1);
    int64_t begun = actri_now_ns();
    assert_ok(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, NULL, &error), &error);
    assert_true(actri_now_ns() - begun < 15 * ACTRI_SECOND);
    assert_true(same_files(source, target));
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&deaf);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

typedef struct breaker {
    actr_outproc_t *taker;
    watch_t in; /* what it has */
    uint64_t next;
    unsigned breaks;
} breaker_t;

static bool break_often(const actr_file_progress_t *progress, void *user)
{
    breaker_t *b = user;
    actri_lock(&b->in.mutex);
    uint64_t there = b->in.done;
    actri_unlock(&b->in.mutex);
    if (progress->ended || there < b->next) return true;
    b->breaks++;
    b->next = there + 200000;
    actr_outproc_close_all(b->taker);
    return true;
}

/* As long as each connection brings some of it over, any number of them may break. */
static void test_a_connection_that_breaks_again_and_again(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    folder_t from = make_folder(), to = make_folder();
    char source[200], target[200];
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    breaker_t breaker = {.taker = actr_ref_outproc(b.ref), .next = 200000};
    watch_init(&breaker.in);
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.on_progress = on_progress;
    options.user = &breaker.in;
    actr_file_receiver_t *receiver = receive_in(&b, &to, &options);
    actr_dest_t dest = fixture_find(&a, "Taker");
    in_folder(&from, "file", source);
    in_folder(&to, "file", target);
    write_file(source, 24000000, 1);
    options.on_progress = break_often;
    options.user = &breaker;
    assert_ok(actr_file_send(actr_ref_ctx(a.ref), &dest, "files", source, &options, &error), &error);
    assert_true(same_files(source, target));
    assert_true(breaker.breaks >= 4);
    assert_int_equal(count_files(&to), 1);
    actr_file_receiver_free(actr_ref_ctx(b.ref), receiver);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    remove_folder(&from);
    remove_folder(&to);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file_between_peers),
        cmocka_unit_test(test_hostile_names_are_refused),
        cmocka_unit_test(test_transfer_goes_on_after_a_break),
        cmocka_unit_test(test_a_break_costs_no_time_limit),
        cmocka_unit_test(test_a_transfer_that_was_given_up_takes_no_place),
        cmocka_unit_test(test_a_receiver_ends_whichever_side_ends_it),
        cmocka_unit_test(test_a_file_that_becomes_shorter),
        cmocka_unit_test(test_only_regular_files_are_sent),
        cmocka_unit_test(test_a_part_that_is_no_good_is_sent_anew),
        cmocka_unit_test(test_a_silent_sender_loses_its_file_to_another),
        cmocka_unit_test(test_a_connection_that_breaks_again_and_again),
        cmocka_unit_test(test_a_sender_that_takes_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
