/* SPDX-License-Identifier: Apache-2.0 */
/* The sample messages of RFC 5769, and what we write ourselves. */
#include "check.h"

#include "wire/stun.h"

#include <string.h>

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
    0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

static const uint8_t response[] = {0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                   0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74,
                                   0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01,
                                   0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99,
                                   0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b,
                                   0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};

static void test_sample_request(void **state)
{
    (void)state;
    actri_stun_t m;
    assert_true(actri_stun_is(request, sizeof request));
    assert_true(actri_stun_decode(request, sizeof request, &m));
    assert_int_equal(m.class, ACTRI_STUN_REQUEST);
    assert_int_equal(m.method, 1);
    assert_string_equal(m.username, "evtj:h6vY");
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.has_controlled);
    assert_false(m.has_controlling);
    assert_true(m.tie_breaker == 0x932ff9b151263b36ull);
    assert_true(actri_stun_verify(request, sizeof request, password));
    assert_false(actri_stun_verify(request, sizeof request, "VOkJxbRl1RmTxUk/WvJxBu"));
}

static void test_sample_response(void **state)
{
    (void)state;
    char ip[ACTRI_ADDRESS_TEXT];
    actri_stun_t m;
    assert_true(actri_stun_decode(response, sizeof response, &m));
    assert_int_equal(m.class, ACTRI_STUN_SUCCESS);
    assert_true(m.has_mapped);
    assert_string_equal(actri_address_ip_text(&m.mapped, ip), "192.0.2.1");
    assert_int_equal(m.mapped.port, 32853);
    assert_true(actri_stun_verify(response, sizeof response, password));
}

/* A bit anywhere: found by FINGERPRINT, or by MESSAGE-INTEGRITY. */
static void test_every_flipped_bit_is_found(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < sizeof request * 8; bit++) {
        uint8_t copy[sizeof request];
        actri_stun_t m;
        memcpy(copy, request, sizeof copy);
        copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1u << bit % 8);
        bool good = actri_stun_decode(copy, sizeof copy, &m) && m.has_fingerprint &&
                    actri_stun_verify(copy, sizeof copy, password);
        if (good) fail_msg("bit %zu may be flipped", bit);
    }
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof request; size++) {
        actri_stun_t m;
        assert_false(actri_stun_decode(request, size, &m));
        assert_false(actri_stun_verify(request, size, password));
    }
}

static void test_what_we_write_reads_back(void **state)
{
    (void)state;
    static const char *const ips[] = {"192.0.2.7", "2001:db8::17"};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t data[ACTRI_STUN_MAX];
        char ip[ACTRI_ADDRESS_TEXT];
        actri_stun_t in = {.class = ACTRI_STUN_ERROR,
                           .method = 1,
                           .error_code = 487,
                           .has_mapped = true,
                           .has_priority = true,
                           .priority = 77,
                           .has_controlling = true,
                           .tie_breaker = 0x0102030405060708ull,
                           .use_candidate = true};
        actri_stun_t out;
        strcpy(in.username, "one:two");
        assert_true(actri_address_parse(ips[i], 4711, &in.mapped));
        size_t size = actri_stun_encode(&in, password, data);
        assert_true(actri_stun_decode(data, size, &out));
        assert_true(actri_stun_verify(data, size, password));
        assert_true(out.has_fingerprint && out.has_integrity && out.use_candidate && out.has_controlling);
        assert_int_equal(out.class, ACTRI_STUN_ERROR);
        assert_int_equal(out.error_code, 487);
        assert_int_equal(out.priority, 77);
        assert_true(out.tie_breaker == in.tie_breaker);
        assert_string_equal(out.username, "one:two");
        assert_string_equal(actri_address_ip_text(&out.mapped, ip), ips[i]);
        assert_int_equal(out.mapped.port, 4711);
    }
}

/* A name too long for the message is not cut, it is not written. */
static void test_too_long_a_name_is_not_written(void **state)
{
    (void)state;
    uint8_t data[ACTRI_STUN_MAX];
    actri_stun_t m = {.method = 1};
    memset(m.username, 'x', 500);
    assert_int_equal(actri_stun_encode(&m, password, data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_request),
        cmocka_unit_test(test_sample_response),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_what_we_write_reads_back),
        cmocka_unit_test(test_too_long_a_name_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
