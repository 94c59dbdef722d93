/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of our own: everything copied into the arena, and checked. */
#include "config/config.h"

#include <string.h>

static const char *copy_text(actri_arena_t *arena, const char *text)
{
    return text == NULL ? NULL : actri_arena_strndup(arena, text, strlen(text));
}

static const char *const *copy_list(actri_arena_t *arena, const char *const *list, size_t count)
{
    const char **copy = actri_arena_alloc(arena, count * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) copy[i] = copy_text(arena, list[i]);
    return copy;
}

static const actr_export_t *copy_exports(actri_arena_t *arena, const actr_export_t *list, size_t count)
{
    actr_export_t *copy = actri_arena_alloc(arena, count * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].file_name = copy_text(arena, list[i].file_name);
        copy[i].content = copy_text(arena, list[i].content);
    }
    return copy;
}

static const actr_acl_principal_t *copy_principals(actri_arena_t *arena, const actr_acl_principal_t *list, size_t count)
{
    actr_acl_principal_t *copy = actri_arena_alloc(arena, count * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = list[i];
        copy[i].manufacturer = copy_text(arena, list[i].manufacturer);
        copy[i].name = copy_text(arena, list[i].name);
    }
    return copy;
}

static const actr_acl_rule_t *copy_rules(actri_arena_t *arena, const actr_acl_rule_t *list, size_t count)
{
    actr_acl_rule_t *copy = actri_arena_alloc(arena, count * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = list[i];
        copy[i].principals = copy_principals(arena, list[i].principals, list[i].principal_count);
    }
    return copy;
}

static void copy_values(actri_arena_t *arena, actr_config_t *v)
{
    v->package_name = copy_text(arena, v->package_name);
    v->description = copy_text(arena, v->description);
    v->tags = copy_list(arena, v->tags, v->tag_count);
    v->manufacturer = copy_text(arena, v->manufacturer);
    v->name = copy_text(arena, v->name);
    v->exports = copy_exports(arena, v->exports, v->export_count);
    v->signaling_url = copy_text(arena, v->signaling_url);
    v->server_form = copy_text(arena, v->server_form);
    v->mailbox_path = copy_text(arena, v->mailbox_path);
    v->stun_urls = copy_list(arena, v->stun_urls, v->stun_url_count);
    v->turn_urls = copy_list(arena, v->turn_urls, v->turn_url_count);
    v->acl_rules = copy_rules(arena, v->acl_rules, v->acl_rule_count);
}

static actr_status_t invalid(actr_error_t *error, const char *field, const char *why)
{
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "%s: %s", field, why);
}

actr_status_t actri_config_check(const actr_config_t *v, actr_error_t *error)
{
    actr_type_t type;
    char text[ACTR_TYPE_TEXT_SIZE * 2];
    actr_error_t why = ACTR_ERROR_INIT;
    if (v->signaling_url == NULL || v->signaling_url[0] == '\0') return invalid(error, "signaling_url", "is missing");
    if (strncmp(v->signaling_url, "ws://", 5) != 0 && strncmp(v->signaling_url, "wss://", 6) != 0) {
        return invalid(error, "signaling_url", "does not begin with ws:// or wss://");
    }
    if (v->manufacturer == NULL || v->manufacturer[0] == '\0') return invalid(error, "manufacturer", "is missing");
    if (v->name == NULL || v->name[0] == '\0') return invalid(error, "name", "is missing");
    size_t size = strlen(v->manufacturer) + strlen(v->name);
    if (size + 2 > sizeof text) return invalid(error, "manufacturer, name", "longer than 32 bytes");
    strcpy(text, v->manufacturer); /* fits: checked above */
    strcat(text, "+");
    strcat(text, v->name);
    if (actr_type_parse(text, &type, &why) != ACTR_OK || strcmp(type.name, v->name) != 0) {
        return invalid(error, "manufacturer, name", why.status != ACTR_OK ? why.message : "a separator is inside");
    }
    if (v->server_form != NULL && strcmp(v->server_form, "A") != 0 && strcmp(v->server_form, "B") != 0) {
        return invalid(error, "server_form", "is neither \"A\" nor \"B\"");
    }
    return ACTR_OK;
}

actr_status_t actri_config_copy(const actri_env_t *env, const actr_config_t *from, actri_config_t *out,
                                actr_error_t *error)
{
    actri_arena_init(&out->arena, env);
    memset(&out->values, 0, sizeof out->values);
    size_t size = from->struct_size < sizeof out->values ? from->struct_size : sizeof out->values;
    memcpy(&out->values, from, size);
    out->values.struct_size = sizeof out->values;
    actr_status_t status = actri_config_check(&out->values, error);
    if (status != ACTR_OK) return status;
    copy_values(&out->arena, &out->values);
    return out->arena.failed ? actri_no_memory(error) : ACTR_OK;
}

void actri_config_clear(actri_config_t *config)
{
    actri_arena_clear(&config->arena);
    memset(&config->values, 0, sizeof config->values);
}
