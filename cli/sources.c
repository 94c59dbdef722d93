/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include "actr.pb-c.h"
#include "lifecycle/node.h"
#include "server/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- files ---- */

static actr_status_t read_stream(actri_arena_t *arena, FILE *file, const char *path, size_t most,
                                 actri_proto_text_t *out, actr_error_t *error)
{
    actri_text_t text = {.env = NULL};
    char block[16384];
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0 && text.size <= most)
        actri_text_add_bytes(&text, block, size);
    actr_status_t status = ACTR_OK;
    if (ferror(file))
        status = actri_fail(error, ACTR_STATUS_IO, "%.200s: %s", path, strerror(errno));
    else if (text.size > most)
        status = actri_fail(error, ACTR_STATUS_TOO_LARGE, "%.200s: more than %zu bytes", path, most);
    else if (text.failed || (out->data = actri_arena_strndup(arena, text.data, text.size)) == NULL)
        status = actri_no_memory(error);
    out->size = text.size;
    actri_free(NULL, text.data);
    return status;
}

actr_status_t sources_read(actri_arena_t *arena, const char *path, size_t most, actri_proto_text_t *out,
                           actr_error_t *error)
{
    if (strcmp(path, "-") == 0) return read_stream(arena, stdin, "standard input", most, out, error);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return actri_fail(error, ACTR_STATUS_IO, "%.200s: %s", path, strerror(errno));
    actr_status_t status = read_stream(arena, file, path, most, out, error);
    (void)fclose(file);
    return status;
}

/* Only a regular file, which no link outside the folder leads to, unless it is a contract as well. */
static bool read_below(sources_t *sources, const char *folder, const char *path, actri_proto_text_t *out)
{
    actri_config_source_t files = actri_config_source_real();
    char full[1024], *data;
    bool stays;
    int size = snprintf(full, sizeof full, "%s/%s", folder, path);
    if (size < 0 || (size_t)size >= sizeof full) return false;
    if (!actri_path_stays(&files, NULL, folder, full, ".proto", &stays) || !stays) return false;
    if (files.read(files.user, NULL, full, ACTRI_PROTO_TEXT_MAX, &data, &out->size, NULL) != ACTR_OK) return false;
    out->data = actri_arena_strndup(&sources->arena, data, out->size);
    actri_free(NULL, data);
    return out->data != NULL;
}

/* ---- imports: the reader has refused paths that lead out of a folder ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool find_export(const sources_t *sources, const char *path, actri_proto_text_t *out)
{
    const actri_manifest_t *manifest = &sources->client->manifest;
    for (size_t i = 0; sources->client->has_manifest && i < manifest->export_count; i++) {
        const actri_manifest_export_t *export = &manifest->exports[i];
        size_t size = strlen(export->path), tail = strlen(path);
        bool same = size >= tail && strcmp(export->path + size - tail, path) == 0;
        if (!same || (size > tail && export->path[size - tail - 1] != '/')) continue;
        *out = (actri_proto_text_t){export->content, export->size};
        return true;
    }
    return false;
}

/* A specification names its texts by the file's name without folder and ".proto". */
static bool find_in_spec(const sources_t *sources, const char *path, actri_proto_text_t *out)
{
    const Actr__ServiceSpecA *spec = sources->spec;
    const char *name = last_part(path), *dot = strrchr(name, '.');
    size_t size = dot == NULL ? strlen(name) : (size_t)(dot - name);
    for (size_t i = 0; spec != NULL && i < spec->n_protobufs; i++) {
        const Actr__Protobuf *text = spec->protobufs[i];
        if (text->package == NULL || text->content == NULL) continue;
        if (strlen(text->package) != size || memcmp(text->package, name, size) != 0) continue;
        *out = (actri_proto_text_t){text->content, strlen(text->content)};
        return true;
    }
    return false;
}

static bool find(void *user, const char *path, actri_proto_text_t *out)
{
    sources_t *sources = user;
    if (sources->spec != NULL) return find_in_spec(sources, path, out);
    if (sources->own_folder[0] == '\0') return find_export(sources, path, out);
    if (read_below(sources, sources->own_folder, path, out)) return true;
    for (size_t i = 0; i < sources->folder_count; i++) {
        if (read_below(sources, sources->folders[i], path, out)) return true;
    }
    return false;
}

/* ---- the three sources ---- */

static actr_status_t add_file(sources_t *sources, const char *path, actr_error_t *error)
{
    actri_proto_text_t text;
    const char *slash = strrchr(path, '/');
    int size = slash == NULL
                   ? snprintf(sources->own_folder, sizeof sources->own_folder, ".")
                   : snprintf(sources->own_folder, sizeof sources->own_folder, "%.*s/", (int)(slash - path), path);
    if (size < 0 || (size_t)size >= sizeof sources->own_folder)
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the path of the .proto file is too long");
    actr_status_t status = sources_read(&sources->arena, path, ACTRI_PROTO_TEXT_MAX, &text, error);
    return status != ACTR_OK ? status : contract_add(&sources->contract, last_part(path), text.data, text.size, error);
}

