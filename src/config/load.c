/* SPDX-License-Identifier: Apache-2.0 */
/* An Actr.toml: one table of keys, values by their path, every complaint with file, line and column. spec: config.md 2.
 */
#include "config/config.h"
#include "config/toml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX (1 << 20)
#define EXPORT_MAX (4 << 20)
#define AREA "config"

/* [*] stands for any index, .* for any one key; a final ** for everything below. */
static const struct key {
    const char *pattern;
    actri_toml_kind_t kind;
} keys[] = {
    {"edition", ACTRI_TOML_INTEGER},
    {"inherit", ACTRI_TOML_STRING},
    {"config_dir", ACTRI_TOML_STRING},
    {"exports", ACTRI_TOML_ARRAY},
    {"exports[*]", ACTRI_TOML_STRING},
    {"package", ACTRI_TOML_TABLE},
    {"package.name", ACTRI_TOML_STRING},
    {"package.description", ACTRI_TOML_STRING},
    {"package.license", ACTRI_TOML_STRING},
    {"package.authors", ACTRI_TOML_ARRAY},
    {"package.authors[*]", ACTRI_TOML_STRING},
    {"package.tags", ACTRI_TOML_ARRAY},
    {"package.tags[*]", ACTRI_TOML_STRING},
    {"package.actr_type", ACTRI_TOML_TABLE},
    {"package.actr_type.manufacturer", ACTRI_TOML_STRING},
    {"package.actr_type.name", ACTRI_TOML_STRING},
    {"dependencies", ACTRI_TOML_TABLE},
    {"dependencies.**", ACTRI_TOML_OTHER},
    {"scripts", ACTRI_TOML_TABLE},
    {"scripts.**", ACTRI_TOML_OTHER},
    {"system", ACTRI_TOML_TABLE},
    {"system.signaling", ACTRI_TOML_TABLE},
    {"system.signaling.url", ACTRI_TOML_STRING},
    {"system.signaling.server_form", ACTRI_TOML_STRING},
    {"system.deployment", ACTRI_TOML_TABLE},
    {"system.deployment.realm", ACTRI_TOML_INTEGER},
    {"system.deployment.realm_id", ACTRI_TOML_INTEGER},
    {"system.discovery", ACTRI_TOML_TABLE},
    {"system.discovery.visible", ACTRI_TOML_BOOLEAN},
    {"system.storage", ACTRI_TOML_TABLE},
    {"system.storage.mailbox_path", ACTRI_TOML_STRING},
    {"system.storage.durability", ACTRI_TOML_STRING},
    {"system.storage.max_messages", ACTRI_TOML_INTEGER},
    {"system.storage.max_bytes", ACTRI_TOML_INTEGER},
    {"system.webrtc", ACTRI_TOML_TABLE},
    {"system.webrtc.stun_urls", ACTRI_TOML_ARRAY},
    {"system.webrtc.stun_urls[*]", ACTRI_TOML_STRING},
    {"system.webrtc.turn_urls", ACTRI_TOML_ARRAY},
    {"system.webrtc.turn_urls[*]", ACTRI_TOML_STRING},
    {"system.webrtc.force_relay", ACTRI_TOML_BOOLEAN},
    {"system.webrtc.loopback", ACTRI_TOML_BOOLEAN},
    {"system.observability", ACTRI_TOML_TABLE},
    {"system.observability.filter_level", ACTRI_TOML_STRING},
    {"system.observability.tracing_enabled", ACTRI_TOML_BOOLEAN},
    {"system.observability.tracing_endpoint", ACTRI_TOML_STRING},
    {"system.observability.tracing_service_name", ACTRI_TOML_STRING},
    {"system.limits", ACTRI_TOML_TABLE},
    {"system.limits.max_pending_calls", ACTRI_TOML_INTEGER},
    {"system.limits.max_peers", ACTRI_TOML_INTEGER},
    {"system.limits.default_timeout_ms", ACTRI_TOML_INTEGER},
    {"system.limits.drain_timeout_ms", ACTRI_TOML_INTEGER},
    {"acl", ACTRI_TOML_TABLE},
    {"acl.rules", ACTRI_TOML_ARRAY},
    {"acl.rules[*]", ACTRI_TOML_TABLE},
    {"acl.rules[*].permission", ACTRI_TOML_STRING},
    {"acl.rules[*].types", ACTRI_TOML_ARRAY},
    {"acl.rules[*].types[*]", ACTRI_TOML_STRING},
    {"acl.rules[*].principals", ACTRI_TOML_ARRAY},
    {"acl.rules[*].principals[*]", ACTRI_TOML_TABLE},
    {"acl.rules[*].principals[*].realm", ACTRI_TOML_INTEGER},
    {"acl.rules[*].principals[*].actr_type", ACTRI_TOML_STRING},
};

