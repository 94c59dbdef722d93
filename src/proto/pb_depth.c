/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tags of a message, and of its fields that are messages. */
#include "proto/pb_depth.h"

#include <protobuf-c/protobuf-c.h>

typedef struct cursor {
    const uint8_t *at, *end;
} cursor_t;

static bool varint(cursor_t *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static bool skip(cursor_t *in, uint64_t size)
{
    if (size > (uint64_t)(in->end - in->at)) return false;
    in->at += size;
    return true;
}

/* The message that field `number` holds, or NULL. protobuf-c too keeps 32 bits of a number. */
static const ProtobufCMessageDescriptor *submessage(const ProtobufCMessageDescriptor *descriptor, uint32_t number)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, number);
    if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE) return NULL;
    return field->descriptor;
}

/* One field behind its tag; *inner are the bytes of a length-delimited one. False: broken. */
static bool field_body(cursor_t *in, unsigned wire_type, actr_bytes_t *inner)
{
    uint64_t value;
    size_t length;
    switch (wire_type) {
    case 0: return varint(in, &value);
    case 1: return skip(in, 8);
    case 2:
        if (!varint(in, &value)) return false;
        length = (size_t)value; /* as protobuf-c keeps it, also where that cuts it off */
        *inner = (actr_bytes_t){in->at, length};
        return skip(in, length); /* false: it is more than there is */
    case 5: return skip(in, 4);
    default: return false; /* groups: protobuf-c refuses them */
    }
}

bool actri_pb_depth_ok(const struct ProtobufCMessageDescriptor *descriptor, actr_bytes_t bytes, unsigned limit)
{
    if (limit == 0) return false;
    if (bytes.size == 0) return true;
    const uint8_t *data = bytes.data;
    cursor_t in = {data, data + bytes.size};
    while (in.at < in.end) {
        uint64_t tag;
        actr_bytes_t inner = {NULL, 0};
        if (!varint(&in, &tag) || !field_body(&in, (unsigned)(tag & 7), &inner)) return true;
        const ProtobufCMessageDescriptor *sub = (tag & 7) == 2 ? submessage(descriptor, (uint32_t)(tag >> 3)) : NULL;
        if (sub != NULL && !actri_pb_depth_ok(sub, inner, limit - 1)) return false;
    }
    return true;
}
