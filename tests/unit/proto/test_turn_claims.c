/* SPDX-License-Identifier: Apache-2.0 */
/* TURN user names and passwords against the reference's answers. */
#include "check.h"

#include "json_vectors.h"
#include "oom.h"
#include "proto/turn_claims.h"

#include <openssl/evp.h>

static uint32_t number_of(json_t *row, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(row, name));
}

static void every_recorded_claim_gives_its_user_name(void **state)
{
    (void)state;
    json_t *all = load_vectors("turn.json"), *row;
    size_t number;
    json_array_foreach(json_object_get(all, "claims_encode"), number, row)
    {
        size_t token_size, name_size;
        uint8_t *token = hex_member(row, "token_hex", &token_size), *name = hex_member(row, "username_hex", &name_size);
        actri_turn_claims_t claims = {number_of(row, "realm_id"), number_of(row, "key_id"), token, token_size}, back;
        char *made = actri_turn_username(NULL, &claims);
        assert_int_equal(name_size, strlen(made));
        assert_memory_equal(name, made, name_size);
        uint8_t *room = NULL;
        assert_ok(actri_turn_claims_parse(NULL, name, name_size, &back, &room, NULL), NULL);
        assert_int_equal(claims.realm, back.realm);
        assert_int_equal(claims.key_id, back.key_id);
        assert_true(token_size == back.token_size && memcmp(token, back.token, token_size) == 0);
        actri_free(NULL, made);
        actri_free(NULL, room);
        free(token);
        free(name);
    }
    print_message("claims written: %zu\n", number);
    assert_int_equal(13, number);
    json_decref(all);
}

static void every_recorded_user_name_is_read_alike(void **state)
{
    (void)state;
    json_t *all = load_vectors("turn.json"), *row;
    size_t number, refused = 0;
    json_array_foreach(json_object_get(all, "claims_decode"), number, row)
    {
        size_t size, token_size;
        uint8_t *name = hex_member(row, "input_hex", &size), *room = NULL;
        actri_turn_claims_t claims;
        actr_status_t status = actri_turn_claims_parse(NULL, name, size, &claims, &room, NULL);
        assert_status(is_ok(row) ? ACTR_OK : ACTR_STATUS_DECODE, status);
        refused += status != ACTR_OK;
        if (status == ACTR_OK) {
            uint8_t *token = hex_member(row, "token_hex", &token_size);
            assert_int_equal(number_of(row, "realm_id"), claims.realm);
            assert_int_equal(number_of(row, "key_id"), claims.key_id);
            assert_int_equal(token_size, claims.token_size);
            assert_memory_equal(token, claims.token, token_size);
            free(token);
            actri_free(NULL, room);
        }
        free(name);
    }
    print_message("claims read: %zu, %zu of them refused\n", number, refused);
    assert_int_equal(41, number);
    json_decref(all);
}

/* The server's long-term key: MD5(user name ":" realm ":" password). */
static void the_password_gives_the_long_term_key(void **state)
{
    (void)state;
    json_t *all = load_vectors("turn.json"), *row;
    size_t number;
    json_array_foreach(json_object_get(all, "long_term"), number, row)
    {
        size_t name_size, psk_size, key_size;
        uint8_t *name = hex_member(row, "username_hex", &name_size), *psk = hex_member(row, "psk_hex", &psk_size);
        uint8_t *key = hex_member(row, "long_term_key_md5_hex", &key_size), digest[16];
        char *password = actri_turn_password(NULL, psk, psk_size);
        assert_string_equal(member(row, "password"), password);
        char *text =
            actri_asprintf(NULL, "%.*s:%s:%s", (int)name_size, (char *)name, member(row, "turn_realm"), password);
        assert_int_equal(1, EVP_Digest(text, strlen(text), digest, NULL, EVP_md5(), NULL));
        assert_int_equal(sizeof digest, key_size);
        assert_memory_equal(key, digest, sizeof digest);
        actri_free(NULL, text);
        actri_free(NULL, password);
        free(name);
        free(psk);
        free(key);
    }
    print_message("long-term keys: %zu\n", number);
    assert_int_equal(8, number);
    json_decref(all);
}

static void memory_may_end_at_any_point(void **state)
{
    (void)state;
    const actri_turn_claims_t claims = {1, 2, (const uint8_t *)"token", 5};
    OOM_EACH(oom)
    {
        actri_turn_claims_t back;
        uint8_t *room = NULL;
        char *name = actri_turn_username(&oom.env, &claims);
        char *password = actri_turn_password(&oom.env, (const uint8_t *)"key", 3);
        if (name != NULL &&
            actri_turn_claims_parse(&oom.env, (uint8_t *)name, strlen(name), &back, &room, NULL) == ACTR_OK)
            assert_int_equal(5, back.token_size);
        actri_free(&oom.env, room);
        actri_free(&oom.env, name);
        actri_free(&oom.env, password);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_claim_gives_its_user_name),
        cmocka_unit_test(every_recorded_user_name_is_read_alike),
        cmocka_unit_test(the_password_gives_the_long_term_key),
        cmocka_unit_test(memory_may_end_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
