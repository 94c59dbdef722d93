/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest as its effective values, each with the place that it comes from. */
#include "config/describe.h"
#include "config/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct shower {
    const actri_manifest_t *manifest;
    actri_text_t *out;
    bool json, first;
} shower_t;

static void add_strings(actri_text_t *out, const actri_strings_t *list)
{
    actri_text_add(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) actri_text_add(out, ", ");
        actri_text_add_json(out, list->items[i]);
    }
    actri_text_add(out, "]");
}

static void add_string(shower_t *to, const char *text)
{
    if (text != NULL)
        actri_text_add_json(to->out, text);
    else
        actri_text_add(to->out, to->json ? "null" : "(none)");
}

static void add_uint(shower_t *to, const actri_key_t *row, const void *member)
{
    uint64_t value = row->size == sizeof(uint32_t) ? *(const uint32_t *)member : *(const uint64_t *)member;
    bool absent = value == 0 && row->fallback == NULL && to->manifest->origins[row - actri_keys] == NULL;
    if (absent)
        add_string(to, NULL);
    else
        actri_text_add(to->out, "%" PRIu64, value);
}

static void add_value(shower_t *to, const actri_key_t *row)
{
    const void *member = (const char *)to->manifest + row->offset;
    switch (row->type) {
    case ACTRI_KEY_UINT: add_uint(to, row, member); break;
    case ACTRI_KEY_BOOL: actri_text_add(to->out, *(const bool *)member ? "true" : "false"); break;
    case ACTRI_KEY_STRINGS:
    case ACTRI_KEY_PATHS: add_strings(to->out, member); break;
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_NAME:
    case ACTRI_KEY_URL:
    case ACTRI_KEY_WORD:
    case ACTRI_KEY_PATH: add_string(to, *(const char *const *)member); break;
    case ACTRI_KEY_TABLE:
    case ACTRI_KEY_TABLES:
    case ACTRI_KEY_TYPE: break;
    }
}

static void place_text(const actri_toml_t *at, const char *otherwise, char *room, size_t size)
{
    if (at == NULL)
        (void)snprintf(room, size, "%s", otherwise);
    else if (at->line == 0)
        (void)snprintf(room, size, "environment %s", at->file);
    else
        (void)snprintf(room, size, "%s:%u:%u", at->file, at->line, at->column);
}

static void begin(shower_t *to, const char *key)
{
    if (to->json) {
        actri_text_add(to->out, "%s\n  ", to->first ? "" : ",");
        actri_text_add_json(to->out, key);
        actri_text_add(to->out, ": { \"value\": ");
    } else {
        actri_text_add(to->out, "%s = ", key);
    }
    to->first = false;
}

static void end(shower_t *to, const actri_toml_t *at, const char *otherwise)
{
    char place[1200];
    place_text(at, otherwise, place, sizeof place);
    if (to->json) {
        actri_text_add(to->out, ", \"from\": ");
        actri_text_add_json(to->out, place);
        actri_text_add(to->out, " }");
    } else {
        actri_text_add(to->out, "  # %s\n", place);
    }
}

static void show_row(shower_t *to, const actri_key_t *row)
{
    const actri_toml_t *at = to->manifest->origins[row - actri_keys];
    begin(to, row->path);
    if (at == NULL && row->type == ACTRI_KEY_BOOL && strcmp(row->fallback, "true") != 0 &&
        strcmp(row->fallback, "false") != 0)
        add_string(to, NULL); /* decided at run time */
    else
        add_value(to, row);
    end(to, at, row->fallback == NULL ? "not set" : "default");
}

static void show_exports(shower_t *to)
{
    const actri_manifest_t *manifest = to->manifest;
    begin(to, "exports");
    actri_text_add(to->out, "[");
    for (size_t i = 0; i < manifest->export_count; i++) {
        if (i > 0) actri_text_add(to->out, ", ");
        actri_text_add_json(to->out, manifest->exports[i].path);
    }
    actri_text_add(to->out, "]");
    end(to, manifest->origins[actri_key_find("exports") - actri_keys], "default");
}

static void add_pair(shower_t *to, bool *first, const char *name, const char *value)
{
    actri_text_add(to->out, "%s", *first ? "" : ", ");
    actri_text_add(to->out, to->json ? "\"%s\": " : "%s = ", name);
    actri_text_add_json(to->out, value);
    *first = false;
}

