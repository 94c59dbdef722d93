/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON mapping against what Google's own makes of the same texts (vectors/protojson/make.py), and its refusals. */
#include "check.h"

#include "cli/contract/pj.h"
#include "vectors.h"

#include <jansson.h>

static char *texts[2];

static bool find(void *user, const char *path, actri_proto_text_t *out)
{
    (void)user;
    if (strcmp(path, "legacy.proto") != 0) return false; /* nor is actr/options.proto known: options do not matter */
    *out = (actri_proto_text_t){texts[1], strlen(texts[1])};
    return true;
}

static void open_contract(contract_t *contract)
{
    actr_error_t error = ACTR_ERROR_INIT;
    texts[0] = vector_text("protojson/everything.proto");
    texts[1] = vector_text("protojson/legacy.proto");
    contract_init(contract, find, NULL);
    assert_ok(contract_add(contract, "everything.proto", texts[0], strlen(texts[0]), &error), &error);
}

static void close_contract(contract_t *contract)
{
    contract_clear(contract);
    free(texts[0]);
    free(texts[1]);
}

static const actri_proto_message_t *type_of(const contract_t *contract, const char *name)
{
    char full[128];
    (void)snprintf(full, sizeof full, ".%s", name);
    const actri_proto_message_t *type = contract_message(contract, full);
    if (type == NULL) fail_msg("there is no %s", name);
    return type;
}

/* What the bytes become, as a JSON value. */
static json_t *shown(const contract_t *contract, const actri_proto_message_t *type, actri_span_t bytes, unsigned flags)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_text_t text = {.env = NULL};
    json_error_t where;
    assert_ok(pj_from_bytes(contract, type, bytes, flags, &text, &error), &error);
    json_t *value = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (value == NULL) fail_msg("no JSON: %s", text.data);
    actri_free(NULL, text.data);
    return value;
}

/* 1 and 1.0 are one number in JSON. */
static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *item;
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b)) {
        bool equal = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; equal && i < json_array_size(a); i++) {
            equal = same(json_array_get(a, i), json_array_get(b, i));
        }
        return equal;
    }
    if (!json_is_object(a) || !json_is_object(b)) return json_equal(a, b);
    json_object_foreach((json_t *)(uintptr_t)a, key, item)
    {
        const json_t *other = json_object_get(b, key);
        if (other == NULL || !same(item, other)) return false;
    }
    return json_object_size(a) == json_object_size(b);
}

static void check_shown(const contract_t *contract, const actri_proto_message_t *type, actri_span_t bytes,
                        const json_t *expected)
{
    json_t *value = shown(contract, type, bytes, 0);
    if (!same(expected, value)) {
        fail_msg("%s: %s, not %s", type->full_name, json_dumps(value, JSON_ENCODE_ANY),
                 json_dumps(expected, JSON_ENCODE_ANY));
    }
    json_decref(value);
}

static void as_google_does(void **state)
{
    contract_t contract;
    json_error_t where;
    size_t number;
    json_t *row;
    char *text = vector_text("protojson/cases.json");
    json_t *cases = json_loads(text, JSON_ALLOW_NUL, &where);
    (void)state;
    assert_non_null(cases);
    open_contract(&contract);
    json_array_foreach(cases, number, row)
    {
        uint8_t bytes[1024];
        actr_error_t error = ACTR_ERROR_INIT;
        actri_text_t out = {.env = NULL};
        const actri_proto_message_t *type = type_of(&contract, json_string_value(json_array_get(row, 0)));
        const char *json = json_string_value(json_array_get(row, 1));
        size_t size = vector_hex(json_string_value(json_array_get(row, 2)), bytes, sizeof bytes);
        check_shown(&contract, type, actri_span(bytes, size), json_array_get(row, 3));
        if (json == NULL) continue;
        assert_ok(pj_to_bytes(&contract, type, json, strlen(json), &out, &error), &error);
        if (out.size != size) fail_msg("%s: %s takes %zu bytes, not %zu", type->name, json, out.size, size);
        if (size > 0 && memcmp(out.data, bytes, size) != 0) /* a map's entries have no order */
            check_shown(&contract, type, actri_span(out.data, out.size), json_array_get(row, 3));
        actri_free(NULL, out.data);
    }
    print_message("%zu cases\n", json_array_size(cases));
    assert_true(json_array_size(cases) > 40);
    json_decref(cases);
    free(text);
    close_contract(&contract);
}

