/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pbwire.h"

#include "base/utf8.h"

static bool read_varint(actri_pb_reader_t *reader, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (reader->at == reader->end) return false;
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1) return false;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *value = result;
            return true;
        }
    }
    return false;
}

static bool read_fixed(actri_pb_reader_t *reader, size_t size, uint64_t *value)
{
    if ((size_t)(reader->end - reader->at) < size) return false;
    *value = 0;
    for (size_t i = 0; i < size; i++) *value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += size;
    return true;
}

actri_pb_next_t actri_pb_read(actri_pb_reader_t *reader, actri_pb_field_t *field)
{
    if (reader->at == reader->end) return ACTRI_PB_END;
    uint64_t tag, size;
    if (!read_varint(reader, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return ACTRI_PB_BAD;
    field->number = (uint32_t)(tag >> 3);
    field->wire = (uint32_t)(tag & 7);
    field->bytes = actri_span(NULL, 0);
    field->value = 0;
    switch (field->wire) {
    case 0: return read_varint(reader, &field->value) ? ACTRI_PB_FIELD : ACTRI_PB_BAD;
    case 1: return read_fixed(reader, 8, &field->value) ? ACTRI_PB_FIELD : ACTRI_PB_BAD;
    case 5: return read_fixed(reader, 4, &field->value) ? ACTRI_PB_FIELD : ACTRI_PB_BAD;
    case 2:
        if (!read_varint(reader, &size) || size > (uint64_t)(reader->end - reader->at)) return ACTRI_PB_BAD;
        field->bytes = actri_span(reader->at, (size_t)size);
        reader->at += size;
        return ACTRI_PB_FIELD;
    default: return ACTRI_PB_BAD;
    }
}

size_t actri_pb_varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

uint8_t *actri_pb_put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

size_t actri_pb_bytes_size(uint32_t number, size_t size)
{
    return actri_pb_varint_size((uint64_t)number << 3 | 2) + actri_pb_varint_size(size) + size;
}

uint8_t *actri_pb_put_header(uint8_t *at, uint32_t number, size_t size)
{
    at = actri_pb_put_varint(at, (uint64_t)number << 3 | 2);
    return actri_pb_put_varint(at, size);
}

uint8_t *actri_pb_put_bytes(uint8_t *at, uint32_t number, actri_span_t bytes)
{
    at = actri_pb_put_header(at, number, bytes.size);
    if (bytes.size > 0) memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

size_t actri_pb_uint_size(uint32_t number, uint64_t value)
{
    return actri_pb_varint_size((uint64_t)number << 3) + actri_pb_varint_size(value);
}

uint8_t *actri_pb_put_uint(uint8_t *at, uint32_t number, uint64_t value)
{
    at = actri_pb_put_varint(at, (uint64_t)number << 3);
    return actri_pb_put_varint(at, value);
}

/* How many bytes from here on are ASCII; */
static size_t ascii_prefix(const uint8_t *at, size_t left)
{
    size_t length = 0;
    for (uint64_t word; left - length >= sizeof word; length += sizeof word) {
        memcpy(&word, at + length, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) break;
    }
    while (length < left && at[length] < 0x80) length++;
    return length;
}

bool actri_utf8_valid(actri_span_t text)
{
    for (size_t at = 0; at < text.size;) {
        at += ascii_prefix(text.data + at, text.size - at);
        if (at == text.size) return true;
        size_t length = actri_utf8_length(text.data + at, text.size - at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}
