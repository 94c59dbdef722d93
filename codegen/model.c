/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a file's services and decides the names. The first thing that is wrong ends it. */
#include "codegen/model.h"

#include "codegen/names.h"
#include "codegen/text.h"

#include <stdlib.h>
#include <string.h>

#define OPTION_PAYLOAD_TYPE 50001 /* of a method */
#define OPTION_PROTOBUF_C 1019    /* of a file: protobuf-c's ProtobufCFileOptions */
#define PROTOBUF_C_PACKAGE 6      /* in it */
#define PATH_SERVICE 6
#define PATH_METHOD 2

typedef struct maker {
    actri_arena_t *arena;
    const Pb__Request *request;
    const Pb__FileDescriptor *file;
    actr_error_t *error;
} maker_t;

static const char *package_of(const Pb__FileDescriptor *file)
{
    return file->package != NULL ? file->package : "";
}

/* ---- options that protobuf-c left as unknown fields ---- */

static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static const ProtobufCMessageUnknownField *unknown(const Pb__Options *options, uint32_t tag)
{
    const ProtobufCMessageUnknownField *found = NULL;
    for (size_t i = 0; options != NULL && i < options->base.n_unknown_fields; i++) {
        if (options->base.unknown_fields[i].tag == tag) found = &options->base.unknown_fields[i]; /* the last counts */
    }
    return found;
}

/* One piece of protobuf-c's ProtobufCFileOptions: its c_package, or NULL. */
static const char *c_package_in(actri_arena_t *arena, const ProtobufCMessageUnknownField *option)
{
    const uint8_t *at = option->data, *end = at + option->len;
    uint64_t key, value;
    if (!varint(&at, end, &value)) return NULL; /* the length of the whole */
    while (varint(&at, end, &key) && varint(&at, end, &value)) {
        if ((key & 7) != 2) continue; /* its other fields are bools */
        if (value > (uint64_t)(end - at)) return NULL;
        if (key >> 3 == PROTOBUF_C_PACKAGE) return text_print(arena, "%.*s", (int)value, (const char *)at);
        at += value;
    }
    return NULL;
}

/* What stands for the package in protobuf-c's names; NULL: the package. protoc sends each field of an option apart. */
static const char *c_package(actri_arena_t *arena, const Pb__FileDescriptor *file)
{
    const Pb__Options *options = file->options;
    const char *found = NULL;
    for (size_t i = 0; options != NULL && i < options->base.n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *option = &options->base.unknown_fields[i];
        const char *name = option->tag == OPTION_PROTOBUF_C ? c_package_in(arena, option) : NULL;
        if (name != NULL) found = name;
    }
    return found;
}

static const char *payload_of(const maker_t *m, const method_t *method, const Pb__Options *options)
{
    static const char *const names[] = {"RPC_RELIABLE", "RPC_SIGNAL", "STREAM_RELIABLE", "STREAM_LATENCY_FIRST",
                                        "MEDIA_RTP"};
    const ProtobufCMessageUnknownField *option = unknown(options, OPTION_PAYLOAD_TYPE);
    uint64_t number = 0;
    const uint8_t *at = option == NULL ? NULL : option->data;
    if (option != NULL && !varint(&at, at + option->len, &number)) number = UINT64_MAX;
    bool streams = method->kind != METHOD_UNARY;
    if (option == NULL) return streams ? "ACTR_STREAM_RELIABLE" : "ACTR_RPC_RELIABLE";
    if (number < 4 && streams == (number >= 2)) return text_print(m->arena, "ACTR_%s", names[number]);
    (void)actri_fail(m->error, ACTR_STATUS_PROTO_UNSUPPORTED, "%s: %s: a %s can not travel as %s; payload_type is %s",
                     m->file->name, method->route, streams ? "stream" : "call",
                     number < sizeof names / sizeof names[0] ? names[number] : "an unknown payload type",
                     streams ? "STREAM_RELIABLE or STREAM_LATENCY_FIRST" : "RPC_RELIABLE or RPC_SIGNAL");
    return NULL;
}

/* ---- messages ---- */

