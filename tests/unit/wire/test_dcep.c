/* SPDX-License-Identifier: Apache-2.0 */
/* DCEP against the bytes of the reference. */
#include "check.h"
#include "vectors.h"

#include "wire/dcep.h"

#include <jansson.h>

static void check_open(const json_t *open)
{
    uint8_t wanted[128], ours[ACTRI_DCEP_OPEN_MAX];
    const char *label = json_string_value(json_object_get(open, "label"));
    size_t size = vector_hex(json_string_value(json_object_get(open, "hex")), wanted, sizeof wanted);
    actri_dcep_open_t decoded;
    actr_payload_type_t lane;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_dcep_decode_open(wanted, size, &decoded, &error), &error);
    assert_int_equal(decoded.label_size, strlen(label));
    assert_memory_equal(decoded.label, label, strlen(label));
    assert_int_equal(decoded.priority, 256);
    assert_true(actri_lane_from_label(decoded.label, decoded.label_size, &lane));
    assert_int_equal(actri_dcep_encode_open(lane, ours), size);
    assert_memory_equal(ours, wanted, size);
}

static void test_the_references_opens(void **state)
{
    (void)state;
    char *text = vector_text("webrtc/datachannels.json");
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    static const char *const paths[][2] = {{"reference_is_offerer", "open"},
                                           {"reference_is_answerer", "open_from_foreign_peer"}};
    size_t count = 0, index;
    json_t *open;
    for (size_t i = 0; i < 2; i++) {
        json_array_foreach(json_object_get(json_object_get(root, paths[i][0]), paths[i][1]), index, open)
        {
            check_open(open);
            count++;
        }
    }
    assert_int_equal(count, 8);
    json_decref(root);
    free(text);
}

static void test_broken_opens_are_refused(void **state)
{
    (void)state;
    uint8_t open[ACTRI_DCEP_OPEN_MAX];
    size_t size = actri_dcep_encode_open(ACTR_RPC_RELIABLE, open);
    actri_dcep_open_t decoded;
    actr_error_t error = ACTR_ERROR_INIT;
    for (size_t cut = 0; cut < size; cut++) {
        assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_dcep_decode_open(open, cut, &decoded, &error));
    }
    open[9] = 200; /* a label beyond the end */
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_dcep_decode_open(open, size, &decoded, &error));
    open[0] = 9;
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, actri_dcep_decode_open(open, size, &decoded, &error));
}

static void test_labels(void **state)
{
    (void)state;
    actr_payload_type_t lane;
    for (unsigned i = 0; i < 4; i++) {
        const char *label = actri_lane_label((actr_payload_type_t)i);
        assert_true(actri_lane_from_label(label, strlen(label), &lane));
        assert_int_equal(lane, i);
    }
    assert_false(actri_lane_from_label("MEDIA_RTP", 9, &lane));
    assert_false(actri_lane_from_label("RPC_RELIABLE2", 13, &lane));
    assert_false(actri_lane_from_label("", 0, &lane));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_references_opens),
        cmocka_unit_test(test_broken_opens_are_refused),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