static const struct refusal {
    const char *type, *json, *words;
} refusals[] = {
    {"acme.Scalars", "", "this is no JSON"},
    {"acme.Scalars", "{", "line 1"},
    {"acme.Scalars", "[]", "not an object, but acme.Scalars is one"},
    {"acme.Scalars", "{\"nope\": 1}", "nope: acme.Scalars has no such field"},
    {"acme.Scalars", "{\"anInt32\": 2147483648}", "anInt32: out of the range of int32"},
    {"acme.Scalars", "{\"anInt32\": 1.5}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"anInt32\": \"12x\"}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"anInt32\": \" 1\"}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"anInt32\": \"\"}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"anInt32\": \"1\\u00002\"}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"anInt32\": true}", "anInt32: not a whole number"},
    {"acme.Scalars", "{\"aUint32\": -1}", "aUint32: out of the range of uint32"},
    {"acme.Scalars", "{\"aUint64\": \"18446744073709551616\"}", "aUint64: not a whole number"},
    {"acme.Scalars", "{\"aUint64\": 18446744073709551615}", "write large numbers in quotes"},
    {"acme.Scalars", "{\"aFloat\": 1e39}", "aFloat: out of the range of float"},
    {"acme.Scalars", "{\"aDouble\": \"inf\"}", "aDouble: not a number"},
    {"acme.Scalars", "{\"aDouble\": \"0x1\"}", "aDouble: not a number"},
    {"acme.Scalars", "{\"aBool\": 1}", "aBool: neither true nor false"},
    {"acme.Scalars", "{\"aString\": 1}", "aString: not a string, but string is wanted"},
    {"acme.Scalars", "{\"someBytes\": \"a\"}", "someBytes: not base64"},
    {"acme.Scalars", "{\"someBytes\": \"a===\"}", "someBytes: not base64"},
    {"acme.Scalars", "{\"someBytes\": \"&&&&\"}", "someBytes: not base64"},
    {"acme.Scalars", "{\"mode\": \"WARM\"}", "mode: acme.Mode has no value \"WARM\""},
    {"acme.Scalars", "{\"mode\": 3000000000}", "mode: neither a name nor a number"},
    {"acme.Scalars", "{\"anInt32\": 1, \"an_int32\": 2}", "anInt32: given twice"},
    {"acme.Scalars", "{\"anInt32\": 1, \"anInt32\": 2}", "duplicate object key"},
    {"acme.Lists", "{\"lists\": [{}, {\"packed\": [1, \"x\"]}]}", "lists[1].packed[1]: not a whole number"},
    {"acme.Lists", "{\"packed\": 1}", "packed: not an array"},
    {"acme.Lists", "{\"strings\": [null]}", "strings[0]: not a string"},
    {"acme.Maps", "{\"byNumber\": {\"x\": \"y\"}}", "byNumber.x: not a whole number"},
    {"acme.Maps", "{\"byTruth\": {\"yes\": {}}}", "byTruth.yes: neither true nor false"},
    {"acme.Maps", "{\"byTruth\": {\"true\": {\"aBool\": 0}}}", "byTruth.true.aBool: neither"},
    {"acme.Maps", "{\"byName\": {\"a\": null}}", "byName.a: not a whole number"},
    {"acme.Maps", "{\"byName\": []}", "byName: not an object"},
    {"acme.Choice", "{\"text\": \"a\", \"number\": 1}", "number: text is given too"},
    {"acme.Known", "{\"time\": \"2026-02-29T00:00:00Z\"}", "time: not a time like"},
    {"acme.Known", "{\"time\": \"2026-11-25T08:30:00\"}", "time: not a time like"},
    {"acme.Known", "{\"time\": \"2026-11-25T08:30:00.Z\"}", "time: not a time like"},
    {"acme.Known", "{\"time\": \"2026-11-25T24:30:00Z\"}", "time: not a time like"},
    {"acme.Known", "{\"time\": \"0001-01-01T00:00:00+01:00\"}", "time: not a time like"},
    {"acme.Known", "{\"time\": 5}", "time: not a time like"},
    {"acme.Known", "{\"duration\": \"1\"}", "duration: not a duration like"},
    {"acme.Known", "{\"duration\": \"315576000001s\"}", "duration: not a duration like"},
    {"acme.Known", "{\"duration\": \"1.1234567890s\"}", "duration: not a duration like"},
    {"acme.Known", "{\"data\": 1}", "data: not an object"},
    {"acme.Known", "{\"list\": {}}", "list: not an array"},
    {"acme.Known", "{\"maybeBool\": \"x\"}", "maybeBool.value: neither true nor false"},
    {"acme.Known", "{\"any\": {\"x\": 1}}", "any.@type: is missing"},
    {"acme.Known", "{\"any\": {\"@type\": \"a/b.C\"}}", "any.@type: there is no type a/b.C"},
    {"acme.Known", "{\"any\": {\"@type\": \"a/google.protobuf.Duration\"}}", "any: value is missing"},
    {"acme.Nested", "{\"legacy\": {\"count\": 1}}", "legacy.name: is required"},
    {"acme.Nested", "{\"legacy\": {\"name\": \"n\", \"kind\": 3}}", "legacy.kind: old.Legacy.Kind has no value 3"},
};

