/* SPDX-License-Identifier: Apache-2.0 */
/* From a chain of files to one manifest: the rows of the key table, then the parts with readers of their own. */
#include "config/manifest.h"

#include "config/readers.h"
#include "config/url.h"
#include "proto/name.h"

#include <stdlib.h>
#include <string.h>

static void fill_list(actri_manifest_t *manifest, const actri_toml_t *value, actri_strings_t *out)
{
    const char **items = actri_arena_alloc(&manifest->arena, value->count * sizeof *items);
    if (items == NULL) return;
    out->items = items;
    for (const actri_toml_t *item = value->first; item != NULL; item = item->next) items[out->count++] = item->text;
}

static void put_uint(void *member, size_t size, uint64_t value)
{
    if (size == sizeof(uint32_t))
        *(uint32_t *)member = (uint32_t)value;
    else
        *(uint64_t *)member = value;
}

static void fill_value(actri_manifest_t *manifest, const actri_key_t *key, const actri_toml_t *value)
{
    void *member = (char *)manifest + key->offset;
    switch (key->type) {
    case ACTRI_KEY_UINT: put_uint(member, key->size, (uint64_t)value->integer); break;
    case ACTRI_KEY_BOOL: *(bool *)member = value->truth; break;
    case ACTRI_KEY_STRINGS:
    case ACTRI_KEY_PATHS: fill_list(manifest, value, member); break;
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_NAME:
    case ACTRI_KEY_URL:
    case ACTRI_KEY_WORD:
    case ACTRI_KEY_PATH: *(const char **)member = value->text; break;
    case ACTRI_KEY_TABLE:
    case ACTRI_KEY_TABLES:
    case ACTRI_KEY_TYPE: break;
    }
}

/* The default, where the table writes it as TOML does; else the member stays empty. */
static void fill_default(actri_manifest_t *manifest, const actri_key_t *key)
{
    void *member = (char *)manifest + key->offset;
    const char *text = key->fallback;
    if (text == NULL) return;
    if (text[0] == '"')
        *(const char **)member = actri_arena_strndup(&manifest->arena, text + 1, strlen(text) - 2);
    else if (key->type == ACTRI_KEY_BOOL)
        *(bool *)member = strcmp(text, "true") == 0;
    else if (key->type == ACTRI_KEY_UINT)
        put_uint(member, key->size, strtoull(text, NULL, 10));
}

static void fill_rows(actri_chain_t *chain, actri_manifest_t *manifest)
{
    for (size_t i = 0; i < actri_key_count; i++) {
        const actri_key_t *key = &actri_keys[i];
        if (key->offset < 0) continue;
        const actri_toml_t *value = actri_chain_value(chain, key);
        manifest->origins[i] = value;
        if (value == NULL)
            fill_default(manifest, key);
        else
            fill_value(manifest, key, value);
    }
    if (manifest->tracing_service_name == NULL) manifest->tracing_service_name = manifest->package_name;
}

static const actri_toml_t *origin(const actri_manifest_t *manifest, const char *path)
{
    return manifest->origins[actri_key_find(path) - actri_keys];
}

/* How near to the child a value was written; the environment is nearest. */
static size_t distance(const actri_chain_t *chain, const actri_toml_t *value)
{
    if (value == NULL) return SIZE_MAX;
    for (size_t i = 0; i < chain->count; i++) {
        if (value->file == chain->files[i]->file) return i + 1;
    }
    return 0;
}

/* Two keys for one thing: the nearer one counts, and in one file that of the server's form. */
static void settle_realm(actri_chain_t *chain, actri_manifest_t *manifest)
{
    const actri_toml_t *a = origin(manifest, "system.deployment.realm");
    const actri_toml_t *b = origin(manifest, "system.deployment.realm_id");
    bool form_b = manifest->server_form[0] == 'B';
    if (a == NULL && b == NULL) {
        actri_diag_fail(chain->diag, chain->files[0], "%s is missing; write [system.deployment] and %s = 1",
                        form_b ? "system.deployment.realm_id" : "system.deployment.realm",
                        form_b ? "realm_id" : "realm");
        return;
    }
    size_t to_a = distance(chain, a), to_b = distance(chain, b);
    bool use_b = to_a == to_b ? form_b : to_b < to_a;
    if (a != NULL && b != NULL && manifest->realm != manifest->realm_id)
        actri_diag_warn(chain->diag, use_b ? b : a, "realm and realm_id differ; %s counts",
                        use_b ? "realm_id" : "realm");
    else if ((a == NULL) != form_b)
        actri_diag_hint(chain->diag, use_b ? b : a, "%s is the key of form %s; with form %s the reference reads %s",
                        use_b ? "realm_id" : "realm", use_b ? "B" : "A", form_b ? "B" : "A",
                        form_b ? "realm_id" : "realm");
    if (use_b)
        manifest->realm = manifest->realm_id;
    else
        manifest->realm_id = manifest->realm;
}

