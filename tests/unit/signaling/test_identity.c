/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "signaling/identity.h"

#include <string.h>

static void query_of(const void *token, size_t size, uint32_t key, const char *expected)
{
    actri_own_identity_t identity;
    Actr__RegisterOk ok = ACTR__REGISTER_OK__INIT;
    Actr__AIdCredential credential = ACTR__AID_CREDENTIAL__INIT;
    Actr__ActrId id = ACTR__ACTR_ID__INIT;
    const actr_type_t type = {"acme", "EchoService"};
    actr_error_t error = ACTR_ERROR_INIT;
    credential.has_encrypted_token = credential.has_token_key_id = id.has_serial_number = 1;
    credential.encrypted_token.data = (uint8_t *)(uintptr_t)token;
    credential.encrypted_token.len = size;
    credential.token_key_id = key;
    id.serial_number = 0x96;
    ok.credential = &credential;
    ok.actr_id = &id;
    actri_identity_init(&identity, NULL);
    assert_ok(actri_identity_adopt(&identity, &ok, false, &type, 1001, &error), &error);
    char *query = actri_identity_query(&identity);
    assert_string_equal(expected, query);
    actri_secret_free(NULL, query, strlen(query));
    actri_identity_clear(&identity);
    assert_false(identity.known);
}

static void the_query_is_form_encoded(void **state)
{
    (void)state;
    /* as recorded from the reference 0.1.7 (webrtc/signaling.json) */
    query_of("renewed-token", 13, 8,
             "actor_id=96%401001%3Aacme%2BEchoService&token=cmVuZXdlZC10b2tlbg%3D%3D&token_key_id=8");
    query_of("\xfb\xff\xfe", 3, 4294967295u,
             "actor_id=96%401001%3Aacme%2BEchoService&token=%2B%2F%2F%2B&token_key_id=4294967295");
    query_of("", 0, 0, "actor_id=96%401001%3Aacme%2BEchoService&token=&token_key_id=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_query_is_form_encoded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