static void add_type(shower_t *to, bool *first, const char *manufacturer, const char *name)
{
    char text[2 * ACTR_NAME_MAX + 2];
    bool bare = manufacturer == NULL || manufacturer[0] == '\0';
    (void)snprintf(text, sizeof text, "%s%s%s", bare ? "" : manufacturer, bare ? "" : "+", name);
    add_pair(to, first, "actr_type", text);
}

static void add_realm(shower_t *to, bool *first, uint32_t realm)
{
    actri_text_add(to->out, to->json ? "%s\"realm\": %" PRIu32 : "%srealm = %" PRIu32, *first ? "" : ", ", realm);
    *first = false;
}

static void show_dependency(shower_t *to, const actri_dependency_t *at)
{
    bool first = true;
    char key[300];
    (void)snprintf(key, sizeof key, "dependencies.%s", at->alias);
    begin(to, key);
    actri_text_add(to->out, "{ ");
    if (at->has_type) add_type(to, &first, at->manufacturer, at->type_name);
    add_realm(to, &first, at->realm);
    if (at->fingerprint != NULL) add_pair(to, &first, "fingerprint", at->fingerprint);
    add_pair(to, &first, "name", at->name);
    actri_text_add(to->out, " }");
    end(to, at->at, "");
}

static void show_method(shower_t *to, const actri_manifest_method_t *at)
{
    bool first = true;
    char key[300];
    (void)snprintf(key, sizeof key, to->json ? "methods.%s" : "methods.\"%s\"", at->rule.route);
    begin(to, key);
    actri_text_add(to->out, "{ ");
    if (at->rule.key != NULL) add_pair(to, &first, "key", at->rule.key);
    add_pair(to, &first, "priority", at->rule.high ? "high" : "normal");
    actri_text_add(to->out, " }");
    end(to, at->at, "");
}

static void add_rule(shower_t *to, const actr_acl_rule_t *rule)
{
    bool first = true;
    actri_text_add(to->out, "{ ");
    add_pair(to, &first, "permission", rule->allow ? "ALLOW" : "DENY");
    actri_text_add(to->out, to->json ? ", \"principals\": [" : ", principals = [");
    for (size_t i = 0; i < rule->principal_count; i++) {
        const actr_acl_principal_t *principal = &rule->principals[i];
        bool none = true;
        actri_text_add(to->out, i == 0 ? "{ " : ", { ");
        if (principal->has_realm) add_realm(to, &none, principal->realm);
        if (principal->name != NULL) add_type(to, &none, principal->manufacturer, principal->name);
        actri_text_add(to->out, " }");
    }
    actri_text_add(to->out, "] }");
}

static void show_acl(shower_t *to)
{
    const actri_manifest_t *manifest = to->manifest;
    begin(to, "acl.rules");
    if (!manifest->has_acl) add_string(to, NULL);
    if (manifest->has_acl) actri_text_add(to->out, "[");
    for (size_t i = 0; i < manifest->acl_rule_count; i++) {
        if (i > 0) actri_text_add(to->out, ", ");
        add_rule(to, &manifest->acl_rules[i]);
    }
    if (manifest->has_acl) actri_text_add(to->out, "]");
    end(to, manifest->origins[actri_key_find("acl.rules") - actri_keys], "not set: everybody may call");
}

void actri_show_manifest(const actri_manifest_t *manifest, bool json, actri_text_t *out)
{
    shower_t to = {manifest, out, json, true};
    if (json) actri_text_add(out, "{");
    show_exports(&to);
    for (size_t i = 0; i < actri_key_count; i++) {
        if (actri_keys[i].offset >= 0) show_row(&to, &actri_keys[i]);
    }
    for (size_t i = 0; i < manifest->dependency_count; i++) show_dependency(&to, &manifest->dependencies[i]);
    for (size_t i = 0; i < manifest->script_count; i++) {
        char key[300];
        (void)snprintf(key, sizeof key, "scripts.%s", manifest->scripts[i].name);
        begin(&to, key);
        add_string(&to, manifest->scripts[i].command);
        end(&to, manifest->scripts[i].at, "");
    }
    for (size_t i = 0; i < manifest->method_count; i++) show_method(&to, &manifest->methods[i]);
    show_acl(&to);
    if (json) actri_text_add(out, "\n}\n");
}
