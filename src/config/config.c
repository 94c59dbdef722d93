/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's configuration: a checked deep copy of what a program gave, or of what an Actr.toml says. */
#include "config/config.h"

#include "config/manifest.h"
#include "config/readers.h"
#include "config/url.h"
#include "proto/name.h"

#include <stdlib.h>
#include <string.h>

#define METHODS_MAX 4096

/* A copier: latches the first failure, so that the list of members reads as one. */
typedef struct copier {
    actri_arena_t *arena;
    actr_error_t *error;
    actr_status_t status;
} copier_t;

static void *room(copier_t *copier, size_t count, size_t size)
{
    if (count == 0 || copier->status != ACTR_OK) return NULL;
    void *block = count > SIZE_MAX / size ? NULL : actri_arena_alloc(copier->arena, count * size);
    if (block == NULL) copier->status = actri_no_memory(copier->error);
    return block;
}

static const char *copy_text(copier_t *copier, const char *text)
{
    if (text == NULL || copier->status != ACTR_OK) return NULL;
    const char *copy = actri_arena_strndup(copier->arena, text, strlen(text));
    if (copy == NULL) copier->status = actri_no_memory(copier->error);
    return copy;
}

static void invalid(copier_t *copier, const char *field, const char *why)
{
    if (copier->status == ACTR_OK)
        copier->status = actri_fail(copier->error, ACTR_STATUS_CONFIG_INVALID, "%s: %s", field, why);
}

/* A list that is counted must be there. */
static bool present(copier_t *copier, const void *list, size_t count, const char *field)
{
    if (count > 0 && list == NULL) invalid(copier, field, "the count is not 0 but the list is NULL");
    return copier->status == ACTR_OK && count > 0;
}

static const char *const *copy_texts(copier_t *copier, const char *const *from, size_t count, const char *field)
{
    if (!present(copier, from, count, field)) return NULL;
    const char **to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        if (from[i] == NULL) invalid(copier, field, "an item is NULL");
        to[i] = copy_text(copier, from[i]);
    }
    return to;
}

static const char *copy_name(copier_t *copier, const char *name, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (name == NULL) {
        invalid(copier, what, "is missing");
        return NULL;
    }
    if (actri_name_check(name, strlen(name), ACTRI_NAME_L7, what, &error) != ACTR_OK)
        invalid(copier, what, error.message);
    return copy_text(copier, name);
}

static const char *copy_url(copier_t *copier, const char *url)
{
    actr_error_t error = ACTR_ERROR_INIT;
    const char *copy = NULL;
    if (url == NULL) invalid(copier, "signaling_url", "is missing");
    if (copier->status != ACTR_OK) return NULL;
    actr_status_t status = actri_url_normalize(copier->arena, url, &copy, &error);
    if (status == ACTR_STATUS_NO_MEMORY)
        copier->status = actri_no_memory(copier->error);
    else if (status != ACTR_OK)
        invalid(copier, "signaling_url", error.message);
    return copy;
}

static const actr_export_t *copy_exports(copier_t *copier, const actr_export_t *from, size_t count)
{
    if (!present(copier, from, count, "exports")) return NULL;
    actr_export_t *to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        if (from[i].file_name == NULL || from[i].content == NULL)
            invalid(copier, "exports", "a file name or content is NULL");
        to[i] = (actr_export_t){copy_text(copier, from[i].file_name), copy_text(copier, from[i].content)};
    }
    return to;
}

static const actr_acl_principal_t *copy_principals(copier_t *copier, const actr_acl_principal_t *from, size_t count)
{
    if (!present(copier, from, count, "acl_rules.principals")) return NULL;
    actr_acl_principal_t *to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        const char *manufacturer = from[i].manufacturer;
        to[i] = from[i];
        if (from[i].name != NULL)
            to[i].name = copy_name(copier, from[i].name, "acl name");
        else if (manufacturer != NULL && manufacturer[0] != '\0') /* without a type it would speak of everybody */
            invalid(copier, "acl_rules.principals", "a manufacturer without a name");
        to[i].manufacturer = manufacturer == NULL || manufacturer[0] == '\0'
                                 ? copy_text(copier, manufacturer)
                                 : copy_name(copier, manufacturer, "acl manufacturer");
    }
    return to;
}

static const actr_acl_rule_t *copy_acl(copier_t *copier, const actr_acl_rule_t *from, size_t count)
{
    if (!present(copier, from, count, "acl_rules")) return NULL;
    actr_acl_rule_t *to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        bool known = from[i].assurance == ACTR_ASSURANCE_RELAYED || from[i].assurance == ACTR_ASSURANCE_PINNED;
        if (!known || (from[i].assurance != ACTR_ASSURANCE_RELAYED && !from[i].allow))
            invalid(copier, "acl_rules.assurance", "only a rule that allows may ask for ACTR_ASSURANCE_PINNED");
        to[i] = from[i];
        to[i].principals = copy_principals(copier, from[i].principals, from[i].principal_count);
    }
    return to;
}

static const actr_trust_t *copy_trust(copier_t *copier, const actr_trust_t *from, size_t count)
{
    if (!present(copier, from, count, "trust")) return NULL;
    actr_trust_t *to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        to[i].realm = from[i].realm;
        to[i].manufacturer = copy_name(copier, from[i].manufacturer, "trust manufacturer");
        to[i].name = copy_name(copier, from[i].name, "trust name");
        if (from[i].fingerprint == NULL || !actri_is_fingerprint(from[i].fingerprint))
            invalid(copier, "trust fingerprint", "is not 32 bytes in hexadecimal with colons, \"AB:CD:...\"");
        to[i].fingerprint = copy_text(copier, from[i].fingerprint);
    }
    return to;
}

