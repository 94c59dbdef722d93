/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members in the reference's order; lists are sets, sorted and without repetitions. Elements of one name are ordered by
 * what is in them, at last by the hash of their own text. Pure.
 */
#include "compat/canonical.h"

#include "compat/hash.h"

#include <stdlib.h>
#include <string.h>

typedef struct writer {
    actri_json_t *json;
    actri_arena_t *arena;
} writer_t;

/* One element of a list that is written as a set. */
typedef struct element {
    const char *name;
    const void *node;
    const uint8_t *digest; /* of its text; only when another has the same name */
} element_t;

typedef struct set {
    element_t *elements;
    size_t count;
} set_t;

typedef void (*write_element_t)(writer_t *writer, const void *node);

/* Lists are alike in their `next`; this walks them without knowing the type. */
#define EACH(type, node, list) for (const type *node = (list); node != NULL; node = node->next)

#define COLLECT(type, writer, list, set)                                                                               \
    do {                                                                                                               \
        size_t count_ = 0;                                                                                             \
        EACH(type, node_, list) count_++;                                                                              \
        (set)->count = 0;                                                                                              \
        (set)->elements = actri_arena_alloc((writer)->arena, count_ * sizeof(element_t));                              \
        if ((set)->elements == NULL) break;                                                                            \
        EACH(type, node_, list)(set)->elements[(set)->count++] = (element_t){node_->name, node_, NULL};                \
    } while (0)

static int compare_elements(const void *a, const void *b, void *user)
{
    const element_t *one = a, *other = b;
    int (*compare)(const void *, const void *) = *(int (**)(const void *, const void *))user;
    int order = strcmp(one->name, other->name);
    if (order == 0) order = compare(one->node, other->node);
    if (order == 0 && one->digest != NULL && other->digest != NULL)
        order = memcmp(one->digest, other->digest, ACTRI_HASH_SIZE);
    return order;
}

static const uint8_t *digest_of(writer_t *writer, const void *node, write_element_t write)
{
    actri_hash_t hash;
    uint8_t *digest = actri_arena_alloc(writer->arena, ACTRI_HASH_SIZE);
    actri_json_t *json = actri_alloc(writer->arena->env, sizeof *json); /* not kept: twins may be many */
    if (json == NULL) writer->arena->failed = true;
    if (json == NULL || digest == NULL) {
        actri_free(writer->arena->env, json);
        return NULL;
    }
    actri_hash_begin(&hash);
    actri_json_init(json, writer->json->limit, actri_hash_add, &hash);
    writer_t inner = {json, writer->arena};
    write(&inner, node);
    actri_json_flush(json);
    if (!actri_hash_end(&hash, digest)) writer->arena->failed = true;
    writer->json->full |= json->full;
    actri_free(writer->arena->env, json);
    return digest;
}

/* Sorts, and drops what is there twice. Elements of one name are rare: only they are hashed. */
static void order(writer_t *writer, set_t *set, int (*compare)(const void *, const void *), write_element_t write)
{
    size_t kept = 0;
    bool again = false;
    if (set->elements == NULL || set->count < 2) return;
    qsort_r(set->elements, set->count, sizeof(element_t), compare_elements, &compare);
    for (size_t i = 0; i < set->count; i++) {
        bool twin = (i > 0 && strcmp(set->elements[i - 1].name, set->elements[i].name) == 0) ||
                    (i + 1 < set->count && strcmp(set->elements[i + 1].name, set->elements[i].name) == 0);
        if (twin) set->elements[i].digest = digest_of(writer, set->elements[i].node, write);
        again |= twin;
    }
    if (!again) return;
    qsort_r(set->elements, set->count, sizeof(element_t), compare_elements, &compare);
    for (size_t i = 0; i < set->count; i++) {
        const element_t *last = kept == 0 ? NULL : &set->elements[kept - 1];
        bool equal = last != NULL && last->digest != NULL && set->elements[i].digest != NULL &&
                     strcmp(last->name, set->elements[i].name) == 0 &&
                     memcmp(last->digest, set->elements[i].digest, ACTRI_HASH_SIZE) == 0;
        if (!equal) set->elements[kept++] = set->elements[i];
    }
    set->count = kept;
}

