/* SPDX-License-Identifier: Apache-2.0 */
/* Each limit of the configuration has its effect in a node (lifecycle-and-rpc 20: none of the reference's can be set).
 */
#include "fixture.h"

#include "lifecycle/node.h"

#define SHORT_MS 50
#define LARGE 600

typedef struct outcome {
    fixture_node_t *from;
    unsigned ended;
    actr_status_t status;
} outcome_t;

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    outcome_t *outcome = user;
    (void)error;
    actr_buf_release(reply);
    actri_lock(&outcome->from->mutex);
    outcome->status = status;
    outcome->ended++;
    actri_cond_broadcast(&outcome->from->changed);
    actri_unlock(&outcome->from->mutex);
}

static void begin(outcome_t *outcome, fixture_node_t *from, const actr_dest_t *dest, const char *route,
                  actr_bytes_t payload)
{
    actr_error_t error = ACTR_ERROR_INIT;
    *outcome = (outcome_t){.from = from};
    assert_ok(actr_ctx_call_async(actr_ref_ctx(from->ref), dest, route, payload, NULL, on_reply, outcome, &error),
              &error);
}

/* A call that names no limit has the configured one, to a peer and to the own workload. */
static void default_timeout_ms(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.default_timeout_ms = SHORT_MS;
    fixture_start(&a, &config);
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b"), to_a = fixture_find(&b, "a");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "connects", 20000, &error), &error); /* another may be named */
    assert_status(ACTR_STATUS_TIMEOUT, fixture_call(&a, &to_b, "x.Slow", "", 0, &error));
    fixture_open_gate(&b);
    outcome_t holds;
    begin(&holds, &b, &to_a, "x.Slow", (actr_bytes_t){"", 0});
    fixture_wait(&a, &a.slow_begun, 1);
    assert_status(ACTR_STATUS_TIMEOUT, fixture_call(&a, &local, "x.Echo", "", 0, &error));
    actr_call_options_t none = ACTR_CALL_OPTIONS_INIT;
    assert_int_equal(actri_call_limit_ms(actr_ref_ctx(b.ref), &none), 30000); /* without a configured one */
    fixture_open_gate(&a);
    fixture_wait(&b, &holds.ended, 1);
    assert_status(ACTR_OK, holds.status); /* its caller's limit counts */
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void max_pending_calls(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    outcome_t one;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.max_pending_calls = 1;
    fixture_start(&a, &config);
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    begin(&one, &a, &to_b, "x.Slow", (actr_bytes_t){"", 0});
    fixture_wait(&b, &b.slow_begun, 1);
    assert_status(ACTR_STATUS_LIMIT_REACHED, fixture_call(&a, &to_b, "x.Echo", "too many", 0, &error));
    fixture_open_gate(&b);
    fixture_wait(&a, &one.ended, 1);
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "room again", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void max_peers(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b, c;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.max_peers = 1;
    fixture_start(&a, &config);
    fixture_node(&b, &f, "b");
    fixture_node(&c, &f, "c");
    actr_dest_t to_b = fixture_find(&a, "b"), to_c = fixture_find(&a, "c");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "the one", 0, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED, fixture_call(&a, &to_c, "x.Echo", "too many", 0, &error));
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "has not suffered", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_stop(&c);
    fixture_close(&f);
}

static void mailbox_max_bytes(void **state)
{
    (void)state;
    static const char large[LARGE];
    fixture_t f;
    fixture_node_t a, b;
    outcome_t slow, first, second;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    actr_config_t config = fixture_config(&f, "b");
    config.mailbox_max_bytes = 2 * LARGE;
    fixture_start(&b, &config);
    actr_dest_t to_b = fixture_find(&a, "b");
    begin(&slow, &a, &to_b, "x.Slow", (actr_bytes_t){"", 0});
    fixture_wait(&b, &b.slow_begun, 1); /* from here on nothing is handled */
    begin(&first, &a, &to_b, "x.Echo", (actr_bytes_t){large, LARGE});
    begin(&second, &a, &to_b, "x.Echo", (actr_bytes_t){large, LARGE});
    fixture_wait(&a, &second.ended, 1);
    assert_status(ACTR_STATUS_MAILBOX_FULL, second.status);
    fixture_open_gate(&b);
    fixture_wait(&a, &first.ended, 1);
    assert_status(ACTR_OK, first.status);
    fixture_wait(&a, &slow.ended, 1);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* ---- duplicates: nobody asks twice by itself, so the store of the node is asked ---- */

static actr_enqueue_outcome_t put(actr_mailbox_t *store, uint8_t key)
{
    actr_message_t message = {.payload = {"x", 1}};
    memset(message.key, key, sizeof message.key);
    assert_ok(actr_mailbox_enqueue(store, &message, 1, NULL), NULL);
    actr_buf_release(message.reply);
    if (message.outcome != ACTR_ENQUEUE_STORED) return message.outcome;
    actr_ack_t ack = {.id = message.id, .reply = {"r", 1}};
    memcpy(ack.key, message.key, sizeof ack.key);
    assert_ok(actr_mailbox_ack(store, &ack, 1, NULL), NULL);
    return ACTR_ENQUEUE_STORED;
}

static actr_mailbox_t *open_store(actr_system_t **system, uint32_t window_ms, uint32_t entries)
{
    fixture_t f = {.url = "ws://127.0.0.1:1/signaling/ws"};
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(&f, "a");
    config.mailbox_duplicate_window_ms = window_ms;
    config.mailbox_duplicate_entries = entries;
    assert_ok(actr_system_new(&config, system, &error), &error);
    return actri_mailbox_store((*system)->mailbox);
}

static void mailbox_duplicate_entries(void **state)
{
    (void)state;
    actr_system_t *system = NULL;
    actr_mailbox_t *store = open_store(&system, 0, 1);
    assert_int_equal(put(store, 1), ACTR_ENQUEUE_STORED);
    assert_int_equal(put(store, 1), ACTR_ENQUEUE_ANSWERED);
    assert_int_equal(put(store, 2), ACTR_ENQUEUE_STORED);
    assert_int_equal(put(store, 2), ACTR_ENQUEUE_ANSWERED);
    assert_int_equal(put(store, 1), ACTR_ENQUEUE_STORED); /* forgotten for the other */
    actr_system_release(system);
}

static void mailbox_duplicate_window_ms(void **state)
{
    (void)state;
    actr_system_t *system = NULL;
    actr_mailbox_t *store = open_store(&system, 1, 0);
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    assert_int_equal(put(store, 1), ACTR_ENQUEUE_STORED);
    while (put(store, 1) == ACTR_ENQUEUE_ANSWERED) assert_true(actri_now_ns() < deadline); /* a millisecond */
    actr_system_release(system);
}

/* ---- High before Normal ---- */

static void tell(fixture_node_t *from, const actr_dest_t *dest, const char *words, actr_payload_type_t type)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.payload_type = type;
    assert_ok(
        actr_ctx_tell(actr_ref_ctx(from->ref), dest, "x.Note", (actr_bytes_t){words, strlen(words)}, &options, &error),
        &error);
}

static void mailbox_high_per_normal(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    outcome_t slow;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    actr_config_t config = fixture_config(&f, "b");
    config.mailbox_high_per_normal = 1;
    fixture_start(&b, &config);
    actr_dest_t to_b = fixture_find(&a, "b");
    begin(&slow, &a, &to_b, "x.Slow", (actr_bytes_t){"", 0});
    fixture_wait(&b, &b.slow_begun, 1);
    for (int i = 0; i < 3; i++) tell(&a, &to_b, "high", ACTR_RPC_SIGNAL);
    for (int i = 0; i < 3; i++) tell(&a, &to_b, "normal", ACTR_RPC_RELIABLE);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    for (int64_t limit = actri_now_ns() + FIXTURE_LIMIT_NS; stats.tells_received < 6 && actri_now_ns() < limit;) {
        actr_ref_stats(b.ref, &stats);
    }
    for (int i = 0; i < 2; i++) (void)actr_outproc_dest_count(actr_ref_outproc(b.ref)); /* they are queued by then */
    fixture_open_gate(&b);
    fixture_wait(&b, &b.notes, 6);
    unsigned early = 0; /* which of the two is first depends on what the turn before was */
    for (unsigned i = 0; i < 4; i++) early += strcmp(b.notes_seen[i], "normal") == 0;
    assert_int_equal(early, 2);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_timeout_ms),
        cmocka_unit_test(max_pending_calls),
        cmocka_unit_test(max_peers),
        cmocka_unit_test(mailbox_max_bytes),
        cmocka_unit_test(mailbox_duplicate_entries),
        cmocka_unit_test(mailbox_duplicate_window_ms),
        cmocka_unit_test(mailbox_high_per_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
