/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest in the shape that cases.json records. For tests only. */
#ifndef ACTR_TESTS_MANIFEST_JSON_H
#define ACTR_TESTS_MANIFEST_JSON_H

#include "config/manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static inline json_t *texts_json(actri_strings_t list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list.count; i++) json_array_append_new(out, json_string(list.items[i]));
    return out;
}

static inline json_t *type_json(const char *manufacturer, const char *name)
{
    if (name == NULL) return json_null();
    return json_pack("{s:s, s:s}", "manufacturer", manufacturer, "name", name);
}

static inline int by_alias(const void *a, const void *b)
{
    return strcmp(((const actri_dependency_t *)a)->alias, ((const actri_dependency_t *)b)->alias);
}

static inline json_t *dependencies_json(actri_manifest_t *m, bool with_name)
{
    json_t *out = json_array();
    qsort(m->dependencies, m->dependency_count, sizeof *m->dependencies, by_alias);
    for (size_t i = 0; i < m->dependency_count; i++) {
        const actri_dependency_t *at = &m->dependencies[i];
        json_t *row = json_pack("{s:s, s:I, s:o, s:o, s:b, s:b}", "alias", at->alias, "realm", (json_int_t)at->realm,
                                "actr_type", at->has_type ? type_json(at->manufacturer, at->type_name) : json_null(),
                                "fingerprint", text_or_null(at->fingerprint), "is_cross_realm", at->realm != m->realm,
                                "matches_fingerprint_f", at->fingerprint == NULL || strcmp(at->fingerprint, "f") == 0);
        if (with_name) json_object_set_new(row, "name", json_string(at->name));
        json_array_append_new(out, row);
    }
    return out;
}

static inline json_t *acl_json(const actri_manifest_t *m)
{
    if (!m->has_acl) return json_null();
    json_t *rules = json_array();
    for (size_t i = 0; i < m->acl_rule_count; i++) {
        json_t *principals = json_array();
        for (size_t j = 0; j < m->acl_rules[i].principal_count; j++) {
            const actr_acl_principal_t *at = &m->acl_rules[i].principals[j];
            json_array_append_new(principals, json_pack("{s:o, s:o}", "realm",
                                                        at->has_realm ? json_integer(at->realm) : json_null(),
                                                        "actr_type", type_json(at->manufacturer, at->name)));
        }
        json_array_append_new(
            rules, json_pack("{s:i, s:o}", "permission", m->acl_rules[i].allow ? 1 : 0, "principals", principals));
    }
    return json_pack("{s:o}", "rules", rules);
}

static inline void add_server(json_t *servers, actri_strings_t urls)
{
    if (urls.count == 0) return;
    json_array_append_new(servers, json_pack("{s:o, s:n, s:n}", "urls", texts_json(urls), "username", "credential"));
}

static inline json_t *advanced_json(const actri_manifest_t *m)
{
    bool range = m->port_range_start != 0 && m->port_range_end != 0;
    json_t *ports = range ? json_pack("[i, i]", (int)m->port_range_start, (int)m->port_range_end) : json_null();
    actri_strings_t none = {NULL, 0};
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:b}", "udp_ports", ports, "public_ips",
                     texts_json(range ? m->public_ips : none), "ice_host_acceptance_min_wait",
                     (json_int_t)m->host_wait_ms, "ice_srflx_acceptance_min_wait", (json_int_t)m->srflx_wait_ms,
                     "ice_prflx_acceptance_min_wait", (json_int_t)m->prflx_wait_ms, "ice_relay_acceptance_min_wait",
                     (json_int_t)m->relay_wait_ms, "prefer_answerer", range);
}

static inline json_t *webrtc_json(const actri_manifest_t *m, bool advanced)
{
    json_t *servers = json_array();
    add_server(servers, m->stun_urls);
    add_server(servers, m->turn_urls);
    json_t *out =
        json_pack("{s:o, s:s}", "ice_servers", servers, "ice_transport_policy", m->force_relay ? "Relay" : "All");
    if (advanced) json_object_set_new(out, "advanced", advanced_json(m));
    return out;
}

static inline json_t *exports_json(const actri_manifest_t *m)
{
    json_t *out = json_array();
    for (size_t i = 0; i < m->export_count; i++)
        json_array_append_new(
            out, json_pack("{s:s, s:I}", "path", m->exports[i].path, "content_bytes", (json_int_t)m->exports[i].size));
    return out;
}

static inline json_t *scripts_json(const actri_manifest_t *m)
{
    json_t *out = json_object();
    for (size_t i = 0; i < m->script_count; i++)
        json_object_set_new(out, m->scripts[i].name, json_string(m->scripts[i].command));
    return out;
}

/* form_b: with the members that only the later form has; advanced: of its source tag. */
static inline json_t *manifest_json(actri_manifest_t *m, bool form_b, bool advanced)
{
    json_t *out = json_object();
    json_object_set_new(out, "package",
                        json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", m->package_name, "actr_type",
                                  type_json(m->manufacturer, m->name), "description", text_or_null(m->description),
                                  "authors", texts_json(m->authors), "license", text_or_null(m->license)));
    json_object_set_new(out, "tags", texts_json(m->tags));
    json_object_set_new(out, "exports", exports_json(m));
    json_object_set_new(out, "dependencies_sorted_by_alias", dependencies_json(m, form_b));
    json_object_set_new(out, "signaling_url", json_string(m->signaling_url));
    json_object_set_new(out, "realm", json_integer(m->realm));
    json_object_set_new(out, "visible_in_discovery", json_boolean(m->visible));
    json_object_set_new(out, "acl", acl_json(m));
    json_object_set_new(out, "mailbox_path", text_or_null(m->mailbox_path));
    json_object_set_new(out, "scripts", scripts_json(m));
    json_object_set_new(out, "webrtc", webrtc_json(m, advanced));
    json_object_set_new(out, "observability",
                        json_pack("{s:s, s:b, s:s, s:s}", "filter_level", m->filter_level, "tracing_enabled",
                                  m->tracing_enabled, "tracing_endpoint", m->tracing_endpoint, "tracing_service_name",
                                  m->tracing_service_name));
    return out;
}

#endif
