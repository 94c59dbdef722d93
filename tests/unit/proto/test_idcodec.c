/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "hex.h"
#include "proto/idcodec.h"

#include <string.h>

static const actr_id_t echo = {.serial_number = 0x1a2b, .realm = 101, .type = {"acme", "echo"}};

/* ActrId {1 realm {1 realm_id}, 2 serial_number, 3 type {1 manufacturer, 2 name}} (naming-and-compat 2) */
#define ECHO_HEX "0a02086510ab341a0c0a0461636d6512046563686f"

static bool decode_hex(const char *hex, actr_id_t *out)
{
    size_t size;
    uint8_t *bytes = hex_bytes(hex, &size);
    bool good = actri_id_decode(bytes, size, out);
    free(bytes);
    return good;
}

static void an_id_has_the_bytes_of_the_spec(void **state)
{
    (void)state;
    size_t size;
    uint8_t *expected = hex_bytes(ECHO_HEX, &size), bytes[ACTRI_ID_BYTES_MAX];
    assert_int_equal(actri_id_encode(&echo, bytes), size);
    assert_memory_equal(bytes, expected, size);
    free(expected);
    actr_id_t id;
    assert_true(decode_hex(ECHO_HEX, &id));
    assert_true(actr_id_equal(&id, &echo));
}

static void the_largest_id_fits(void **state)
{
    (void)state;
    actr_id_t id = {.serial_number = UINT64_MAX, .realm = UINT32_MAX}, again;
    memset(id.type.manufacturer, 'm', ACTR_NAME_MAX);
    memset(id.type.name, 'n', ACTR_NAME_MAX);
    uint8_t bytes[ACTRI_ID_BYTES_MAX];
    size_t size = actri_id_encode(&id, bytes);
    assert_true(size <= sizeof bytes);
    assert_true(actri_id_decode(bytes, size, &again));
    assert_true(actr_id_equal(&id, &again));
}

static void an_id_with_a_missing_part_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "10ab341a0c0a0461636d6512046563686f",       /* no realm */
        "0a0010ab341a0c0a0461636d6512046563686f",   /* a realm without number */
        "0a0208651a0c0a0461636d6512046563686f",     /* no serial number */
        "0a02086510ab34",                           /* no type */
        "0a02086510ab341a0612046563686f",           /* no manufacturer */
        "0a02086510ab341a060a0461636d65",           /* no name */
        "0a02086510ab341a080a0012046563686f",       /* empty manufacturer */
        "0a02086510ab341a0c0a0461636d651204656368", /* cut */
        "ff",                                       /* no protobuf */
        "0a02086510ab341a290a216d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d12046563686f", /* 33 m
                                                                                                                 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        actr_id_t id;
        if (decode_hex(bad[i], &id)) fail_msg("case %zu was accepted", i);
    }
}

static void realm_and_serial_number_make_the_key(void **state)
{
    (void)state;
    actr_id_t other = echo;
    actri_id_key_t a = actri_id_key(&echo), b = actri_id_key(&other);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(sizeof a, 16); /* no padding: keys are compared by bytes */
    other.realm++;
    b = actri_id_key(&other);
    assert_memory_not_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_the_bytes_of_the_spec),
        cmocka_unit_test(the_largest_id_fits),
        cmocka_unit_test(an_id_with_a_missing_part_is_refused),
        cmocka_unit_test(realm_and_serial_number_make_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
