/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/meta.h"

bool actri_pb_take_text(const actri_pb_field_t *field, actri_span_t *out)
{
    if (field->wire != 2 || !actri_utf8_valid(field->bytes)) return false;
    *out = field->bytes;
    return true;
}

static bool decode(actri_span_t bytes, actri_meta_t *out)
{
    actri_pb_reader_t reader = {bytes.data, bytes.data + bytes.size};
    actri_pb_field_t field;
    actri_pb_next_t next;
    out->key = out->value = actri_span(NULL, 0);
    while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        if (field.number == 1 && !actri_pb_take_text(&field, &out->key)) return false;
        if (field.number == 2 && !actri_pb_take_text(&field, &out->value)) return false;
    }
    return next == ACTRI_PB_END;
}

const char *actri_meta_take(const actri_pb_field_t *field, actri_meta_t entries[ACTRI_METADATA_MAX], size_t *count)
{
    if (*count == ACTRI_METADATA_MAX) return "too many metadata entries";
    if (field->wire != 2 || !decode(field->bytes, &entries[*count])) return "metadata is not a MetadataEntry";
    (*count)++;
    return NULL;
}

const char *actri_meta_fault(const actr_metadata_t *entries, size_t count)
{
    if (count > 0 && entries == NULL) return "the metadata is NULL";
    for (size_t i = 0; i < count; i++) {
        if (entries[i].key == NULL || entries[i].value == NULL) return "a metadata entry has no key or no value";
        if (!actri_utf8_valid(actri_span_text(entries[i].key)) || !actri_utf8_valid(actri_span_text(entries[i].value)))
            return "a metadata entry is not UTF-8";
    }
    return NULL;
}

static size_t entry_size(const actri_meta_t *meta)
{
    return actri_pb_bytes_size(1, meta->key.size) + actri_pb_bytes_size(2, meta->value.size);
}

size_t actri_meta_size(uint32_t number, const actri_meta_t *entries, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += actri_pb_bytes_size(number, entry_size(&entries[i]));
    return size;
}

uint8_t *actri_meta_put(uint8_t *at, uint32_t number, const actri_meta_t *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = actri_pb_put_header(at, number, entry_size(&entries[i]));
        at = actri_pb_put_bytes(at, 1, entries[i].key);
        at = actri_pb_put_bytes(at, 2, entries[i].value);
    }
    return at;
}