static bool has_message(Pb__Message **list, size_t count, const char *name)
{
    size_t size = strcspn(name, ".");
    for (size_t i = 0; i < count; i++) {
        if (strncmp(list[i]->name, name, size) != 0 || list[i]->name[size] != '\0') continue;
        return name[size] == '\0' || has_message(list[i]->nested_type, list[i]->n_nested_type, name + size + 1);
    }
    return false;
}

/* What stands behind "package." in full, or NULL when it is not of that package. */
static const char *behind_package(const char *full, const char *package)
{
    size_t size = strlen(package);
    if (size == 0) return full;
    return strncmp(full, package, size) == 0 && full[size] == '.' ? full + size + 1 : NULL;
}

/* `type` is ".my.pkg.Outer.Inner", as protoc resolved it. */
static bool find_message(const maker_t *m, const char *route, const char *type, message_names_t *names)
{
    const char *full = type[0] == '.' ? type + 1 : type;
    for (size_t i = 0; i < m->request->n_proto_file; i++) {
        const Pb__FileDescriptor *file = m->request->proto_file[i];
        const char *name = behind_package(full, package_of(file));
        if (name == NULL || !has_message(file->message_type, file->n_message_type, name)) continue;
        const char *package = c_package(m->arena, file);
        if (package != NULL) full = text_print(m->arena, "%s.%s", package, name);
        names->type = name_message(m->arena, full);
        names->descriptor = text_print(m->arena, "%s__descriptor", name_message_prefix(m->arena, full));
        return true;
    }
    (void)actri_fail(m->error, ACTR_STATUS_PROTO_UNSUPPORTED, "%s: %s: there is no message %s", m->file->name, route,
                     full);
    return false;
}

/* ---- methods and services ---- */

static bool make_method(const maker_t *m, service_t *service, size_t s, size_t i)
{
    const Pb__Method *from = m->file->service[s]->method[i];
    method_t *method = &service->methods[i];
    int32_t path[] = {PATH_SERVICE, (int32_t)s, PATH_METHOD, (int32_t)i};
    method->name = from->name;
    method->route = text_print(m->arena, "%s.%s", service->name, from->name);
    method->kind = (from->client_streaming ? METHOD_CLIENT : 0u) | (from->server_streaming ? METHOD_SERVER : 0u);
    service->streams = service->streams || method->kind != METHOD_UNARY;
    method->snake = name_snake(m->arena, from->name);
    method->comment = model_comment(m->file, path, 4);
    method->payload = payload_of(m, method, from->options);
    return method->payload != NULL && find_message(m, method->route, from->input_type, &method->request) &&
           find_message(m, method->route, from->output_type, &method->response);
}

static int by_route(const void *a, const void *b)
{
    return strcmp((*(method_t *const *)a)->route, (*(method_t *const *)b)->route);
}

static int by_snake(const void *a, const void *b)
{
    return strcmp((*(method_t *const *)a)->snake, (*(method_t *const *)b)->snake);
}

/* GetUser and get_user: both keep the name that they have in the .proto. */
static void part_twins(const maker_t *m, service_t *service)
{
    method_t **sorted = service->sorted;
    qsort(sorted, service->method_count, sizeof(method_t *), by_snake);
    for (size_t i = 0, next; i < service->method_count; i = next) {
        for (next = i + 1; next < service->method_count && by_snake(&sorted[i], &sorted[next]) == 0;) next++;
        for (size_t k = i; next - i > 1 && k < next; k++) sorted[k]->member = sorted[k]->name; /* a mark */
    }
    for (size_t i = 0; i < service->method_count; i++) {
        method_t *method = &service->methods[i];
        if (method->member != NULL) method->snake = method->name;
        method->member = name_member(m->arena, method->snake);
    }
}

