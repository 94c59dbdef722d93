/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of canonical texts. Pure but for OpenSSL. */
#include "compat/fingerprint.h"

#include "compat/canonical.h"
#include "compat/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_digest(actri_fingerprint_t *out, const char *prefix, const uint8_t digest[ACTRI_HASH_SIZE])
{
    int size = snprintf(out->text, sizeof out->text, "%s", prefix);
    for (int i = 0; i < ACTRI_HASH_SIZE; i++)
        size += snprintf(out->text + size, sizeof out->text - (size_t)size, "%02x", digest[i]);
}

/* Writes the canonical text of a file to `write`. */
static actr_status_t canonical(actri_proto_set_t *set, const actri_proto_file_t *file,
                               void (*write)(void *user, const void *data, size_t size), void *user,
                               actr_error_t *error)
{
    actri_json_t *json = actri_arena_alloc(&set->arena, sizeof *json);
    if (json == NULL) return actri_no_memory(error);
    actri_json_init(json, ACTRI_CANONICAL_MAX, write, user);
    if (!actri_canonical_write(json, &set->arena, file)) return actri_no_memory(error);
    if (!json->full) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_PROTO_UNSUPPORTED, "%.200s: its canonical text is larger than %zu bytes",
                      file->name, ACTRI_CANONICAL_MAX);
}

actr_status_t actri_fingerprint_of(actri_proto_set_t *set, const actri_proto_file_t *file, actri_fingerprint_t *out,
                                   actr_error_t *error)
{
    actri_hash_t hash;
    uint8_t digest[ACTRI_HASH_SIZE];
    actri_hash_begin(&hash);
    actr_status_t status = canonical(set, file, actri_hash_add, &hash, error);
    bool hashed = actri_hash_end(&hash, digest);
    if (status == ACTR_OK && !hashed) status = actri_no_memory(error);
    if (status == ACTR_OK) print_digest(out, "semantic:", digest);
    return status;
}

actr_status_t actri_fingerprint_file(const actri_env_t *env, const actri_proto_source_t *source,
                                     actri_fingerprint_t *out, actr_error_t *error)
{
    actri_proto_set_t set;
    const actri_proto_file_t *file;
    actri_proto_set_init(&set, env);
    actr_status_t status =
        actri_proto_read(&set, source->name, source->text, source->size, ACTRI_PROTO_AS_REFERENCE, &file, error);
    if (status == ACTR_OK) status = actri_fingerprint_of(&set, file, out, error);
    actri_proto_set_clear(&set);
    return status;
}

static int compare_sources(const void *a, const void *b)
{
    const actri_proto_source_t *one = *(const actri_proto_source_t *const *)a,
                               *other = *(const actri_proto_source_t *const *)b;
    int by_name = strcmp(one->name, other->name);
    return by_name != 0 ? by_name : (one > other) - (one < other); /* they stand in one array */
}

static actr_status_t hash_service(const actri_env_t *env, const actri_proto_source_t *const *sorted,
                                  const actri_proto_source_t *sources, size_t count, actri_hash_t *hash,
                                  actri_fingerprint_t *files, actr_error_t *error)
{
    for (size_t i = 0; i < count; i++) {
        actri_fingerprint_t one;
        actr_status_t status = actri_fingerprint_file(env, sorted[i], &one, error);
        if (status != ACTR_OK) return status;
        if (i > 0) actri_hash_add(hash, "\n", 1);
        actri_hash_add(hash, sorted[i]->name, strlen(sorted[i]->name));
        const char *digits = strchr(one.text, ':');
        actri_hash_add(hash, digits, strlen(digits));
        if (files != NULL) files[sorted[i] - sources] = one;
    }
    return ACTR_OK;
}

actr_status_t actri_fingerprint_service(const actri_env_t *env, const actri_proto_source_t *sources, size_t count,
                                        actri_fingerprint_t *out, actri_fingerprint_t *files, actr_error_t *error)
{
    actri_hash_t hash;
    uint8_t digest[ACTRI_HASH_SIZE];
    const actri_proto_source_t **sorted = actri_alloc(env, count * sizeof *sorted);
    if (sorted == NULL) return actri_no_memory(error);
    for (size_t i = 0; i < count; i++) sorted[i] = &sources[i];
    if (count > 1) qsort(sorted, count, sizeof *sorted, compare_sources);
    actri_hash_begin(&hash);
    actr_status_t status = hash_service(env, sorted, sources, count, &hash, files, error);
    bool hashed = actri_hash_end(&hash, digest);
    actri_free(env, sorted);
    if (status == ACTR_OK && !hashed) status = actri_no_memory(error);
    if (status == ACTR_OK) print_digest(out, "service_semantic:", digest);
    return status;
}

typedef struct text {
    const actri_env_t *env;
    char *data;
    size_t size, capacity;
    bool failed;
} text_t;

static void add(void *user, const void *data, size_t size)
{
    text_t *text = user;
    if (text->failed) return;
    if (size + 1 > text->capacity - text->size) {
        size_t capacity = 2 * (text->size + size + 1);
        char *larger = actri_realloc(text->env, text->data, capacity);
        if (larger == NULL) {
            text->failed = true;
            return;
        }
        text->data = larger;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

actr_status_t actri_canonical_text(const actri_env_t *env, const actri_proto_source_t *source, char **out, size_t *size,
                                   actr_error_t *error)
{
    actri_proto_set_t set;
    const actri_proto_file_t *file;
    text_t text = {.env = env};
    actri_proto_set_init(&set, env);
    actr_status_t status =
        actri_proto_read(&set, source->name, source->text, source->size, ACTRI_PROTO_AS_REFERENCE, &file, error);
    if (status == ACTR_OK) status = canonical(&set, file, add, &text, error);
    if (status == ACTR_OK && text.failed) status = actri_no_memory(error);
    if (status != ACTR_OK) actri_free(env, text.data);
    *out = status == ACTR_OK ? text.data : NULL;
    *size = status == ACTR_OK ? text.size : 0;
    actri_proto_set_clear(&set);
    return status;
}