static actr_status_t add_exports(sources_t *sources, actr_error_t *error)
{
    const actri_manifest_t *manifest = &sources->client->manifest;
    actr_status_t status = ACTR_OK;
    for (size_t i = 0; status == ACTR_OK && i < manifest->export_count; i++) {
        const actri_manifest_export_t *export = &manifest->exports[i];
        status = contract_add(&sources->contract, last_part(export->path), export->content, export->size, error);
    }
    return status;
}

/* Both forms as A: what is needed of them is the same. NULL: it does not decode. */
static Actr__ServiceSpecA *decode(const actr_bytes_t *bytes)
{
    if (actri_spec_form(bytes->data, bytes->size) != 'B')
        return actr__service_spec_a__unpack(NULL, bytes->size, bytes->data);
    Actr__ServiceSpecB *b = actr__service_spec_b__unpack(NULL, bytes->size, bytes->data);
    Actr__ServiceSpecA *a = b == NULL ? NULL : actr__service_spec_a__unpack(NULL, 0, NULL);
    if (a != NULL) { /* the texts change hands */
        a->n_protobufs = b->n_protobufs;
        a->protobufs = b->protobufs;
        b->n_protobufs = 0;
        b->protobufs = NULL;
    }
    actr__service_spec_b__free_unpacked(b, NULL);
    return a;
}

static actr_status_t add_texts(sources_t *sources, const actr_bytes_t *bytes, actr_error_t *error)
{
    Actr__ServiceSpecA *spec = decode(bytes);
    actr_status_t status =
        spec == NULL ? actri_fail(error, ACTR_STATUS_DECODE, "the server's ServiceSpec is broken") : ACTR_OK;
    sources->spec = spec;
    for (size_t i = 0; status == ACTR_OK && i < spec->n_protobufs; i++) {
        const Actr__Protobuf *text = spec->protobufs[i];
        char name[256];
        if (text->package == NULL || text->content == NULL) continue;
        (void)snprintf(name, sizeof name, "%.200s.proto", text->package);
        const char *copy = actri_arena_strndup(&sources->arena, text->content, strlen(text->content));
        status =
            copy == NULL ? actri_no_memory(error) : contract_add(&sources->contract, name, copy, strlen(copy), error);
    }
    sources->spec = NULL;
    if (spec != NULL) actr__service_spec_a__free_unpacked(spec, NULL);
    return status;
}

/* Asks for "acme+Thermo", as our server knows it, then for "Thermo". */
static actr_status_t add_spec(sources_t *sources, const actr_type_t *type, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (int i = 0; i < 2; i++) {
        actri_question_t question = {.kind = ACTRI_QUESTION_SPEC};
        actr_bytes_t *answers = NULL;
        size_t count = 0;
        if (i == 0)
            (void)actr_type_print(type, question.name);
        else
            (void)snprintf(question.name, sizeof question.name, "%s", type->name);
        status = actri_ctx_ask(client_ctx(sources->client), &question, client_left(sources->client), &sources->arena,
                               &answers, &count, error);
        if (status == ACTR_OK && count > 0) return add_texts(sources, &answers[0], error);
        if (status != ACTR_STATUS_SIGNALING_REJECTED) break;
    }
    if (status == ACTR_STATUS_SIGNALING_REJECTED || status == ACTR_STATUS_TIMEOUT) {
        char text[ACTR_TYPE_TEXT_SIZE];
        return actri_fail(error, ACTR_STATUS_NOT_FOUND,
                          "the server has no contract of %s (the service exports none); give --proto FILE or --raw hex",
                          actr_type_print(type, text));
    }
    return status;
}

void sources_init(sources_t *sources, client_t *client)
{
    memset(sources, 0, sizeof *sources);
    sources->client = client;
    actri_arena_init(&sources->arena, NULL);
    contract_init(&sources->contract, find, sources);
}

void sources_clear(sources_t *sources)
{
    contract_clear(&sources->contract);
    actri_arena_clear(&sources->arena);
}

actr_status_t sources_method(sources_t *sources, const char *path, const actr_type_t *type, const char *route,
                             contract_method_t *out, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    if (path != NULL) {
        status = add_file(sources, path, error);
        return status == ACTR_OK ? contract_method(&sources->contract, route, out, error) : status;
    }
    if (sources->client->has_manifest && sources->client->manifest.export_count > 0) {
        status = add_exports(sources, error);
        if (status != ACTR_OK || contract_method(&sources->contract, route, out, NULL) == ACTR_OK) return status;
        contract_clear(&sources->contract); /* the contract of another service */
        contract_init(&sources->contract, find, sources);
    }
    status = add_spec(sources, type, error);
    return status == ACTR_OK ? contract_method(&sources->contract, route, out, error) : status;
}
