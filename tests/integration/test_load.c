/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says of itself in its heartbeats, as the server's answers to a discovery show it. */
#include "machine.h"
#include "scene.h"

#include <dirent.h>

#define BACKLOG 600 /* of 1,000: degraded (lifecycle-and-rpc 16) */

static actr_status_t serve_slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    return fixture_slow(&s->n);
}

static actr_status_t serve_note(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    scene_note(s, 'n');
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"w.Slow", serve_slow}, {"w.Note", serve_note}, {0}};

static void heart_beats_each_second(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->interval_secs = 1;
}

/* Asks until the server has heard enough heartbeats to say so. */
static void expect_found(scene_t *a, actr_availability_t worst, actr_status_t expected)
{
    actr_type_t type = {"acme", "b"};
    actr_criteria_t criteria = ACTR_CRITERIA_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actr_status_t status;
    criteria.worst_availability = worst;
    do {
        actr_id_t id;
        size_t count = 1;
        status = actr_ctx_discover_with(actr_ref_ctx(a->n.ref), &type, &criteria, 0, &id, &count, &error);
    } while (status != expected && actri_now_ns() < deadline);
    assert_status(expected, status);
}

/* On a machine that has nothing to do, heartbeats each second. */
static void open_idle(fixture_t *f, scene_t *a)
{
    machine_open();
    machine_idle();
    fixture_open(f);
    actri_server_switch(f->server, heart_beats_each_second, NULL);
    scene_open(a, f, "a", routes, NULL);
}

static void what_waits_and_a_busy_machine_lower_the_availability(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_idle(&f, &a);
    scene_open(&b, &f, "b", routes, NULL);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_OK);
    assert_ok(actr_ctx_tell(ctx, &to_b, "w.Slow", (actr_bytes_t){"", 0}, NULL, &error), &error);
    for (int i = 0; i < BACKLOG; i++) {
        assert_ok(actr_ctx_tell(ctx, &to_b, "w.Note", (actr_bytes_t){"", 0}, NULL, &error), &error);
    }
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_STATUS_TARGET_NOT_FOUND);
    expect_found(&a, ACTR_AVAILABILITY_DEGRADED, ACTR_OK);
    fixture_open_gate(&b.n);
    fixture_wait(&b.n, &b.count, BACKLOG);
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_OK); /* nothing stays behind as backlog */
    machine_says("proc/loadavg", "2.40 0 0 1/1 1\n");  /* the machine is busy with other things: 2.5 is left */
    expect_found(&a, ACTR_AVAILABILITY_DEGRADED, ACTR_STATUS_TARGET_NOT_FOUND);
    expect_found(&a, ACTR_AVAILABILITY_OVERLOADED, ACTR_OK);
    machine_supply("BAT0", "type", "Battery\n"); /* and its battery will not last */
    machine_supply("BAT0", "capacity", "5\n");
    expect_found(&a, ACTR_AVAILABILITY_OVERLOADED, ACTR_STATUS_TARGET_NOT_FOUND);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
    machine_close();
}

/* How often the threads that handle and store have gone to sleep so far. */
static unsigned long sleeps(void)
{
    unsigned long sum = 0, one;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[100], name[32] = "";
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        while (fgets(line, sizeof line, file) != NULL) {
            (void)sscanf(line, "Name: %31s", name);
            bool ours = strncmp(name, "actr-exec", 9) == 0 || strncmp(name, "actr-storage", 12) == 0;
            if (ours && sscanf(line, "voluntary_ctxt_switches: %lu", &one) == 1) sum += one;
        }
        (void)fclose(file);
    }
    (void)closedir(tasks);
    return sum;
}

/* The reference looks into its mailbox every 10 ms, whether anything came or not. */
static void an_empty_mailbox_wakes_nobody(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    char path[128];
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    open_idle(&f, &a);
    actr_config_t config = fixture_config(&f, "b");
    (void)snprintf(path, sizeof path, "%s/mailbox.db", machine_folder);
    config.mailbox_path = path;
    scene_init(&b, routes, NULL, &workload);
    scene_attach(&b, &config, &workload);
    assert_ok(actr_node_start(b.n.node, &b.n.ref, &error), &error);
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_OK);
    machine_says("proc/loadavg", "2.40 0 0 1/1 1\n");
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_STATUS_TARGET_NOT_FOUND); /* a heartbeat has come: all is quiet */
    unsigned long before = sleeps();
    assert_true(before > 0);
    machine_idle();
    expect_found(&a, ACTR_AVAILABILITY_FULL, ACTR_OK); /* and another, a second later */
    assert_int_equal(before, sleeps());
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
    machine_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_mailbox_wakes_nobody),
        cmocka_unit_test(what_waits_and_a_busy_machine_lower_the_availability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
