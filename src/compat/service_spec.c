/* SPDX-License-Identifier: Apache-2.0 */
/* From the exported .proto texts to the encoded message. Pure: the time comes from outside. */
#include "compat/service_spec.h"

#include "compat/fingerprint.h"

#include "actr.pb-c.h"

#include <string.h>

/* What the message points into. */
typedef struct parts {
    actri_arena_t arena;
    actri_proto_source_t *sources;
    actri_fingerprint_t service, *files;
    Actr__Protobuf *protobufs;
    Actr__Protobuf **list;
} parts_t;

/* "a/b/echo.proto": "echo.proto" */
static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* "user.v1.proto": "user.v1"; a name that only begins with a dot has no extension. */
static char *stem(parts_t *parts, const char *name)
{
    const char *dot = strrchr(name, '.');
    return actri_arena_strndup(&parts->arena, name, dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name));
}

static bool make_room(parts_t *parts, size_t count)
{
    parts->sources = actri_arena_alloc(&parts->arena, count * sizeof *parts->sources);
    parts->files = actri_arena_alloc(&parts->arena, count * sizeof *parts->files);
    parts->protobufs = actri_arena_alloc(&parts->arena, count * sizeof *parts->protobufs);
    parts->list = actri_arena_alloc(&parts->arena, count * sizeof(Actr__Protobuf *));
    return !parts->arena.failed;
}

static actr_status_t make_parts(parts_t *parts, const actr_config_t *config, actr_error_t *error)
{
    if (!make_room(parts, config->export_count)) return actri_no_memory(error);
    for (size_t i = 0; i < config->export_count; i++) {
        const actr_export_t *from = &config->exports[i];
        parts->sources[i] =
            (actri_proto_source_t){last_component(from->file_name), from->content, strlen(from->content)};
    }
    actr_status_t status = actri_fingerprint_service(parts->arena.env, parts->sources, config->export_count,
                                                     &parts->service, parts->files, error);
    if (status != ACTR_OK) return status;
    for (size_t i = 0; i < config->export_count; i++) {
        Actr__Protobuf *protobuf = &parts->protobufs[i];
        actr__protobuf__init(protobuf);
        protobuf->package = stem(parts, parts->sources[i].name);
        protobuf->content = (char *)(uintptr_t)parts->sources[i].text; /* protobuf-c knows no const */
        protobuf->fingerprint = parts->files[i].text;
        parts->list[i] = protobuf;
        if (protobuf->package == NULL) return actri_no_memory(error);
    }
    return ACTR_OK;
}

static actr_status_t pack(const actri_env_t *env, const ProtobufCMessage *message, uint8_t **out, size_t *size,
                          actr_error_t *error)
{
    *size = protobuf_c_message_get_packed_size(message);
    *out = actri_alloc(env, *size);
    if (*out == NULL) return actri_no_memory(error);
    (void)protobuf_c_message_pack(message, *out);
    return ACTR_OK;
}

static char *changeable(const char *text)
{
    return (char *)(uintptr_t)text;
}

static actr_status_t encode_a(const actri_env_t *env, const actr_config_t *config, parts_t *parts, int64_t now_s,
                              uint8_t **out, size_t *size, actr_error_t *error)
{
    Actr__ServiceSpecA spec = ACTR__SERVICE_SPEC_A__INIT;
    spec.description = changeable(config->description);
    spec.fingerprint = parts->service.text;
    spec.n_protobufs = config->export_count;
    spec.protobufs = parts->list;
    spec.has_published_at = true;
    spec.published_at = now_s;
    spec.n_tags = config->tag_count;
    spec.tags = (char **)(uintptr_t)config->tags;
    return pack(env, &spec.base, out, size, error);
}

static actr_status_t encode_b(const actri_env_t *env, const actr_config_t *config, parts_t *parts, int64_t now_s,
                              uint8_t **out, size_t *size, actr_error_t *error)
{
    Actr__ServiceSpecB spec = ACTR__SERVICE_SPEC_B__INIT;
    spec.name = changeable(config->package_name == NULL ? config->name : config->package_name);
    spec.description = changeable(config->description);
    spec.fingerprint = parts->service.text;
    spec.n_protobufs = config->export_count;
    spec.protobufs = parts->list;
    spec.has_published_at = true;
    spec.published_at = now_s;
    spec.n_tags = config->tag_count;
    spec.tags = (char **)(uintptr_t)config->tags;
    return pack(env, &spec.base, out, size, error);
}

actr_status_t actri_service_spec_encode(const actri_env_t *env, const actr_config_t *config, char form, int64_t now_s,
                                        uint8_t **out, size_t *size, actr_error_t *error)
{
    parts_t parts = {.sources = NULL};
    *out = NULL;
    *size = 0;
    if (config->export_count == 0) return ACTR_OK;
    if (now_s < 0) return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the clock stands before 1970");
    actri_arena_init(&parts.arena, env);
    actr_status_t status = make_parts(&parts, config, error);
    if (status == ACTR_OK) status = (form == 'B' ? encode_b : encode_a)(env, config, &parts, now_s, out, size, error);
    actri_arena_clear(&parts.arena);
    return status;
}