static void check_name(actri_chain_t *chain, const actri_toml_t *at, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (at == NULL || actri_name_check(at->text, strlen(at->text), ACTRI_NAME_L7, what, &error) == ACTR_OK) return;
    actri_diag_fail(chain->diag, at, "%s", error.message);
}

static void check_url(actri_chain_t *chain, actri_manifest_t *manifest)
{
    const actri_toml_t *at = origin(manifest, "system.signaling.url");
    actr_error_t error = ACTR_ERROR_INIT;
    if (at == NULL) {
        actri_diag_fail(chain->diag, chain->files[0],
                        "system.signaling.url is missing; write [system.signaling] and url = \"ws://host:port/path\"");
        return;
    }
    if (actri_url_normalize(&manifest->arena, at->text, &manifest->signaling_url, &error) == ACTR_STATUS_CONFIG_INVALID)
        actri_diag_fail(chain->diag, at, "system.signaling.url: %s", error.message);
}

static void check_ports(actri_chain_t *chain, const actri_manifest_t *manifest)
{
    const actri_toml_t *start = origin(manifest, "system.webrtc.port_range_start");
    const actri_toml_t *end = origin(manifest, "system.webrtc.port_range_end");
    if (start == NULL || end == NULL || manifest->port_range_start < manifest->port_range_end) return;
    actri_diag_fail(chain->diag, start, "port_range_start (%u) must be less than port_range_end (%u)",
                    (unsigned)manifest->port_range_start, (unsigned)manifest->port_range_end);
}

static void check_edition(actri_chain_t *chain, const actri_manifest_t *manifest)
{
    if (manifest->edition == 1) return;
    actri_diag_fail(chain->diag, origin(manifest, "edition"), "edition %u is not known; only 1 is",
                    (unsigned)manifest->edition);
}

static void resolve(actri_chain_t *chain, actri_manifest_t *manifest)
{
    fill_rows(chain, manifest);
    if (manifest->arena.failed) return;
    check_edition(chain, manifest);
    check_url(chain, manifest);
    settle_realm(chain, manifest);
    check_name(chain, origin(manifest, "package.actr_type.manufacturer"), "manufacturer");
    check_name(chain, origin(manifest, "package.actr_type.name"), "actor type name");
    check_ports(chain, manifest);
    actri_read_exports(chain, manifest);
    actri_read_dependencies(chain, manifest);
    actri_read_scripts(chain, manifest);
    actri_read_methods(chain, manifest);
    actri_read_acl(chain, manifest);
    actri_read_trust(chain, manifest);
}

actr_status_t actri_manifest_load(const actri_env_t *env, const actri_config_source_t *source, const char *path,
                                  actri_manifest_t *out, actr_error_t *error)
{
    actr_error_t first = ACTR_ERROR_INIT;
    actri_diag_t diag = {.env = env, .error = &first};
    actri_chain_t chain = {.source = source, .arena = &out->arena, .diag = &diag};
    memset(out, 0, sizeof *out);
    actri_arena_init(&out->arena, env);
    actri_chain_load(&chain, path);
    if (diag.errors == 0 && !out->arena.failed) resolve(&chain, out);
    out->warnings = diag.warnings;
    if (diag.errors == 0 && !out->arena.failed) return ACTR_OK;
    if (error != NULL) *error = first;
    actr_status_t status = out->arena.failed ? actri_no_memory(error) : diag.status;
    actri_manifest_clear(out);
    return status;
}

void actri_manifest_clear(actri_manifest_t *manifest)
{
    actri_arena_clear(&manifest->arena);
}

/* ---- what the runtime is told ---- */

