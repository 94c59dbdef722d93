/* SPDX-License-Identifier: Apache-2.0 */
/* `actr call`: one request to an actor, from JSON and to JSON, or as bytes. */
#include "call.h"
#include "verbs.h"

#include "port/clock.h"

#include <stdio.h>
#include <string.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(
        out,
        "usage: actr call [OPTION ...] TYPE|ID ROUTE [JSON|@FILE|-]\n\n"
        "Calls a route of an actor of that type (or that very actor) and prints the reply:\n"
        "    actr call acme+Thermo thermo.Thermo.Read '{\"room\": 3}'\n\n"
        "JSON is mapped by the contract (default: '{}'; @FILE: from a file, -: from standard input). The contract\n"
        "is that of --proto, else what the Actr.toml exports, else what the service gave to the signaling server.\n"
        "Of a method whose caller streams, each line is a message; of one whose callee does, each is printed as it\n"
        "comes (with --json: one line each, and one for the end). The time limit is that of the whole call.\n"
        "  --proto FILE       the .proto with the method; its imports are looked up beside it and in -I\n"
        "  -I DIR             where else imports are looked up\n"
        "  --raw ENCODING     no contract: request and reply as hex, base64 or bytes\n"
        "  --defaults         print also the fields that have their default\n"
        "  --tell             send it and wait for no reply\n" CLIENT_OPTIONS "\n" CLIENT_STATUSES);
    return status;
}

/* ---- the request ---- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool from_hex(const actri_proto_text_t *text, actri_text_t *out)
{
    if (text->size % 2 != 0) return false;
    for (size_t i = 0; i < text->size; i += 2) {
        int high = digit_of(text->data[i]), low = digit_of(text->data[i + 1]);
        if (high < 0 || low < 0) return false;
        uint8_t byte = (uint8_t)(high << 4 | low);
        actri_text_add_bytes(out, &byte, 1);
    }
    return true;
}

static actr_status_t make_request(call_t *call, actr_error_t *error)
{
    actri_proto_text_t text = {"", 0};
    const char *given = call->payload;
    bool good = true;
    if (given == NULL)
        text =
            (actri_proto_text_t){call->encoding == ENCODING_JSON ? "{}" : "", call->encoding == ENCODING_JSON ? 2 : 0};
    else if (given[0] != '@' && strcmp(given, "-") != 0)
        text = (actri_proto_text_t){given, strlen(given)};
    else {
        actr_status_t status =
            sources_read(&call->arena, given[0] == '@' ? given + 1 : given, PJ_TEXT_MAX, &text, error);
        if (status != ACTR_OK) return status;
    }
    bool text_like = call->encoding == ENCODING_HEX || call->encoding == ENCODING_BASE64;
    while (text_like && text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--;
    switch (call->encoding) {
    case ENCODING_JSON:
        return pj_to_bytes(&call->sources.contract, call->method.request, text.data, text.size, &call->request, error);
    case ENCODING_HEX: good = from_hex(&text, &call->request); break;
    case ENCODING_BASE64: good = pj_from_base64(text.data, text.size, &call->request); break;
    case ENCODING_BYTES: actri_text_add_bytes(&call->request, text.data, text.size); break;
    }
    if (call->request.failed) return actri_no_memory(error);
    return good ? ACTR_OK
                : actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the request is not %s",
                             call->encoding == ENCODING_HEX ? "hex" : "base64");
}

/* ---- the reply ---- */

static void add_hex(actri_span_t bytes, actri_text_t *out)
{
    for (size_t i = 0; i < bytes.size; i++) actri_text_add(out, "%02x", bytes.data[i]);
}

actr_status_t call_add_reply(const call_t *call, actri_span_t bytes, actri_text_t *out, actr_error_t *error)
{
    bool json = call->client.json;
    if (call->encoding == ENCODING_JSON) {
        unsigned flags = (json ? 0 : PJ_INDENT) | (call->defaults ? PJ_DEFAULTS : 0);
        return pj_from_bytes(&call->sources.contract, call->method.response, bytes, flags, out, error);
    }
    if (json) actri_text_add(out, "\"");
    if (call->encoding == ENCODING_HEX)
        add_hex(bytes, out);
    else if (call->encoding == ENCODING_BASE64 || json)
        pj_add_base64(bytes, out);
    else
        actri_text_add_bytes(out, bytes.data, bytes.size);
    if (json) actri_text_add(out, "\"");
    return ACTR_OK;
}

/* The reply alone, or {"status", "actor", "reply"}. */
static int print_reply(const call_t *call, const actr_id_t *id, const actr_buf_t *reply)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_text_t text = {.env = NULL};
    char actor[ACTR_ID_TEXT_SIZE];
    actr_status_t status = ACTR_OK;
    if (call->client.json)
        actri_text_add(&text, "{\"status\":\"ACTR_OK\",\"actor\":\"%s\"%s", actr_id_print(id, actor),
                       reply == NULL ? "" : ",\"reply\":");
    if (reply != NULL)
        status = call_add_reply(call, actri_span(actr_buf_data(reply), actr_buf_size(reply)), &text, &error);
    if (call->client.json) actri_text_add(&text, "}");
    int result = CLIENT_OK;
    if (status != ACTR_OK)
        result = client_fail(&call->client, &error, false);
    else if (call->encoding == ENCODING_BYTES && !call->client.json)
        result = text.size == 0 || fwrite(text.data, text.size, 1, stdout) == 1 ? CLIENT_OK : CLIENT_FAILED;
    else if (reply != NULL || call->client.json)
        result = client_print(&call->client, &text);
    actri_free(NULL, text.data);
    return result;
}

