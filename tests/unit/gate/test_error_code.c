/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "gate/error_code.h"

#include <stdio.h>
#include <string.h>

#define EACH_ERROR(status)                                                                                             \
    for (int status = -1; status > -100; status--)                                                                     \
        if (strcmp(actr_status_name((actr_status_t)status), "ACTR_STATUS_UNKNOWN") != 0)

/* Statuses that say something about the own node only: a peer that names one of them is not believed. */
static bool stays_at_home(actr_status_t status)
{
    return actri_error_code(status) == 500 &&
           (status == ACTR_STATUS_IO || status == ACTR_STATUS_WOULD_BLOCK || status == ACTR_STATUS_WIRE_PROTOCOL ||
            (status <= ACTR_STATUS_CONFIG_SYNTAX && status >= ACTR_STATUS_CONFIG_INVALID) ||
            status == ACTR_STATUS_SIGNALING_REJECTED || status == ACTR_STATUS_SIGNALING_PROTOCOL ||
            status == ACTR_STATUS_MAILBOX_BUSY || status == ACTR_STATUS_MAILBOX_CORRUPT ||
            status == ACTR_STATUS_MAILBOX_VERSION || status <= ACTR_STATUS_PROTO_SYNTAX);
}

/* Encodes, decodes, and reads the error as a caller would. */
static actr_status_t travel(actr_status_t status, bool keep_metadata, actr_error_t *error)
{
    static actri_envelope_t sent, received;
    memset(&sent, 0, sizeof sent);
    sent.route_key = actri_span_text("a.B.C");
    sent.request_id = actri_span_text("id");
    sent.has_payload = true;
    actri_envelope_set_error(&sent, status, "the reason");
    assert_false(sent.has_payload);
    if (!keep_metadata) sent.metadata_count = 0;
    static uint8_t bytes[1000];
    size_t size = actri_envelope_size(&sent);
    assert_true(size <= sizeof bytes);
    actri_envelope_encode(&sent, bytes);
    assert_int_equal(actri_envelope_decode(bytes, size, &received, NULL), ACTR_OK);
    assert_true(received.has_error && !received.has_payload);
    return actri_envelope_get_error(&received, error);
}

static void between_our_nodes_the_kind_survives(void **state)
{
    (void)state;
    int kept = 0;
    EACH_ERROR(status)
    {
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t got = travel((actr_status_t)status, true, &error);
        assert_status(stays_at_home((actr_status_t)status) ? ACTR_STATUS_REMOTE : (actr_status_t)status, got);
        assert_status(got, error.status);
        assert_int_equal(error.remote_code, actri_error_code((actr_status_t)status));
        assert_non_null(strstr(error.message, "the reason"));
        kept += got == (actr_status_t)status;
    }
    assert_true(kept >= 25);
}

static void from_other_peers_only_the_certain_codes_have_a_kind(void **state)
{
    (void)state;
    EACH_ERROR(status)
    {
        uint32_t code = actri_error_code((actr_status_t)status);
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t expected = code == 404   ? ACTR_STATUS_UNKNOWN_ROUTE
                                 : code == 503 ? ACTR_STATUS_UNAVAILABLE
                                               : ACTR_STATUS_REMOTE;
        assert_status(expected, travel((actr_status_t)status, false, &error));
        assert_int_equal(error.remote_code, code);
    }
}

/* lifecycle-and-rpc 8.1 */
static void codes_are_the_references(void **state)
{
    (void)state;
    assert_int_equal(actri_error_code(ACTR_STATUS_UNKNOWN_ROUTE), 404);
    assert_int_equal(actri_error_code(ACTR_STATUS_TARGET_NOT_FOUND), 404);
    assert_int_equal(actri_error_code(ACTR_STATUS_PERMISSION_DENIED), 400);
    assert_int_equal(actri_error_code(ACTR_STATUS_DECODE), 400);
    assert_int_equal(actri_error_code(ACTR_STATUS_HANDLER_PANIC), 400);
    assert_int_equal(actri_error_code(ACTR_STATUS_TIMEOUT), 504);
    assert_int_equal(actri_error_code(ACTR_STATUS_UNAVAILABLE), 503);
    assert_int_equal(actri_error_code(ACTR_STATUS_INVALID_STATE), 500);
    assert_int_equal(actri_error_code((actr_status_t)-77), 500);
}

static actr_status_t named(const char *name, uint32_t code, actr_error_t *error)
{
    static actri_envelope_t e;
    memset(&e, 0, sizeof e);
    e.has_error = true;
    e.error_code = code;
    e.metadata_count = 1;
    e.metadata[0].key = actri_span_text(ACTRI_STATUS_KEY);
    e.metadata[0].value = actri_span_text(name);
    return actri_envelope_get_error(&e, error);
}

static void a_peer_can_not_name_success_or_nonsense(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_REMOTE, named("ACTR_OK", 500, &error));
    assert_status(ACTR_STATUS_REMOTE, named("ACTR_DEFERRED", 500, &error));
    assert_status(ACTR_STATUS_REMOTE, named("ACTR_STATUS_UNKNOWN", 500, &error));
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, named("", 404, &error));
    assert_status(ACTR_STATUS_PERMISSION_DENIED, named("nonsense", 403, &error));
    assert_status(ACTR_STATUS_TIMEOUT, named("ACTR_STATUS_TIMEOUT", 500, &error));
    assert_int_equal(error.remote_code, 500);
    assert_status(ACTR_STATUS_TIMEOUT, named("ACTR_STATUS_TIMEOUT", 500, NULL));
}

static void a_long_reason_is_cut(void **state)
{
    (void)state;
    static actri_envelope_t e;
    static char text[5000];
    memset(text, 'x', sizeof text);
    memset(&e, 0, sizeof e);
    e.has_error = true;
    e.error_message = actri_span(text, sizeof text);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_REMOTE, actri_envelope_get_error(&e, &error));
    assert_true(strlen(error.message) > 300 && strlen(error.message) < sizeof error.message);
}

static void a_full_envelope_takes_the_error_without_its_entry(void **state)
{
    (void)state;
    static struct {
        actri_envelope_t envelope;
        char guard[64];
    } room;
    memset(&room, 0, sizeof room);
    room.envelope.metadata_count = ACTRI_METADATA_MAX;
    actri_envelope_set_error(&room.envelope, ACTR_STATUS_TIMEOUT, "late");
    assert_int_equal(room.envelope.metadata_count, ACTRI_METADATA_MAX);
    assert_true(room.envelope.has_error);
    for (size_t i = 0; i < sizeof room.guard; i++) assert_int_equal(room.guard[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_our_nodes_the_kind_survives),
        cmocka_unit_test(from_other_peers_only_the_certain_codes_have_a_kind),
        cmocka_unit_test(codes_are_the_references),
        cmocka_unit_test(a_peer_can_not_name_success_or_nonsense),
        cmocka_unit_test(a_long_reason_is_cut),
        cmocka_unit_test(a_full_envelope_takes_the_error_without_its_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