static int compare_rules(const void *a, const void *b)
{
    return strcmp(((const actr_method_rule_t *)a)->route, ((const actr_method_rule_t *)b)->route);
}

/* Sorted by route. */
static const actr_method_rule_t *copy_methods(copier_t *copier, const actr_method_rule_t *from, size_t count)
{
    if (count > METHODS_MAX) invalid(copier, "methods", "more than 4096");
    if (!present(copier, from, count, "methods")) return NULL;
    actr_method_rule_t *to = room(copier, count, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        if (from[i].route == NULL) invalid(copier, "methods", "a route is NULL");
        to[i] = (actr_method_rule_t){copy_text(copier, from[i].route), copy_text(copier, from[i].key), from[i].high};
    }
    if (copier->status != ACTR_OK) return NULL;
    qsort(to, count, sizeof *to, compare_rules);
    for (size_t i = 1; i < count; i++) {
        if (compare_rules(&to[i - 1], &to[i]) == 0) invalid(copier, "methods", "a route is there twice");
    }
    return to;
}

static const actr_allocator_t *copy_allocator(copier_t *copier, const actr_allocator_t *from)
{
    actr_allocator_t *to = from == NULL ? NULL : room(copier, 1, sizeof *to);
    if (to != NULL) *to = *from;
    return to;
}

static void check_ranges(copier_t *copier, const actr_config_t *values)
{
    const char *form = values->server_form;
    if (form != NULL && strcmp(form, "A") != 0 && strcmp(form, "B") != 0)
        invalid(copier, "server_form", "write \"A\" or \"B\"");
    if (values->durability < ACTR_DURABILITY_DEFAULT || values->durability > ACTR_DURABILITY_OFF)
        invalid(copier, "durability", "is none of actr_durability_t");
    if ((int)values->affinity < ACTR_AFFINITY_POOL || values->affinity > ACTR_AFFINITY_LOOP)
        invalid(copier, "affinity", "is none of actr_affinity_t");
    if (values->stream_threads > ACTR_STREAM_THREADS_MAX)
        invalid(copier, "stream_threads", "is above ACTR_STREAM_THREADS_MAX");
    if (values->network_watch < -1 || values->network_watch > 1) invalid(copier, "network_watch", "must be -1, 0 or 1");
    if (values->loopback < -1 || values->loopback > 1) invalid(copier, "loopback", "must be -1, 0 or 1");
}

static void copy_values(copier_t *copier, actr_config_t *values)
{
    values->allocator = copy_allocator(copier, values->allocator);
    values->manufacturer = copy_name(copier, values->manufacturer, "manufacturer");
    values->name = copy_name(copier, values->name, "name");
    values->signaling_url = copy_url(copier, values->signaling_url);
    check_ranges(copier, values);
    values->package_name = copy_text(copier, values->package_name);
    values->description = copy_text(copier, values->description);
    values->tags = copy_texts(copier, values->tags, values->tag_count, "tags");
    values->exports = copy_exports(copier, values->exports, values->export_count);
    values->server_form = copy_text(copier, values->server_form);
    values->mailbox_path = copy_text(copier, values->mailbox_path);
    values->stun_urls = copy_texts(copier, values->stun_urls, values->stun_url_count, "stun_urls");
    values->turn_urls = copy_texts(copier, values->turn_urls, values->turn_url_count, "turn_urls");
    values->acl_rules = copy_acl(copier, values->acl_rules, values->acl_rule_count);
    if (!values->has_acl && values->acl_rule_count > 0)
        invalid(copier, "acl_rules", "are there, but has_acl is false: they would count for nothing");
    values->trust = copy_trust(copier, values->trust, values->trust_count);
    values->methods = copy_methods(copier, values->methods, values->method_count);
    values->certificate_path = copy_text(copier, values->certificate_path);
}

actr_status_t actri_config_copy(const actri_env_t *env, const actr_config_t *from, actri_config_t *out,
                                actr_error_t *error)
{
    memset(out, 0, sizeof *out);
    actri_arena_init(&out->arena, env);
    copier_t copier = {&out->arena, error, ACTR_OK};
    actr_config_t defaults = ACTR_CONFIG_INIT;
    out->values = defaults;
    memcpy(&out->values, from, from->struct_size < sizeof defaults ? from->struct_size : sizeof defaults);
    out->values.struct_size = sizeof defaults;
    copy_values(&copier, &out->values);
    if (copier.status != ACTR_OK) actri_config_clear(out);
    return copier.status;
}

actr_status_t actri_config_load(const actri_env_t *env, const char *path, actri_config_t *out, actr_error_t *error)
{
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    actr_config_t values;
    memset(out, 0, sizeof *out);
    actri_arena_init(&out->arena, env);
    actr_status_t status = actri_manifest_load(env, &source, path, &manifest, error);
    if (status != ACTR_OK) return status;
    status = actri_manifest_values(&manifest, &values, error);
    if (status == ACTR_OK) status = actri_config_copy(env, &values, out, error);
    actri_manifest_clear(&manifest);
    return status;
}

void actri_config_clear(actri_config_t *config)
{
    actri_arena_clear(&config->arena);
    memset(&config->values, 0, sizeof config->values);
}