static void write_set(writer_t *writer, const char *key, const set_t *set, write_element_t write)
{
    if (set->count == 0) return;
    actri_json_open(writer->json, key, '[');
    for (size_t i = 0; i < set->count && !writer->json->full; i++) write(writer, set->elements[i].node);
    actri_json_close(writer->json, '[');
}

/* The texts of options were checked, but for those of a file that was read with its imports. */
static const actri_proto_text_t *text_in(const actri_proto_value_t *value)
{
    static const actri_proto_text_t none = {"", 0};
    return value->text.data == NULL ? &none : &value->text;
}

/* An option of the file's text that is a string, a bool or an enum's value; under its own name. */
static void write_option(writer_t *writer, const actri_proto_option_t *options, const char *name)
{
    const actri_proto_value_t *value = actri_proto_option(options, name);
    if (value == NULL) return;
    if (value->kind == ACTRI_PROTO_BOOL)
        actri_json_bool(writer->json, name, value->boolean);
    else
        actri_json_bytes(writer->json, name, text_in(value));
}

static void write_option_text(writer_t *writer, const actri_proto_option_t *options, const char *name)
{
    const actri_proto_value_t *value = actri_proto_option(options, name);
    if (value == NULL) return;
    if (value->kind == ACTRI_PROTO_BOOL)
        actri_json_text(writer->json, name, value->boolean ? "true" : "false");
    else
        actri_json_bytes(writer->json, name, text_in(value));
}

/* ---- ranges and reserved names ---- */

static int compare_ranges(const void *a, const void *b)
{
    const actri_proto_range_t *one = *(const actri_proto_range_t *const *)a,
                              *other = *(const actri_proto_range_t *const *)b;
    if (one->start != other->start) return one->start < other->start ? -1 : 1;
    return (one->end > other->end) - (one->end < other->end);
}

/* `beyond` is 1 where the end that is written does not belong to the range. */
static void write_ranges(writer_t *writer, const char *key, const actri_proto_range_t *ranges, int beyond)
{
    size_t count = 0;
    EACH(actri_proto_range_t, range, ranges) count++;
    const actri_proto_range_t **sorted = actri_arena_alloc(writer->arena, count * sizeof *sorted);
    if (count == 0 || sorted == NULL) return;
    count = 0;
    EACH(actri_proto_range_t, range, ranges) sorted[count++] = range;
    qsort(sorted, count, sizeof *sorted, compare_ranges);
    actri_json_open(writer->json, key, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_ranges(&sorted[i - 1], &sorted[i]) == 0) continue;
        actri_json_open(writer->json, NULL, '{');
        actri_json_number(writer->json, "start", sorted[i]->start);
        actri_json_number(writer->json, "end", sorted[i]->end + beyond);
        actri_json_close(writer->json, '{');
    }
    actri_json_close(writer->json, '[');
}

static int compare_texts(const void *a, const void *b)
{
    return actri_proto_text_compare(*(const actri_proto_text_t *const *)a, *(const actri_proto_text_t *const *)b);
}

/* The texts, sorted, each once; *count says how many. NULL: none or no memory. */
static const actri_proto_text_t **sorted_texts(const actri_proto_text_t **texts, size_t *count)
{
    size_t kept = 0;
    if (*count == 0 || texts == NULL) return NULL;
    qsort(texts, *count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || actri_proto_text_compare(texts[kept - 1], texts[i]) != 0) texts[kept++] = texts[i];
    }
    *count = kept;
    return texts;
}

