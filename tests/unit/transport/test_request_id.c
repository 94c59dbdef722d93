/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "rng.h"
#include "transport/request_id.h"

#include <stdlib.h>
#include <string.h>

static actri_request_key_t random_key(rng_t *rng)
{
    actri_request_key_t key;
    for (size_t i = 0; i < sizeof key.bytes; i++) key.bytes[i] = (uint8_t)rng_u64(rng);
    return key;
}

static void an_id_is_shaped_as_uuid_v4_and_ours(void **state)
{
    (void)state;
    rng_t rng = {5};
    for (int i = 0; i < 1000; i++) {
        actri_request_key_t key = random_key(&rng), other = random_key(&rng);
        char text[ACTRI_REQUEST_ID_SIZE + 1];
        actri_request_id_make(&key, rng_u64(&rng), text);
        assert_int_equal(strlen(text), ACTRI_REQUEST_ID_SIZE);
        assert_int_equal(strspn(text, "0123456789abcdef-"), ACTRI_REQUEST_ID_SIZE);
        assert_true(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_true(actri_request_id_is_ours(&key, actri_span_text(text)));
        assert_false(actri_request_id_is_ours(&other, actri_span_text(text)));
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, ACTRI_REQUEST_ID_SIZE);
}

static void consecutive_numbers_give_different_ids(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    static char texts[MANY][ACTRI_REQUEST_ID_SIZE + 1];
    rng_t rng = {6};
    actri_request_key_t key = random_key(&rng);
    uint64_t start = (UINT64_C(1) << 48) - MANY / 2; /* across the bits that the version digit takes away */
    for (uint64_t i = 0; i < MANY; i++) actri_request_id_make(&key, start + i, texts[i]);
    qsort(texts, MANY, sizeof texts[0], compare);
    for (size_t i = 1; i < MANY; i++) assert_int_not_equal(compare(texts[i - 1], texts[i]), 0);
}

/* Any digit changed: not ours any more, but for the four fixed bits' other spellings. */
static void a_changed_digit_is_noticed(void **state)
{
    (void)state;
    rng_t rng = {7};
    actri_request_key_t key = random_key(&rng);
    char text[ACTRI_REQUEST_ID_SIZE + 1], changed[sizeof text];
    actri_request_id_make(&key, 12345, text);
    for (size_t at = 0; at < ACTRI_REQUEST_ID_SIZE; at++) {
        for (const char *digit = "0123456789abcdefABCDEF-{ "; *digit != '\0'; digit++) {
            if (text[at] == *digit) continue;
            memcpy(changed, text, sizeof text);
            changed[at] = *digit;
            assert_false(actri_request_id_is_ours(&key, actri_span_text(changed)));
        }
    }
}

static void other_shapes_are_not_ours(void **state)
{
    (void)state;
    rng_t rng = {8};
    actri_request_key_t key = random_key(&rng);
    char text[ACTRI_REQUEST_ID_SIZE + 1];
    actri_request_id_make(&key, 1, text);
    for (size_t size = 0; size < ACTRI_REQUEST_ID_SIZE; size++) {
        char *piece = malloc(size == 0 ? 1 : size); /* exactly that size, for ASan */
        memcpy(piece, text, size);
        assert_false(actri_request_id_is_ours(&key, actri_span(piece, size)));
        free(piece);
    }
    assert_false(actri_request_id_is_ours(&key, actri_span(text, ACTRI_REQUEST_ID_SIZE + 1)));
    assert_false(actri_request_id_is_ours(&key, actri_span(NULL, 0)));
    assert_false(actri_request_id_is_ours(&key, actri_span_text("4dbbaf25-4aa0-4007-b884-77fe23ac5dbd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_shaped_as_uuid_v4_and_ours),
        cmocka_unit_test(consecutive_numbers_give_different_ids),
        cmocka_unit_test(a_changed_digit_is_noticed),
        cmocka_unit_test(other_shapes_are_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