typedef struct loader {
    const actri_env_t *env;
    const char *path;
    actri_arena_t *arena;
    actri_toml_t toml;
    actr_config_t *values;
    actr_error_t *error;
} loader_t;

static const char *kind_name(actri_toml_kind_t kind)
{
    static const char *const names[] = {"",       "a text",  "an integer",  "true or false",
                                        "a list", "a table", "such a value"};
    return names[kind];
}

/* ---- keys ---- */

static bool matches(const char *pattern, const char *path)
{
    while (*pattern != '\0') {
        if (strcmp(pattern, "**") == 0) return true;
        if (strncmp(pattern, "[*]", 3) == 0) {
            if (*path != '[' || strchr(path, ']') == NULL) return false; /* a quoted key may hold brackets */
            path = strchr(path, ']') + 1;
            pattern += 3;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static const struct key *find_key(const char *path)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (matches(keys[i].pattern, path)) return &keys[i];
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must change: for "did you mean". */
static size_t distance(const char *a, const char *b)
{
    size_t row[80], length = strlen(b);
    if (length >= 79) return 99;
    for (size_t j = 0; j <= length; j++) row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t change = corner + (a[i] == b[j] ? 0 : 1);
            corner = row[j + 1];
            row[j + 1] = least(change, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[length];
}

static void warn_unknown(const loader_t *l, const actri_toml_entry_t *entry)
{
    const char *best = NULL;
    size_t least_distance = 4;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t d = distance(entry->path, keys[i].pattern);
        if (d < least_distance) {
            least_distance = d;
            best = keys[i].pattern;
        }
    }
    actri_warn(l->env, AREA, "%s:%u:%u: unknown key \"%s\" is ignored%s%s%s", l->path, entry->line, entry->column,
               entry->path, best != NULL ? "; did you mean \"" : "", best != NULL ? best : "",
               best != NULL ? "\"?" : "");
}

static actr_status_t complain(const loader_t *l, const actri_toml_entry_t *entry, const char *what)
{
    return actri_fail(l->error, ACTR_STATUS_CONFIG_INVALID, "%.120s:%u:%u: %.100s: %s", l->path, entry->line,
                      entry->column, entry->path, what);
}

static actr_status_t check_keys(const loader_t *l)
{
    for (size_t i = 0; i < l->toml.count; i++) {
        const actri_toml_entry_t *entry = &l->toml.entries[i];
        const struct key *key = find_key(entry->path);
        char text[80];
        if (key == NULL) {
            warn_unknown(l, entry);
        } else if (key->kind != ACTRI_TOML_OTHER && key->kind != entry->kind) {
            (void)snprintf(text, sizeof text, "must be %s", kind_name(key->kind));
            return complain(l, entry, text);
        }
    }
    return ACTR_OK;
}

static const actri_toml_entry_t *find(const loader_t *l, const char *path)
{
    for (size_t i = 0; i < l->toml.count; i++) {
        if (strcmp(l->toml.entries[i].path, path) == 0) return &l->toml.entries[i];
    }
    return NULL;
}

static const char *text_of(const loader_t *l, const char *path)
{
    const actri_toml_entry_t *entry = find(l, path);
    return entry == NULL ? NULL : entry->string;
}

static const char *const *list_of(const loader_t *l, const char *path, size_t *count)
{
    const actri_toml_entry_t *entry = find(l, path);
    *count = entry == NULL ? 0 : entry->count;
    const char **list = actri_arena_alloc(l->arena, *count * sizeof *list);
    for (size_t i = 0; list != NULL && i < *count; i++) list[i] = entry[i + 1].string; /* elements follow their array */
    return list;
}

/* An unsigned number; 0 stays what it was when the key is absent. */
static actr_status_t number_of(const loader_t *l, const char *path, uint64_t most, uint64_t *out)
{
    const actri_toml_entry_t *entry = find(l, path);
    if (entry == NULL) return ACTR_OK;
    if (entry->integer < 0 || (uint64_t)entry->integer > most) return complain(l, entry, "is out of range");
    *out = (uint64_t)entry->integer;
    return ACTR_OK;
}

/* ---- parts ---- */

static actr_status_t need(const loader_t *l, const char *path, const char **out)
{
    *out = text_of(l, path);
    if (*out != NULL) return ACTR_OK;
    return actri_fail(l->error, ACTR_STATUS_CONFIG_INVALID, "%.120s:1:1: %s is missing", l->path, path);
}

static actr_status_t read_file(const loader_t *l, const char *path, size_t most, char **out, size_t *size,
                               const actri_toml_entry_t *asked)
{
    FILE *file = fopen(path, "rb");
    char *text = file == NULL ? NULL : actri_arena_alloc(l->arena, most + 1);
    size_t got = text == NULL ? 0 : fread(text, 1, most + 1, file);
    int number = errno;
    bool failed = file == NULL || text == NULL || ferror(file) != 0;
    if (file != NULL) (void)fclose(file);
    if (failed) {
        if (asked != NULL) return complain(l, asked, "the file can not be read");
        return actri_fail_errno(l->error, ACTR_STATUS_IO, number, "%.250s can not be read", path);
    }
    if (got > most) {
        return actri_fail(l->error, ACTR_STATUS_CONFIG_INVALID, "%.250s is larger than %zu bytes", path, most);
    }
    text[got] = '\0';
    *out = text;
    *size = got;
    return ACTR_OK;
}

/* A path as seen from the file that names it. */
static char *beside(const loader_t *l, const char *name)
{
    const char *slash = strrchr(l->path, '/');
    size_t folder = slash == NULL || name[0] == '/' ? 0 : (size_t)(slash - l->path) + 1;
    size_t size = folder + strlen(name);
    char *path = actri_arena_alloc(l->arena, size + 1);
    if (path == NULL) return NULL;
    memcpy(path, l->path, folder);
    memcpy(path + folder, name, strlen(name) + 1);
    return path;
}

static actr_status_t load_exports(const loader_t *l)
{
    const actri_toml_entry_t *list = find(l, "exports");
    if (list == NULL) return ACTR_OK;
    actr_export_t *exports = actri_arena_alloc(l->arena, list->count * sizeof *exports);
    if (exports == NULL) return actri_no_memory(l->error);
    for (size_t i = 0; i < list->count; i++) {
        const actri_toml_entry_t *entry = &list[i + 1];
        char *path = beside(l, entry->string), *text = NULL;
        size_t size;
        if (path == NULL) return actri_no_memory(l->error);
        actr_status_t status = read_file(l, path, EXPORT_MAX, &text, &size, entry);
        if (status != ACTR_OK) return status;
        const char *slash = strrchr(path, '/');
        exports[i] = (actr_export_t){slash == NULL ? path : slash + 1, text};
    }
    l->values->exports = exports;
    l->values->export_count = list->count;
    return ACTR_OK;
}

static actr_status_t load_realm(const loader_t *l)
{
    uint64_t realm = 0;
    const char *key =
        find(l, "system.deployment.realm_id") != NULL ? "system.deployment.realm_id" : "system.deployment.realm";
    if (find(l, key) == NULL) {
        return actri_fail(l->error, ACTR_STATUS_CONFIG_INVALID, "%.120s:1:1: system.deployment.realm is missing",
                          l->path);
    }
    actr_status_t status = number_of(l, key, UINT32_MAX, &realm);
    l->values->realm = (uint32_t)realm;
    return status;
}

static actr_status_t load_storage(const loader_t *l)
{
    static const char *const names[] = {"", "full", "normal", "off"};
    const actri_toml_entry_t *entry = find(l, "system.storage.durability");
    l->values->mailbox_path = text_of(l, "system.storage.mailbox_path");
    for (unsigned i = 1; entry != NULL && i < 4; i++) {
        if (strcmp(entry->string, names[i]) == 0) l->values->durability = (actr_durability_t)i;
    }
    if (entry != NULL && l->values->durability == ACTR_DURABILITY_DEFAULT) {
        return complain(l, entry, "must be \"full\", \"normal\" or \"off\"");
    }
    actr_status_t status = number_of(l, "system.storage.max_messages", INT64_MAX, &l->values->mailbox_max_messages);
    if (status == ACTR_OK) status = number_of(l, "system.storage.max_bytes", INT64_MAX, &l->values->mailbox_max_bytes);
    return status;
}

static void load_webrtc(const loader_t *l)
{
    actr_config_t *v = l->values;
    v->stun_urls = list_of(l, "system.webrtc.stun_urls", &v->stun_url_count);
    v->turn_urls = list_of(l, "system.webrtc.turn_urls", &v->turn_url_count);
    const actri_toml_entry_t *relay = find(l, "system.webrtc.force_relay");
    const actri_toml_entry_t *loopback = find(l, "system.webrtc.loopback");
    v->force_relay = relay != NULL && relay->boolean;
    if (loopback != NULL) v->loopback = loopback->boolean ? 1 : -1;
}

static actr_status_t load_limits(const loader_t *l)
{
    static const char *const names[] = {"max_pending_calls", "max_peers", "default_timeout_ms", "drain_timeout_ms"};
    uint32_t *const fields[] = {&l->values->max_pending_calls, &l->values->max_peers, &l->values->default_timeout_ms,
                                &l->values->drain_timeout_ms};
    for (size_t i = 0; i < 4; i++) {
        char path[60];
        uint64_t value = 0;
        (void)snprintf(path, sizeof path, "system.limits.%s", names[i]);
        actr_status_t status = number_of(l, path, UINT32_MAX, &value);
        if (status != ACTR_OK) return status;
        *fields[i] = (uint32_t)value;
    }
    return ACTR_OK;
}

/* ---- access ---- */

static actr_status_t principal_type(const loader_t *l, const actri_toml_entry_t *entry, actr_acl_principal_t *out)
{
    actr_type_t type;
    actr_error_t why = ACTR_ERROR_INIT;
    if (actr_type_parse(entry->string, &type, &why) != ACTR_OK) return complain(l, entry, why.message);
    out->manufacturer = actri_arena_strndup(l->arena, type.manufacturer, strlen(type.manufacturer));
    out->name = actri_arena_strndup(l->arena, type.name, strlen(type.name));
    return ACTR_OK;
}

static actr_status_t principal_at(const loader_t *l, const char *path, actr_acl_principal_t *out)
{
    char name[160];
    uint64_t realm = 0;
    (void)snprintf(name, sizeof name, "%s.realm", path);
    out->has_realm = find(l, name) != NULL;
    actr_status_t status = number_of(l, name, UINT32_MAX, &realm);
    out->realm = (uint32_t)realm;
    (void)snprintf(name, sizeof name, "%s.actr_type", path);
    const actri_toml_entry_t *type = find(l, name);
    return status == ACTR_OK && type != NULL ? principal_type(l, type, out) : status;
}

static actr_status_t load_rule(const loader_t *l, size_t index, actr_acl_rule_t *rule)
{
    char path[100], element[140];
    (void)snprintf(path, sizeof path, "acl.rules[%zu].permission", index);
    const actri_toml_entry_t *permission = find(l, path);
    if (permission == NULL) {
        (void)snprintf(path, sizeof path, "acl.rules[%zu]", index);
        return complain(l, find(l, path), "permission is missing: write \"ALLOW\" or \"DENY\"");
    }
    rule->allow = strcasecmp(permission->string, "ALLOW") == 0;
    if (!rule->allow && strcasecmp(permission->string, "DENY") != 0) {
        return complain(l, permission, "must be \"ALLOW\" or \"DENY\"");
    }
    (void)snprintf(path, sizeof path, "acl.rules[%zu].types", index);
    const actri_toml_entry_t *list = find(l, path);
    bool types = list != NULL;
    if (!types) {
        (void)snprintf(path, sizeof path, "acl.rules[%zu].principals", index);
        list = find(l, path);
    }
    if (list == NULL) return ACTR_OK;
    actr_acl_principal_t *principals = actri_arena_alloc(l->arena, list->count * sizeof *principals);
    if (principals == NULL) return actri_no_memory(l->error);
    memset(principals, 0, list->count * sizeof *principals);
    for (size_t i = 0; i < list->count; i++) {
        (void)snprintf(element, sizeof element, "%s[%zu]", path, i);
        actr_status_t status =
            types ? principal_type(l, find(l, element), &principals[i]) : principal_at(l, element, &principals[i]);
        if (status != ACTR_OK) return status;
    }
    rule->principals = principals;
    rule->principal_count = list->count;
    return ACTR_OK;
}

static actr_status_t load_acl(const loader_t *l)
{
    const actri_toml_entry_t *acl = find(l, "acl"), *list = find(l, "acl.rules");
    if (acl == NULL) return ACTR_OK;
    if (list == NULL) return complain(l, acl, "must have a list `rules`");
    actr_acl_rule_t *rules = actri_arena_alloc(l->arena, list->count * sizeof *rules);
    if (rules == NULL) return actri_no_memory(l->error);
    memset(rules, 0, list->count * sizeof *rules);
    for (size_t i = 0; i < list->count; i++) {
        actr_status_t status = load_rule(l, i, &rules[i]);
        if (status != ACTR_OK) return status;
    }
    l->values->has_acl = true;
    l->values->acl_rules = rules;
    l->values->acl_rule_count = list->count;
    return ACTR_OK;
}

static actr_status_t resolve(const loader_t *l)
{
    actr_config_t *v = l->values;
    uint64_t edition = 1;
    actr_status_t status = number_of(l, "edition", UINT32_MAX, &edition);
    if (status == ACTR_OK && edition != 1) status = complain(l, find(l, "edition"), "only edition 1 is known");
    if (status == ACTR_OK) status = need(l, "system.signaling.url", &v->signaling_url);
    if (status == ACTR_OK) status = load_realm(l);
    if (status == ACTR_OK) status = need(l, "package.name", &v->package_name);
    if (status == ACTR_OK) status = need(l, "package.actr_type.manufacturer", &v->manufacturer);
    if (status == ACTR_OK) status = need(l, "package.actr_type.name", &v->name);
    v->description = text_of(l, "package.description");
    v->tags = list_of(l, "package.tags", &v->tag_count);
    v->server_form = text_of(l, "system.signaling.server_form");
    load_webrtc(l);
    if (status == ACTR_OK) status = load_exports(l);
    if (status == ACTR_OK) status = load_storage(l);
    if (status == ACTR_OK) status = load_limits(l);
    if (status == ACTR_OK) status = load_acl(l);
    if (status == ACTR_OK) status = actri_config_check(v, l->error);
    return status;
}

actr_status_t actri_config_load(const actri_env_t *env, const char *path, actri_config_t *out, actr_error_t *error)
{
    char *text = NULL;
    size_t size = 0;
    actri_arena_init(&out->arena, env);
    memset(&out->values, 0, sizeof out->values);
    out->values.struct_size = sizeof out->values;
    loader_t l = {.env = env, .path = path, .arena = &out->arena, .values = &out->values, .error = error};
    actr_status_t status = read_file(&l, path, FILE_MAX, &text, &size, NULL);
    if (status == ACTR_OK) status = actri_toml_parse(&out->arena, path, text, size, &l.toml, error);
    if (status == ACTR_OK) status = check_keys(&l);
    if (status == ACTR_OK) status = resolve(&l);
    if (status == ACTR_OK && out->arena.failed) status = actri_no_memory(error);
    return status;
}
