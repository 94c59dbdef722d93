/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Actr.toml with everything applied: inheritance, environment, defaults, checks (config.md 11). Owns all it
 * points to. actri_config_load() makes the runtime's configuration from it; tools look at the rest.
 */
#ifndef ACTRI_CONFIG_MANIFEST_H
#define ACTRI_CONFIG_MANIFEST_H

#include "config/source.h"
#include "config/toml.h"

#include <actr/config.h>

#define ACTRI_CONFIG_FILE_MAX ((size_t)1 << 20)   /* bytes of one Actr.toml or lock file */
#define ACTRI_CONFIG_EXPORT_MAX ((size_t)1 << 20) /* bytes of one .proto */
#define ACTRI_CONFIG_EXPORTS_MAX 256              /* number of them */
#define ACTRI_CONFIG_INHERIT_MAX 16               /* files in one chain */
#define ACTRI_KEYS_MAX 96                         /* rows of the key table */

typedef struct actri_strings {
    const char *const *items;
    size_t count;
} actri_strings_t;

typedef struct actri_manifest_export {
    const char *path; /* as it was opened */
    const char *content;
    size_t size;
} actri_manifest_export_t;

/* config.md 4. The runtime uses none; tools and the lock file do. */
typedef struct actri_dependency {
    const char *alias;
    const char *name; /* in the lock file; the alias when not given */
    uint32_t realm;
    bool has_type;
    const char *manufacturer; /* "" when the text names none */
    const char *type_name;
    const char *fingerprint; /* NULL: any */
    const actri_toml_t *at;  /* where it is written */
} actri_dependency_t;

typedef struct actri_script {
    const char *name, *command;
    const actri_toml_t *at;
} actri_script_t;

typedef struct actri_manifest_method {
    actr_method_rule_t rule;
    const actri_toml_t *at;
} actri_manifest_method_t;

typedef struct actri_manifest {
    /* filled by the rows of the key table (keys.c) */
    uint32_t edition;
    const char *inherit, *config_dir;
    const char *package_name, *description, *license, *manufacturer, *name;
    actri_strings_t authors, tags;
    const char *signaling_url, *server_form;
    uint32_t realm, realm_id;
    bool visible;
    const char *mailbox_path, *durability, *affinity, *certificate_path;
    uint64_t max_messages, max_bytes;
    uint32_t max_attempts, duplicate_window_ms, duplicate_entries, high_per_normal;
    actri_strings_t stun_urls, turn_urls, public_ips;
    bool force_relay, loopback, network_watch;
    uint32_t port_range_start, port_range_end;
    uint64_t host_wait_ms, srflx_wait_ms, prflx_wait_ms, relay_wait_ms;
    const char *filter_level, *tracing_endpoint, *tracing_service_name;
    bool tracing_enabled;
    uint32_t max_pending_calls, max_peers, max_deferred_replies, default_timeout_ms, connect_timeout_ms,
        drain_timeout_ms, handler_limit_ms, stream_threads;

    /* filled by readers of their own */
    actri_manifest_export_t *exports;
    size_t export_count;
    actri_dependency_t *dependencies; /* in the order of the file, parents' first */
    size_t dependency_count;
    actri_script_t *scripts;
    size_t script_count;
    actri_manifest_method_t *methods;
    size_t method_count;
    bool has_acl;
    actr_acl_rule_t *acl_rules;
    size_t acl_rule_count;
    actr_trust_t *trust;
    size_t trust_count;

    /* where the value of each row was written; NULL: nowhere, so the default counts */
    const actri_toml_t *origins[ACTRI_KEYS_MAX];
    unsigned warnings;
    actri_arena_t arena;
} actri_manifest_t;

/* Errors: IO, CONFIG_SYNTAX, CONFIG_INVALID, NO_MEMORY; all but the last with "file:line:column: ". Warnings and
   hints go to env's log. out is for actri_manifest_clear only on success. */
ACTR_MUST_CHECK actr_status_t actri_manifest_load(const actri_env_t *env, const actri_config_source_t *source,
                                                  const char *path, actri_manifest_t *out, actr_error_t *error);
void actri_manifest_clear(actri_manifest_t *manifest);
/* What the runtime is told; points into the manifest. exports gets room for their list (in its arena). */
ACTR_MUST_CHECK actr_status_t actri_manifest_values(actri_manifest_t *manifest, actr_config_t *out,
                                                    actr_error_t *error);

#endif