static void refused_with_its_path(void **state)
{
    contract_t contract;
    (void)state;
    open_contract(&contract);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        actr_error_t error = ACTR_ERROR_INIT;
        actri_text_t out = {.env = NULL};
        actr_status_t status =
            pj_to_bytes(&contract, type_of(&contract, r->type), r->json, strlen(r->json), &out, &error);
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, status);
        if (strstr(actr_error_message(&error), r->words) == NULL)
            fail_msg("%s: \"%s\" and not \"%s\"", r->json, actr_error_message(&error), r->words);
        actri_free(NULL, out.data);
    }
    close_contract(&contract);
}

static const struct broken {
    const char *type, *hex, *words;
} broken[] = {
    {"acme.Scalars", "18", "the bytes are no acme.Scalars"},
    {"acme.Scalars", "1a0100", "anInt32: the wrong wire type, 2 and not 0"},
    {"acme.Scalars", "7201ff", "aString: a string that is not UTF-8"},
    {"acme.Lists", "0a02ffff", "packed[0]: is cut off"},
    {"acme.Lists", "2a022a01", "lists[0]: the bytes are no acme.Lists"},
    {"acme.Lists", "3203000000", "doubles[0]: is cut off"},
    {"acme.Maps", "0801", "byName: the wrong wire type"},
    {"acme.Maps", "0a020a05", "byName: the bytes are no"},
    {"acme.Maps", "0a030a0100", "byName: a key with a zero byte in it"},
    {"acme.Known", "0a0b0880808080808080808001", "time: a time that is not in the years"},
    {"acme.Known", "1204080110ff", "duration: the bytes are no"},
    {"acme.Known", "120d080110ffffffffffffffffff01", "duration: a duration out of its range"},
};

static void broken_bytes_are_named(void **state)
{
    contract_t contract;
    (void)state;
    open_contract(&contract);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        uint8_t bytes[64];
        actr_error_t error = ACTR_ERROR_INIT;
        actri_text_t out = {.env = NULL};
        size_t size = vector_hex(broken[i].hex, bytes, sizeof bytes);
        assert_status(ACTR_STATUS_DECODE, pj_from_bytes(&contract, type_of(&contract, broken[i].type),
                                                        actri_span(bytes, size), 0, &out, &error));
        if (strstr(actr_error_message(&error), broken[i].words) == NULL)
            fail_msg("%s: \"%s\" and not \"%s\"", broken[i].hex, actr_error_message(&error), broken[i].words);
        actri_free(NULL, out.data);
    }
    close_contract(&contract);
}

/* 99 lists in lists are one too many within the 100 messages when counting the outermost and the innermost. */
static void depth_is_bounded(void **state)
{
    contract_t contract;
    char json[4096];
    (void)state;
    open_contract(&contract);
    for (unsigned depth = 99; depth <= 100; depth++) {
        actr_error_t error = ACTR_ERROR_INIT;
        actri_text_t out = {.env = NULL}, back = {.env = NULL};
        json[0] = '\0';
        for (unsigned i = 0; i < depth; i++) strcat(json, "{\"lists\":[");
        strcat(json, "{}");
        for (unsigned i = 0; i < depth; i++) strcat(json, "]}");
        const actri_proto_message_t *type = type_of(&contract, "acme.Lists");
        actr_status_t status = pj_to_bytes(&contract, type, json, strlen(json), &out, &error);
        assert_status(depth == 99 ? ACTR_OK : ACTR_STATUS_INVALID_ARGUMENT, status);
        if (status != ACTR_OK) assert_non_null(strstr(error.message, "nested more than 100 deep"));
        if (status == ACTR_OK) {
            assert_ok(pj_from_bytes(&contract, type, actri_span(out.data, out.size), 0, &back, &error), &error);
            assert_string_equal(json, back.data);
        }
        actri_free(NULL, out.data);
        actri_free(NULL, back.data);
    }
    static uint8_t bytes[500]; /* one field inside the other */
    size_t at = sizeof bytes;
    for (unsigned i = 0; i < 101; i++) {
        size_t inner = sizeof bytes - at;
        if (inner >= 128) bytes[--at] = (uint8_t)(inner >> 7);
        bytes[--at] = (uint8_t)(inner >= 128 ? inner | 0x80 : inner);
        bytes[--at] = 5 << 3 | 2;
    }
    actr_error_t error = ACTR_ERROR_INIT;
    actri_text_t out = {.env = NULL};
    assert_status(ACTR_STATUS_DECODE, pj_from_bytes(&contract, type_of(&contract, "acme.Lists"),
                                                    actri_span(bytes + at, sizeof bytes - at), 0, &out, &error));
    assert_non_null(strstr(error.message, "nested more than 100 deep"));
    actri_free(NULL, out.data);
    close_contract(&contract);
}

