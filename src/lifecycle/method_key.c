/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of [methods]: a field of the request, found by its name when the workload is attached, and in each request
 * by its number, without decoding the rest. [any-thread]
 */
#include <actr/service.h>

#include "lifecycle/node.h"
#include "proto/pbwire.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

static const actr_method_t *find_method(const actr_workload_t *workload, const char *route)
{
    for (size_t i = 0; i < workload->service_count; i++) {
        const actr_method_t *method = actr_service_find(workload->services[i], route);
        if (method != NULL) return method;
    }
    return NULL;
}

/* UINT32_MAX: no key. */
static uint32_t wire_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return 2;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: return 5;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: return 1;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_MESSAGE: return UINT32_MAX;
    default: return 0;
    }
}

static actr_status_t find_key(const actr_workload_t *workload, const actr_method_rule_t *rule, actri_key_field_t *out,
                              actr_error_t *error)
{
    const actr_method_t *method = find_method(workload, rule->route);
    if (method == NULL) {
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID,
                          "methods.\"%.100s\".key: the workload has no typed method of that route", rule->route);
    }
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(method->request, rule->key);
    if (field == NULL) {
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "methods.\"%.100s\".key: %s has no field \"%.60s\"",
                          rule->route, method->request->name, rule->key);
    }
    out->wire = wire_of(field);
    out->number = field->id;
    if (field->label != PROTOBUF_C_LABEL_REPEATED && out->wire != UINT32_MAX) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID,
                      "methods.\"%.100s\".key: %.60s is no whole number, text or bytes, or is repeated", rule->route,
                      rule->key);
}

actr_status_t actri_node_find_keys(actr_node_t *node, actr_error_t *error)
{
    const actr_config_t *config = &node->system->config.values;
    actr_status_t status = ACTR_OK;
    node->keyed = node->workload.key_of != NULL;
    if (config->method_count == 0) return ACTR_OK;
    node->key_fields = actri_zalloc(&node->system->env, config->method_count * sizeof *node->key_fields);
    if (node->key_fields == NULL) return actri_no_memory(error);
    for (size_t i = 0; status == ACTR_OK && i < config->method_count; i++) {
        if (config->methods[i].key == NULL) continue;
        status = find_key(&node->workload, &config->methods[i], &node->key_fields[i], error);
        node->keyed = true;
    }
    return status;
}

/* The last value counts, as when it is decoded; none is the default, 0 or "". False: these bytes are no message. */
static bool read_key(actr_bytes_t payload, const actri_key_field_t *wanted, uint64_t *number, actr_bytes_t *key)
{
    static const uint8_t nothing[1];
    const uint8_t *at = payload.size == 0 ? nothing : payload.data;
    actri_pb_reader_t reader = {at, at + payload.size};
    actri_pb_field_t field;
    actri_pb_next_t next;
    *key = wanted->wire == 2 ? (actr_bytes_t){nothing, 0} : (actr_bytes_t){number, sizeof *number};
    while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        if (field.number != wanted->number || field.wire != wanted->wire) continue;
        *number = field.value;
        if (wanted->wire == 2) *key = (actr_bytes_t){field.bytes.data, field.bytes.size};
    }
    return next == ACTRI_PB_END;
}

bool actri_node_key_of(const actr_request_t *request, uint64_t *number, actr_bytes_t *key, void *user)
{
    const actr_node_t *node = user;
    const actr_config_t *config = &node->system->config.values;
    const actr_method_rule_t *rule = actri_config_method(config, request->route, strlen(request->route));
    if (rule != NULL && rule->key != NULL) {
        return read_key(request->payload, &node->key_fields[rule - config->methods], number, key);
    }
    return node->workload.key_of != NULL && node->workload.key_of(request, key, node->workload.user);
}