static actr_log_level_t log_level(const char *filter)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    while (*filter != '\0') { /* "info,webrtc=debug": the bare word */
        size_t size = strcspn(filter, ",");
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (strlen(names[i]) == size && strncasecmp(filter, names[i], size) == 0) return (actr_log_level_t)(i + 1);
        }
        filter += size + (filter[size] == ',' ? 1 : 0);
    }
    return ACTR_LOG_INFO;
}

static actr_durability_t durability(const char *word)
{
    return word[0] == 'n' ? ACTR_DURABILITY_NORMAL : word[0] == 'o' ? ACTR_DURABILITY_OFF : ACTR_DURABILITY_FULL;
}

static actr_affinity_t affinity(const char *word)
{
    if (word == NULL || word[0] == 'p') return ACTR_AFFINITY_POOL;
    return word[0] == 't' ? ACTR_AFFINITY_THREAD : ACTR_AFFINITY_LOOP;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

actr_status_t actri_manifest_values(actri_manifest_t *manifest, actr_config_t *out, actr_error_t *error)
{
    actr_export_t *exports = actri_arena_alloc(&manifest->arena, manifest->export_count * sizeof *exports);
    actr_method_rule_t *methods = actri_arena_alloc(&manifest->arena, manifest->method_count * sizeof *methods);
    if (exports == NULL || methods == NULL) return actri_no_memory(error);
    for (size_t i = 0; i < manifest->method_count; i++) methods[i] = manifest->methods[i].rule;
    for (size_t i = 0; i < manifest->export_count; i++)
        exports[i] = (actr_export_t){file_name(manifest->exports[i].path), manifest->exports[i].content};
    const char *path = manifest->mailbox_path;
    bool in_memory = path == NULL || path[0] == '\0' || strcmp(path, ":memory:") == 0;
    *out = (actr_config_t){
        .struct_size = sizeof *out,
        .log_level = log_level(manifest->filter_level),
        .package_name = manifest->package_name,
        .description = manifest->description,
        .tags = manifest->tags.items,
        .tag_count = manifest->tags.count,
        .manufacturer = manifest->manufacturer,
        .name = manifest->name,
        .exports = exports,
        .export_count = manifest->export_count,
        .signaling_url = manifest->signaling_url,
        .realm = manifest->realm,
        .server_form = manifest->server_form,
        .mailbox_path = in_memory ? NULL : path,
        .durability = origin(manifest, "system.storage.durability") == NULL ? ACTR_DURABILITY_DEFAULT
                                                                            : durability(manifest->durability),
        .mailbox_max_messages = manifest->max_messages,
        .mailbox_max_bytes = manifest->max_bytes,
        .mailbox_max_attempts = manifest->max_attempts,
        .mailbox_duplicate_window_ms = manifest->duplicate_window_ms,
        .mailbox_duplicate_entries = manifest->duplicate_entries,
        .mailbox_high_per_normal = manifest->high_per_normal,
        .stun_urls = manifest->stun_urls.items,
        .stun_url_count = manifest->stun_urls.count,
        .turn_urls = manifest->turn_urls.items,
        .turn_url_count = manifest->turn_urls.count,
        .force_relay = manifest->force_relay,
        .loopback = origin(manifest, "system.webrtc.loopback") == NULL ? 0
                    : manifest->loopback                               ? 1
                                                                       : -1,
        .has_acl = manifest->has_acl,
        .acl_rules = manifest->acl_rules,
        .acl_rule_count = manifest->acl_rule_count,
        .trust = manifest->trust,
        .trust_count = manifest->trust_count,
        .certificate_path = manifest->certificate_path,
        .max_pending_calls = manifest->max_pending_calls,
        .max_peers = manifest->max_peers,
        .max_deferred_replies = manifest->max_deferred_replies,
        .default_timeout_ms = manifest->default_timeout_ms,
        .connect_timeout_ms = manifest->connect_timeout_ms,
        .drain_timeout_ms = manifest->drain_timeout_ms,
        .handler_limit_ms = manifest->handler_limit_ms,
        .affinity = affinity(manifest->affinity),
        .stream_threads = manifest->stream_threads,
        .network_watch = origin(manifest, "system.network.watch") == NULL ? 0
                         : manifest->network_watch                        ? 1
                                                                          : -1,
        .methods = methods,
        .method_count = manifest->method_count,
    };
    return ACTR_OK;
}
