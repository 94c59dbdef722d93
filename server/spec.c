/* SPDX-License-Identifier: Apache-2.0 */
/* ServiceSpec in its two forms: told apart by the wire type of field 4 (levels 5.1). */
#include "server/registry.h"

#include "proto/pbwire.h"

char actri_spec_form(const void *data, size_t size)
{
    actri_pb_reader_t reader = {data, (const uint8_t *)data + size};
    actri_pb_field_t field;
    actri_pb_next_t next;
    char form = 'A';
    while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        if (field.number == 4 && field.wire == 2) form = 'B';
    }
    return next == ACTRI_PB_BAD ? '?' : form;
}

static bool keep(const actri_env_t *env, actri_spec_t *out, const char *name, const char *description,
                 const char *fingerprint, const void *data, size_t size)
{
    out->name = actri_strdup(env, name);
    out->description = actri_strdup(env, description);
    out->fingerprint = actri_strdup(env, fingerprint == NULL ? "" : fingerprint);
    out->bytes = actri_memdup(env, data, size);
    out->size = size;
    out->present = out->fingerprint != NULL && out->bytes != NULL;
    return out->present;
}

bool actri_spec_parse(const actri_env_t *env, const void *data, size_t size, actri_spec_t *out)
{
    bool good = false;
    memset(out, 0, sizeof *out);
    out->form = actri_spec_form(data, size);
    if (out->form == 'B') {
        Actr__ServiceSpecB *spec = actr__service_spec_b__unpack(NULL, size, data);
        if (spec == NULL) return false;
        good = keep(env, out, spec->name, spec->description, spec->fingerprint, data, size);
        actr__service_spec_b__free_unpacked(spec, NULL);
    } else if (out->form == 'A') {
        Actr__ServiceSpecA *spec = actr__service_spec_a__unpack(NULL, size, data);
        if (spec == NULL) return false;
        good = keep(env, out, NULL, spec->description, spec->fingerprint, data, size);
        actr__service_spec_a__free_unpacked(spec, NULL);
    }
    return good;
}

static uint8_t *pack(const actri_env_t *env, const ProtobufCMessage *message, size_t *size)
{
    *size = protobuf_c_message_get_packed_size(message);
    uint8_t *out = actri_alloc(env, *size);
    if (out != NULL) (void)protobuf_c_message_pack(message, out);
    return out;
}

static uint8_t *a_to_b(const actri_env_t *env, const actri_spec_t *spec, size_t *size)
{
    Actr__ServiceSpecA *a = actr__service_spec_a__unpack(NULL, spec->size, spec->bytes);
    if (a == NULL) return NULL;
    static char empty[1];
    Actr__ServiceSpecB b = ACTR__SERVICE_SPEC_B__INIT;
    b.name = spec->name == NULL ? empty : spec->name;
    b.description = a->description;
    b.fingerprint = a->fingerprint;
    b.n_protobufs = a->n_protobufs;
    b.protobufs = a->protobufs;
    b.has_published_at = a->has_published_at;
    b.published_at = a->published_at;
    b.n_tags = a->n_tags;
    b.tags = a->tags;
    uint8_t *out = pack(env, &b.base, size);
    actr__service_spec_a__free_unpacked(a, NULL);
    return out;
}

static uint8_t *b_to_a(const actri_env_t *env, const actri_spec_t *spec, size_t *size)
{
    Actr__ServiceSpecB *b = actr__service_spec_b__unpack(NULL, spec->size, spec->bytes);
    if (b == NULL) return NULL;
    Actr__ServiceSpecA a = ACTR__SERVICE_SPEC_A__INIT;
    a.description = b->description;
    a.fingerprint = b->fingerprint;
    a.n_protobufs = b->n_protobufs;
    a.protobufs = b->protobufs;
    a.has_published_at = b->has_published_at;
    a.published_at = b->published_at;
    a.n_tags = b->n_tags;
    a.tags = b->tags;
    uint8_t *out = pack(env, &a.base, size);
    actr__service_spec_b__free_unpacked(b, NULL);
    return out;
}

uint8_t *actri_spec_write(const actri_env_t *env, const actri_spec_t *spec, char form, size_t *size)
{
    if (form == spec->form) {
        *size = spec->size;
        return actri_memdup(env, spec->bytes, spec->size);
    }
    return form == 'B' ? a_to_b(env, spec, size) : b_to_a(env, spec, size);
}

void actri_spec_clear(const actri_env_t *env, actri_spec_t *spec)
{
    actri_free(env, spec->name);
    actri_free(env, spec->description);
    actri_free(env, spec->fingerprint);
    actri_free(env, spec->bytes);
    memset(spec, 0, sizeof *spec);
}