static void write_reserved_names(writer_t *writer, const actri_proto_word_t *words)
{
    size_t count = 0;
    EACH(actri_proto_word_t, word, words) count++;
    const actri_proto_text_t **texts = actri_arena_alloc(writer->arena, count * sizeof *texts);
    if (texts == NULL) return;
    count = 0;
    EACH(actri_proto_word_t, word, words) texts[count++] = &word->text;
    texts = sorted_texts(texts, &count);
    if (texts == NULL) return;
    actri_json_open(writer->json, "reserved_names", '[');
    for (size_t i = 0; i < count; i++) {
        actri_json_open(writer->json, NULL, '{');
        actri_json_bytes(writer->json, "name", texts[i]);
        actri_json_close(writer->json, '{');
    }
    actri_json_close(writer->json, '[');
}

/* ---- fields ---- */

static const char *label_of(const actri_proto_field_t *field)
{
    if (field->label == ACTRI_PROTO_REQUIRED) return "required";
    return field->label == ACTRI_PROTO_REPEATED ? "repeated" : NULL;
}

static void write_field_options(writer_t *writer, const actri_proto_field_t *field)
{
    actri_json_open(writer->json, "options", '{');
    write_option_text(writer, field->options, "ctype");
    if (field->has_default) actri_json_bytes(writer->json, "default", &field->default_text);
    write_option_text(writer, field->options, "deprecated");
    actri_json_bytes(writer->json, "json_name", &field->json_name);
    write_option_text(writer, field->options, "jstype");
    write_option_text(writer, field->options, "packed");
    write_option_text(writer, field->options, "weak");
    actri_json_close(writer->json, '{');
}

static void write_field(writer_t *writer, const actri_proto_field_t *field)
{
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", field->name);
    actri_json_number(writer->json, "number", field->number);
    if (label_of(field) != NULL) actri_json_text(writer->json, "label", label_of(field));
    actri_json_text(writer->json, "type_name", field->type_name);
    if (field->oneof >= 0) actri_json_number(writer->json, "oneof_index", field->oneof);
    if (field->has_default) actri_json_bytes(writer->json, "default", &field->default_text);
    actri_json_bytes(writer->json, "json_name", &field->json_name);
    write_option(writer, field->options, "jstype");
    write_option(writer, field->options, "ctype");
    write_option(writer, field->options, "deprecated");
    write_option(writer, field->options, "weak");
    write_field_options(writer, field);
    actri_json_close(writer->json, '{');
}

static void write_fields(writer_t *writer, const actri_proto_message_t *message)
{
    if (message->field_count == 0) return;
    actri_json_open(writer->json, "fields", '[');
    for (size_t i = 0; i < message->field_count && !writer->json->full; i++) write_field(writer, message->by_number[i]);
    actri_json_close(writer->json, '[');
}

static int compare_extensions(const void *a, const void *b)
{
    const actri_proto_field_t *one = a, *other = b;
    if (one->number != other->number) return one->number < other->number ? -1 : 1;
    int by_extendee = strcmp(one->extendee, other->extendee);
    return by_extendee != 0 ? by_extendee : strcmp(one->type_name, other->type_name);
}

static void write_extension(writer_t *writer, const void *node)
{
    const actri_proto_field_t *field = node;
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", field->name);
    actri_json_number(writer->json, "number", field->number);
    actri_json_text(writer->json, "extendee", field->extendee);
    actri_json_text(writer->json, "type_name", field->type_name);
    if (label_of(field) != NULL) actri_json_text(writer->json, "label", label_of(field));
    if (field->has_default) actri_json_bytes(writer->json, "default", &field->default_text);
    write_option(writer, field->options, "deprecated");
    actri_json_close(writer->json, '{');
}

/* ---- enums ---- */

static int compare_values(const void *a, const void *b)
{
    const actri_proto_enum_value_t *one = *(const actri_proto_enum_value_t *const *)a,
                                   *other = *(const actri_proto_enum_value_t *const *)b;
    if (one->number != other->number) return one->number < other->number ? -1 : 1;
    return strcmp(one->name, other->name);
}