static void texts_are_short_and_readable(void **state)
{
    static const uint8_t bytes[] = {0x15, 0xcd, 0xcc, 0xcc, 0x3d, 0x68, 0x01};
    contract_t contract;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_text_t out = {.env = NULL};
    (void)state;
    open_contract(&contract);
    const actri_proto_message_t *type = type_of(&contract, "acme.Scalars");
    actri_span_t span = actri_span(bytes, sizeof bytes);
    assert_ok(pj_from_bytes(&contract, type, span, 0, &out, &error), &error);
    assert_string_equal("{\"aFloat\":0.1,\"aBool\":true}", out.data);
    out.size = 0;
    assert_ok(pj_from_bytes(&contract, type, span, PJ_INDENT, &out, &error), &error);
    assert_string_equal("{\n  \"aFloat\": 0.1,\n  \"aBool\": true\n}", out.data);
    json_t *all = shown(&contract, type, span, PJ_DEFAULTS);
    assert_int_equal(17, json_object_size(all)); /* but for `maybe`, which has presence */
    assert_string_equal("OFF", json_string_value(json_object_get(all, "mode")));
    assert_string_equal("0", json_string_value(json_object_get(all, "anInt64")));
    json_decref(all);
    actri_free(NULL, out.data);
    close_contract(&contract);
}

static void methods_are_found(void **state)
{
    contract_t contract;
    contract_method_t method;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)state;
    open_contract(&contract);
    assert_ok(contract_method(&contract, "acme.Thermo.Read", &method, &error), &error);
    assert_string_equal(".acme.Scalars", method.request->full_name);
    assert_string_equal(".acme.Lists", method.response->full_name);
    assert_int_equal(ACTR_RPC_RELIABLE, method.payload_type);
    assert_false(method.server_streaming);
    assert_ok(contract_method(&contract, "acme.Thermo.Urgent", &method, &error), &error);
    assert_int_equal(ACTR_RPC_SIGNAL, method.payload_type);
    assert_ok(contract_method(&contract, "acme.Thermo.Watch", &method, &error), &error);
    assert_true(method.server_streaming);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, contract_method(&contract, "acme.Thermo.Rea", &method, &error));
    assert_non_null(strstr(error.message, "it has acme.Thermo.Read, acme.Thermo.Urgent, acme.Thermo.Watch"));
    close_contract(&contract);
}

static bool find_in_circles(void *user, const char *path, actri_proto_text_t *out)
{
    const char *text = user;
    (void)path;
    *out = (actri_proto_text_t){text, strlen(text)};
    return true;
}

static void imports_end(void **state)
{
    static const struct {
        const char *import, *words;
    } rows[] = {
        {"import \"b.proto\";", "imports itself"},
        {"import \"../b.proto\";", "\"..\" component"},
        {"import \"/etc/passwd\";", "/etc/passwd"},
        {"import \"google/nothing.proto\"; import \"a.proto\";", "imports itself"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        contract_t contract;
        actr_error_t error = ACTR_ERROR_INIT;
        contract_init(&contract, find_in_circles, (void *)(uintptr_t)rows[i].import);
        assert_true(contract_add(&contract, "a.proto", rows[i].import, strlen(rows[i].import), &error) < 0);
        if (strstr(error.message, rows[i].words) == NULL) fail_msg("%s: %s", rows[i].import, error.message);
        contract_clear(&contract);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_google_does),
        cmocka_unit_test(refused_with_its_path),
        cmocka_unit_test(broken_bytes_are_named),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(methods_are_found),
        cmocka_unit_test(texts_are_short_and_readable),
        cmocka_unit_test(imports_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