static bool make_service(const maker_t *m, service_t *service, size_t s)
{
    const Pb__Service *from = m->file->service[s];
    const char *package = package_of(m->file), *dot = *package != '\0' ? "." : "";
    int32_t path[] = {PATH_SERVICE, (int32_t)s};
    service->name = text_print(m->arena, "%s%s%s", package, dot, from->name);
    service->prefix = name_snake(m->arena, service->name);
    service->comment = model_comment(m->file, path, 2);
    service->streams = false;
    service->method_count = from->n_method;
    service->methods = actri_arena_alloc(m->arena, (from->n_method + 1) * sizeof(method_t));
    service->sorted = actri_arena_alloc(m->arena, (from->n_method + 1) * sizeof(method_t *));
    if (service->methods == NULL || service->sorted == NULL) return false;
    memset(service->methods, 0, (from->n_method + 1) * sizeof(method_t));
    for (size_t i = 0; i < from->n_method; i++) {
        if (!make_method(m, service, s, i)) return false;
    }
    for (size_t i = 0; i < service->method_count; i++) service->sorted[i] = &service->methods[i];
    part_twins(m, service);
    qsort(service->sorted, service->method_count, sizeof(method_t *), by_route);
    for (size_t i = 0; i < service->method_count; i++) service->sorted[i]->index = i;
    return true;
}

/* ---- names that would be defined twice: service Foo's method CallX and service FooCall's, for one ---- */

typedef struct symbol {
    const char *name;
    const char *owner;
} symbol_t;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const symbol_t *)a)->name, ((const symbol_t *)b)->name);
}

static size_t list_symbols(const maker_t *m, const service_t *service, symbol_t *out)
{
    static const char *const parts[] = {"handlers", "handlers_t", "descriptor", "dispatch", "workload", "methods"};
    static const char *const verbs[] = {"call", "start", "tell", "post", "serve", "deliver", "method"};
    static const char *const stream_verbs[] = {"open",  "send",     "listen",     "reply",
                                               "serve", "adapters", "adapt_take", "adapt_answer"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        out[count++] = (symbol_t){text_print(m->arena, "%s_%s", service->prefix, parts[i]), service->name};
    }
    for (size_t k = 0; k < service->method_count; k++) {
        const method_t *method = &service->methods[k];
        bool streams = method->kind != METHOD_UNARY;
        const char *const *list = streams ? stream_verbs : verbs;
        size_t some = streams ? sizeof stream_verbs / sizeof stream_verbs[0] : sizeof verbs / sizeof verbs[0];
        for (size_t i = 0; i < some; i++) {
            out[count++] =
                (symbol_t){text_print(m->arena, "%s_%s_%s", service->prefix, list[i], method->snake), method->route};
        }
        out[count++] =
            (symbol_t){text_print(m->arena, "%s_answer_%s_fn", service->prefix, method->snake), method->route};
        if (streams)
            out[count++] =
                (symbol_t){text_print(m->arena, "%s_take_%s_fn", service->prefix, method->snake), method->route};
    }
    return count;
}

static bool all_differ(const maker_t *m, const model_t *model)
{
    size_t room = 0, count = 0;
    for (size_t i = 0; i < model->service_count; i++) room += 6 + 10 * model->services[i].method_count;
    symbol_t *symbols = actri_arena_alloc(m->arena, (room + 1) * sizeof *symbols);
    if (symbols == NULL) return false;
    for (size_t i = 0; i < model->service_count; i++) count += list_symbols(m, &model->services[i], symbols + count);
    if (m->arena->failed) return false;
    qsort(symbols, count, sizeof *symbols, by_name);
    for (size_t i = 1; i < count; i++) {
        if (by_name(&symbols[i - 1], &symbols[i]) != 0) continue;
        (void)actri_fail(m->error, ACTR_STATUS_PROTO_UNSUPPORTED,
                         "%s: %s and %s would both be %s in C: one of them needs another name", m->file->name,
                         symbols[i - 1].owner, symbols[i].owner, symbols[i].name);
        return false;
    }
    return true;
}

bool model_make(actri_arena_t *arena, const Pb__Request *request, const Pb__FileDescriptor *file, model_t *model,
                actr_error_t *error)
{
    maker_t m = {arena, request, file, error};
    model->file = file->name;
    model->stem = name_stem(arena, file->name);
    model->guard = name_guard(arena, file->name);
    model->service_count = file->n_service;
    model->services = actri_arena_alloc(arena, (file->n_service + 1) * sizeof(service_t));
    if (model->services == NULL) return false;
    for (size_t i = 0; i < file->n_service; i++) {
        if (!make_service(&m, &model->services[i], i)) return false;
    }
    return all_differ(&m, model);
}