static void write_values(writer_t *writer, const actri_proto_enum_t *enumeration)
{
    size_t count = 0;
    const actri_proto_enum_value_t **sorted =
        actri_arena_alloc(writer->arena, enumeration->value_count * sizeof *sorted);
    if (enumeration->value_count == 0 || sorted == NULL) return;
    EACH(actri_proto_enum_value_t, value, enumeration->values) sorted[count++] = value;
    qsort(sorted, count, sizeof *sorted, compare_values);
    actri_json_open(writer->json, "values", '[');
    for (size_t i = 0; i < count && !writer->json->full; i++) {
        if (i > 0 && compare_values(&sorted[i - 1], &sorted[i]) == 0) continue;
        actri_json_open(writer->json, NULL, '{');
        actri_json_text(writer->json, "name", sorted[i]->name);
        actri_json_number(writer->json, "number", sorted[i]->number);
        actri_json_close(writer->json, '{');
    }
    actri_json_close(writer->json, '[');
}

static void write_enum(writer_t *writer, const void *node)
{
    const actri_proto_enum_t *enumeration = node;
    const actri_proto_option_t *options = enumeration->options;
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", enumeration->name);
    write_values(writer, enumeration);
    write_ranges(writer, "reserved_ranges", enumeration->reserved, 0);
    write_reserved_names(writer, enumeration->reserved_names);
    write_option(writer, options, "allow_alias");
    write_option(writer, options, "deprecated");
    if (actri_proto_option(options, "allow_alias") != NULL || actri_proto_option(options, "deprecated") != NULL) {
        actri_json_open(writer->json, "options", '{');
        write_option_text(writer, options, "allow_alias");
        write_option_text(writer, options, "deprecated");
        actri_json_close(writer->json, '{');
    }
    actri_json_close(writer->json, '{');
}

static int equal_nodes(const void *a, const void *b)
{
    (void)a;
    (void)b;
    return 0;
}

static void write_enums(writer_t *writer, const char *key, const actri_proto_enum_t *enums)
{
    set_t set;
    COLLECT(actri_proto_enum_t, writer, enums, &set);
    order(writer, &set, equal_nodes, write_enum);
    write_set(writer, key, &set, write_enum);
}

/* ---- messages ---- */

/* Messages of one name: the one whose sorted fields come first. */
static int compare_messages(const void *a, const void *b)
{
    const actri_proto_message_t *one = a, *other = b;
    size_t common = one->field_count < other->field_count ? one->field_count : other->field_count;
    for (size_t i = 0; i < common; i++) {
        const actri_proto_field_t *mine = one->by_number[i], *theirs = other->by_number[i];
        if (mine->number != theirs->number) return mine->number < theirs->number ? -1 : 1;
        int by_name = strcmp(mine->name, theirs->name);
        if (by_name != 0) return by_name;
    }
    return (one->field_count > other->field_count) - (one->field_count < other->field_count);
}

static void write_message(writer_t *writer, const void *node);

static void write_messages(writer_t *writer, const char *key, const actri_proto_message_t *messages)
{
    set_t set;
    COLLECT(actri_proto_message_t, writer, messages, &set);
    order(writer, &set, compare_messages, write_message);
    write_set(writer, key, &set, write_message);
}

static void write_oneofs(writer_t *writer, const actri_proto_message_t *message)
{
    if (message->oneofs == NULL) return;
    actri_json_open(writer->json, "oneofs", '[');
    EACH(actri_proto_oneof_t, oneof, message->oneofs) actri_json_text(writer->json, NULL, oneof->name);
    actri_json_close(writer->json, '[');
}

static void write_message(writer_t *writer, const void *node)
{
    const actri_proto_message_t *message = node;
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", message->name);
    write_fields(writer, message);
    write_messages(writer, "nested_messages", message->messages);
    write_enums(writer, "nested_enums", message->enums);
    write_oneofs(writer, message);
    write_ranges(writer, "reserved_ranges", message->reserved, 1);
    write_reserved_names(writer, message->reserved_names);
    write_ranges(writer, "extension_ranges", message->extension_ranges, 1);
    write_option(writer, message->options, "message_set_wire_format");
    write_option(writer, message->options, "no_standard_descriptor_accessor");
    write_option(writer, message->options, "deprecated");
    actri_json_close(writer->json, '{');
}

