/* SPDX-License-Identifier: Apache-2.0 */
/* [dependencies], [scripts] (config.md 4, 7) and [methods]: a union over the chain, by name, in which the child wins.
 */
#include "config/readers.h"

#include "proto/name.h"

#include <string.h>

#define ROWS_MAX 1024 /* of one table, in all files: names are compared with each other */

/* False: an error was reported. */
static bool name_fits(actri_chain_t *chain, const actri_toml_t *at, const char *text, size_t size, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_name_check(text, size, ACTRI_NAME_L7, what, &error) == ACTR_OK) return true;
    actri_diag_fail(chain->diag, at, "%s", error.message);
    return false;
}

bool actri_read_type_text(actri_chain_t *chain, const actri_toml_t *at, const char *text, const char **manufacturer,
                          const char **name)
{
    size_t split = strcspn(text, "+:");
    bool has_both = text[split] != '\0';
    const char *second = has_both ? text + split + 1 : text;
    size_t first_size = has_both ? split : 0;
    if (first_size > 0 && !name_fits(chain, at, text, first_size, "manufacturer")) return false;
    if (!name_fits(chain, at, second, strlen(second), "actor type name")) return false;
    if (text[split] == ':')
        actri_diag_hint(chain->diag, at, "\"%s\" is the older form of a type; the newer is \"%.*s+%s\"", text,
                        (int)first_size, text, second);
    *manufacturer = actri_arena_strndup(chain->arena, text, first_size);
    *name = actri_arena_strndup(chain->arena, second, strlen(second));
    return *manufacturer != NULL && *name != NULL;
}

static const char *text_of(const actri_toml_t *table, const char *key)
{
    const actri_toml_t *value = actri_toml_get(table, key);
    return value == NULL ? NULL : value->text;
}

static void read_dependency(actri_chain_t *chain, const actri_toml_t *at, actri_manifest_t *manifest)
{
    actri_dependency_t *out = &manifest->dependencies[manifest->dependency_count];
    const actri_toml_t *realm = actri_toml_get(at, "realm"), *type = actri_toml_get(at, "actr_type");
    memset(out, 0, sizeof *out);
    out->at = at;
    out->alias = at->key;
    out->name = text_of(at, "name");
    if (out->name == NULL) out->name = out->alias;
    out->realm = realm == NULL ? manifest->realm : (uint32_t)realm->integer;
    out->fingerprint = text_of(at, "fingerprint");
    bool alias_is_type = manifest->server_form[0] == 'A'; /* 0.1.15 leaves it without one */
    if (type != NULL || alias_is_type) {
        out->has_type = actri_read_type_text(chain, type == NULL ? at : type, type == NULL ? at->key : type->text,
                                             &out->manufacturer, &out->type_name);
        if (!out->has_type) return;
    }
    manifest->dependency_count++;
}

/* Whether a file nearer to the child has the same name in the same table. */
static bool hidden(const actri_chain_t *chain, size_t number, const char *table, const char *name)
{
    for (size_t i = 0; i < number; i++) {
        if (actri_toml_get(actri_toml_get(chain->files[i], table), name) != NULL) return true;
    }
    return false;
}

/* 0 also when there are too many (reported). */
static size_t count_all(actri_chain_t *chain, const char *table)
{
    size_t count = 0;
    for (size_t i = 0; i < chain->count; i++) {
        const actri_toml_t *at = actri_toml_get(chain->files[i], table);
        count += at == NULL ? 0 : at->count;
        if (count <= ROWS_MAX) continue;
        actri_diag_fail(chain->diag, at, "%s: more than %d", table, ROWS_MAX);
        return 0;
    }
    return count;
}

/* Each visible entry of the table, parents' first. */
static void each(actri_chain_t *chain, const char *table, actri_manifest_t *manifest,
                 void (*visit)(actri_chain_t *, const actri_toml_t *, actri_manifest_t *))
{
    for (size_t i = chain->count; i-- > 0;) {
        const actri_toml_t *at = actri_toml_get(chain->files[i], table);
        for (const actri_toml_t *row = at == NULL ? NULL : at->first; row != NULL; row = row->next) {
            if (!hidden(chain, i, table, row->key)) visit(chain, row, manifest);
        }
    }
}

void actri_read_dependencies(actri_chain_t *chain, actri_manifest_t *manifest)
{
    size_t count = count_all(chain, "dependencies");
    manifest->dependencies = actri_arena_alloc(&manifest->arena, count * sizeof *manifest->dependencies);
    if (manifest->dependencies != NULL && count > 0) each(chain, "dependencies", manifest, read_dependency);
}

static void read_script(actri_chain_t *chain, const actri_toml_t *at, actri_manifest_t *manifest)
{
    (void)chain;
    manifest->scripts[manifest->script_count++] = (actri_script_t){at->key, at->text, at};
}

void actri_read_scripts(actri_chain_t *chain, actri_manifest_t *manifest)
{
    size_t count = count_all(chain, "scripts");
    manifest->scripts = actri_arena_alloc(&manifest->arena, count * sizeof *manifest->scripts);
    if (manifest->scripts != NULL && count > 0) each(chain, "scripts", manifest, read_script);
}

static void read_method(actri_chain_t *chain, const actri_toml_t *at, actri_manifest_t *manifest)
{
    const char *priority = text_of(at, "priority");
    actri_manifest_method_t *out = &manifest->methods[manifest->method_count++];
    if (strchr(at->key, '.') == NULL)
        actri_diag_hint(chain->diag, at, "\"%.60s\" is no route; write [methods.\"package.Service.Method\"], in quotes",
                        at->key);
    out->rule = (actr_method_rule_t){at->key, text_of(at, "key"), priority != NULL && priority[0] == 'h'};
    out->at = at;
}

void actri_read_methods(actri_chain_t *chain, actri_manifest_t *manifest)
{
    size_t count = count_all(chain, "methods");
    manifest->methods = actri_arena_alloc(&manifest->arena, count * sizeof *manifest->methods);
    if (manifest->methods != NULL && count > 0) each(chain, "methods", manifest, read_method);
}
