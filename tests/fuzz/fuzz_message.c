/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what is read of a request's message before protobuf-c decodes it: how deep it is nested, and the field that is
 * its key. Of what decodes, the depth is the one that was allowed, and the key is the field's value.
 */
#include "lifecycle/node.h"
#include "proto/pb_depth.h"

#include <actr/service.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 5

typedef struct tree {
    ProtobufCMessage base;
    struct tree *child;
    size_t n_kids;
    struct tree **kids;
    char *text;
    uint64_t number;
    uint32_t fixed;
} tree_t;

static const ProtobufCMessageDescriptor tree_descriptor;

#define FIELD(name_, id_, label_, type_, count_, member_, descriptor_)                                                 \
    {                                                                                                                  \
        .name = (name_), .id = (id_), .label = (label_), .type = (type_), .quantifier_offset = (count_),               \
        .offset = offsetof(tree_t, member_), .descriptor = (descriptor_)                                               \
    }

static const ProtobufCFieldDescriptor fields[] = {
    FIELD("child", 1, PROTOBUF_C_LABEL_OPTIONAL, PROTOBUF_C_TYPE_MESSAGE, 0, child, &tree_descriptor),
    FIELD("kids", 2, PROTOBUF_C_LABEL_REPEATED, PROTOBUF_C_TYPE_MESSAGE, offsetof(tree_t, n_kids), kids,
          &tree_descriptor),
    FIELD("text", 3, PROTOBUF_C_LABEL_NONE, PROTOBUF_C_TYPE_STRING, 0, text, NULL),
    FIELD("number", 4, PROTOBUF_C_LABEL_NONE, PROTOBUF_C_TYPE_UINT64, 0, number, NULL),
    FIELD("fixed", 20, PROTOBUF_C_LABEL_NONE, PROTOBUF_C_TYPE_FIXED32, 0, fixed, NULL),
};
static const unsigned by_name[] = {0, 4, 1, 3, 2};
static const ProtobufCIntRange ranges[] = {{1, 0}, {20, 4}, {0, 5}};
static const ProtobufCMessageDescriptor tree_descriptor = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
    .name = "Tree",
    .short_name = "Tree",
    .c_name = "Tree",
    .package_name = "",
    .sizeof_message = sizeof(tree_t),
    .n_fields = 5,
    .fields = fields,
    .fields_sorted_by_name = by_name,
    .n_field_ranges = 2,
    .field_ranges = ranges,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_message: %s\n", what);
    abort();
}

static unsigned depth_of(const tree_t *tree)
{
    unsigned deepest = tree->child == NULL ? 0 : depth_of(tree->child);
    for (size_t i = 0; i < tree->n_kids; i++) {
        unsigned depth = depth_of(tree->kids[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}

static bool key_of(const char *name, actr_bytes_t payload, uint64_t *number, actr_bytes_t *key)
{
    static const actr_method_t method = {.route = "a.B.C", .request = &tree_descriptor};
    static const actr_service_t service = {"a.B", &method, 1};
    static const actr_service_t *const services[] = {&service};
    static actr_system_t system;
    actr_method_rule_t rule = {.route = "a.B.C", .key = name};
    actr_node_t node = {.system = &system, .workload = {.services = services, .service_count = 1}};
    actr_request_t request = {.route = "a.B.C", .payload = payload};
    system.config.values.methods = &rule;
    system.config.values.method_count = 1;
    demand(actri_node_find_keys(&node, NULL) == ACTR_OK, "no field for a key");
    *number = 0; /* what a field that is not there counts as */
    bool found = actri_node_key_of(&request, number, key, &node);
    actri_free(NULL, node.key_fields);
    return found;
}

/* A text ends at its first zero for C. */
static void check_keys(actr_bytes_t payload, const tree_t *tree)
{
    uint64_t number = 0;
    actr_bytes_t key = {NULL, 0};
    if (!key_of("text", payload, &number, &key)) return; /* ours is the stricter reader */
    const char *text = tree->text == NULL ? "" : tree->text;
    size_t length = strlen(text);
    demand(key.size >= length && memcmp(key.data, text, length) == 0, "another text");
    demand(key_of("number", payload, &number, &key) && number == tree->number, "another number");
    demand(key.data == &number && key.size == sizeof number, "a number elsewhere");
    demand(key_of("fixed", payload, &number, &key) && (uint32_t)number == tree->fixed, "another fixed number");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actr_bytes_t payload = {data, size};
    uint64_t number = 0;
    actr_bytes_t key = {NULL, 0};
    bool shallow = actri_pb_depth_ok(&tree_descriptor, payload, LIMIT);
    (void)key_of("text", payload, &number, &key);
    if (!actri_pb_depth_ok(&tree_descriptor, payload, ACTRI_PB_DEPTH_MAX)) return 0;
    ProtobufCMessage *message = protobuf_c_message_unpack(&tree_descriptor, NULL, size, data);
    if (message == NULL) return 0;
    const tree_t *tree = (const tree_t *)message;
    demand(shallow == (depth_of(tree) <= LIMIT), "another depth");
    check_keys(payload, tree);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}