/* ---- services ---- */

static int compare_methods(const void *a, const void *b)
{
    const actri_proto_method_t *one = a, *other = b;
    int by_input = strcmp(one->input, other->input);
    return by_input != 0 ? by_input : strcmp(one->output, other->output);
}

static void write_method(writer_t *writer, const void *node)
{
    const actri_proto_method_t *method = node;
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", method->name);
    actri_json_text(writer->json, "input_type", method->input);
    actri_json_text(writer->json, "output_type", method->output);
    if (method->client_streaming) actri_json_bool(writer->json, "client_streaming", true);
    if (method->server_streaming) actri_json_bool(writer->json, "server_streaming", true);
    write_option(writer, method->options, "idempotency_level");
    actri_json_close(writer->json, '{');
}

static void write_service(writer_t *writer, const void *node)
{
    const actri_proto_service_t *service = node;
    set_t methods;
    actri_json_open(writer->json, NULL, '{');
    actri_json_text(writer->json, "name", service->name);
    COLLECT(actri_proto_method_t, writer, service->methods, &methods);
    order(writer, &methods, compare_methods, write_method);
    write_set(writer, "methods", &methods, write_method);
    actri_json_close(writer->json, '{');
}

/* ---- the file ---- */

static void write_imports(writer_t *writer, const actri_proto_file_t *file)
{
    size_t count = 0;
    EACH(actri_proto_import_t, import, file->imports) count++;
    const actri_proto_text_t **texts = actri_arena_alloc(writer->arena, count * sizeof *texts);
    if (texts == NULL) return;
    count = 0;
    EACH(actri_proto_import_t, import, file->imports) texts[count++] = &import->path;
    texts = sorted_texts(texts, &count);
    if (texts == NULL) return;
    actri_json_open(writer->json, "imports", '[');
    for (size_t i = 0; i < count; i++) actri_json_bytes(writer->json, NULL, texts[i]);
    actri_json_close(writer->json, '[');
}

static void write_services(writer_t *writer, const actri_proto_file_t *file)
{
    set_t set;
    COLLECT(actri_proto_service_t, writer, file->services, &set);
    order(writer, &set, equal_nodes, write_service);
    write_set(writer, "services", &set, write_service);
}

static void write_extensions(writer_t *writer, const actri_proto_file_t *file)
{
    set_t set;
    COLLECT(actri_proto_field_t, writer, file->extensions, &set);
    order(writer, &set, compare_extensions, write_extension);
    write_set(writer, "extensions", &set, write_extension);
}

bool actri_canonical_write(actri_json_t *json, actri_arena_t *arena, const actri_proto_file_t *file)
{
    static const char *const options[] = {
        "go_package",           "java_package",         "csharp_namespace",       "ruby_package",
        "java_multiple_files",  "java_outer_classname", "java_string_check_utf8", "java_generic_services",
        "objc_class_prefix",    "php_class_prefix",     "php_namespace",          "php_metadata_namespace",
        "php_generic_services", "swift_prefix",         "cc_generic_services",    "cc_enable_arenas",
        "py_generic_services",  "optimize_for",
    };
    writer_t writer = {json, arena};
    actri_json_open(json, NULL, '{');
    if (file->package != NULL) actri_json_text(json, "package", file->package);
    actri_json_text(json, "syntax", file->proto3 ? "proto3" : "proto2");
    write_imports(&writer, file);
    write_messages(&writer, "messages", file->messages);
    write_enums(&writer, "enums", file->enums);
    write_services(&writer, file);
    write_extensions(&writer, file);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) write_option(&writer, file->options, options[i]);
    actri_json_close(json, '{');
    actri_json_flush(json);
    return !arena->failed;
}