/* ---- the call ---- */

static actr_status_t find_target(call_t *call, actr_type_t *type, actr_id_t *id, bool *is_id, actr_error_t *error)
{
    *is_id = strchr(call->target, '@') != NULL;
    if (!*is_id) return actr_type_parse(call->target, type, error);
    actr_status_t status = actr_id_parse(call->target, id, error);
    *type = id->type;
    return status;
}

static bool is_stream(const call_t *call)
{
    return call->method.client_streaming || call->method.server_streaming;
}

static actr_status_t prepare(call_t *call, const actr_type_t *type, actr_error_t *error)
{
    if (call->encoding == ENCODING_JSON) {
        actr_status_t status = sources_method(&call->sources, call->proto, type, call->route, &call->method, error);
        if (status != ACTR_OK) return status;
        if (is_stream(call) && call->tell)
            return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s is a streaming method: it is called, not told",
                              call->route);
    }
    return call->method.client_streaming ? ACTR_OK : make_request(call, error);
}

static actr_status_t send(call_t *call, const actr_id_t *id, actr_buf_t **reply, actr_error_t *error)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_dest_t dest = actr_dest_actor(id);
    actr_bytes_t payload = {call->request.data, call->request.size};
    options.timeout_ms = client_left(&call->client);
    options.payload_type = call->method.payload_type;
    if (call->tell) return actr_ctx_tell(client_ctx(&call->client), &dest, call->route, payload, &options, error);
    return actr_ctx_call(client_ctx(&call->client), &dest, call->route, payload, &options, reply, error);
}

static int run(call_t *call)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type;
    actr_id_t id;
    actr_buf_t *reply = NULL;
    size_t one = 1;
    bool is_id = false, sent = false;
    actr_status_t status = find_target(call, &type, &id, &is_id, &error);
    if (status == ACTR_OK) status = client_configure(&call->client, &error);
    if (status == ACTR_OK) status = client_join(&call->client, &error);
    if (status == ACTR_OK && !is_id)
        status = actr_ref_discover(call->client.ref, &type, client_left(&call->client), &id, &one, &error);
    if (status == ACTR_OK) status = prepare(call, &type, &error);
    if (status == ACTR_OK && is_stream(call)) return call_stream(call, &id);
    if (status == ACTR_OK) {
        sent = true;
        status = send(call, &id, &reply, &error);
    }
    int result = status == ACTR_OK ? print_reply(call, &id, reply)
                                   : client_fail(&call->client, &error, sent && error.remote_code != 0);
    actr_buf_release(reply);
    return result;
}

static bool read_encoding(call_t *call, const char *name)
{
    static const char *const names[] = {"", "hex", "base64", "bytes"};
    for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) call->encoding = (encoding_t)i;
    }
    return call->encoding != ENCODING_JSON;
}

/* 1: taken, 0: another word, -1: wrong. */
static int take_option(call_t *call, int argc, char **argv, int *i)
{
    const char *name = argv[*i];
    int taken = client_option(&call->client, argc, argv, i);
    if (taken != 0) return taken;
    if (strcmp(name, "--tell") == 0) return call->tell = true;
    if (strcmp(name, "--defaults") == 0) return call->defaults = true;
    if (name[0] != '-' || name[1] == '\0') return 0;
    if (*i + 1 >= argc) return -1;
    const char *value = argv[++*i];
    if (strcmp(name, "--proto") == 0) {
        call->proto = value;
        return 1;
    }
    if (strcmp(name, "--raw") == 0) return read_encoding(call, value) ? 1 : -1;
    if (strcmp(name, "-I") != 0 || call->sources.folder_count == SOURCES_FOLDERS) return -1;
    call->sources.folders[call->sources.folder_count++] = value;
    return 1;
}

static int parse(call_t *call, int argc, char **argv)
{
    const char **words[] = {&call->target, &call->route, &call->payload};
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, -1);
        int taken = take_option(call, argc, argv, &i);
        if (taken < 0 || (taken == 0 && count == 3)) return usage(stderr, CLIENT_USAGE);
        if (taken == 0) *words[count++] = argv[i];
    }
    return count >= 2 ? 0 : usage(stderr, CLIENT_USAGE);
}

int verb_call(int argc, char **argv)
{
    call_t call = {.target = NULL};
    client_init(&call.client, "call");
    sources_init(&call.sources, &call.client);
    actri_arena_init(&call.arena, NULL);
    int result = parse(&call, argc, argv);
    if (result == 0) result = run(&call);
    client_close(&call.client);
    sources_clear(&call.sources);
    actri_arena_clear(&call.arena);
    actri_free(NULL, call.request.data);
    return result < 0 ? 0 : result;
}
