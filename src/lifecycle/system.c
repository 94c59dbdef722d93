/* SPDX-License-Identifier: Apache-2.0 */
/* The system: configuration, hooks and everything that needs neither network nor identity. [any-thread] */
#include "lifecycle/node.h"

#include "compat/service_spec.h"
#include "port/clock.h"
#include "proto/idcodec.h"
#include "wire/certificate.h"

#include <string.h>

#define EXECUTOR_THREADS 2
#define MOST_TURNS 1024  /* of one dispatch */
#define STREAM_THREADS 2 /* of their own, by default: a handler that sleeps holds up no stream */

/* The storage thread may still have something to say while the node goes away. */
static void deliver(void *user, actri_link_t *mails, bool high)
{
    actr_system_t *system = user;
    actri_link_t *link;
    actri_lock(&system->mutex);
    if (system->path != NULL) actri_state_path_deliver(system->path, mails, high);
    actri_unlock(&system->mutex);
    while ((link = actri_list_take(mails)) != NULL) {
        actri_mail_t *mail = ACTRI_CONTAINER(link, actri_mail_t, task.link);
        actri_mailbox_done(system->mailbox, mail, ACTRI_MAIL_KEEP, NULL);
    }
}

static void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    actr_system_t *system = user;
    actri_lock(&system->mutex);
    if (system->path != NULL) actri_state_path_refuse(system->path, mail, why);
    actri_unlock(&system->mutex);
}

static void repeat(void *user, actri_mail_t *mail, actr_buf_t *reply)
{
    actr_system_t *system = user;
    actri_lock(&system->mutex);
    if (system->path != NULL) actri_state_path_repeat(system->path, mail, reply);
    actri_unlock(&system->mutex);
}

static void pressure(void *user, uint64_t messages, uint64_t bytes)
{
    actr_system_t *system = user;
    actri_lock(&system->mutex);
    if (system->path != NULL) actri_state_path_pressure(system->path, messages, bytes);
    actri_unlock(&system->mutex);
}

static void dead(void *user, const actri_mail_t *mail, const actr_error_t *cause)
{
    actr_system_t *system = user;
    actri_lock(&system->mutex);
    if (system->path != NULL) actri_state_path_dead(system->path, mail, cause);
    actri_unlock(&system->mutex);
}

void actri_system_set_path(actr_system_t *system, actri_state_path_t *path)
{
    actri_lock(&system->mutex);
    system->path = path;
    actri_unlock(&system->mutex);
}

actr_status_t actri_node_stream_pool(actr_node_t *node, actri_pool_t **out, actr_error_t *error)
{
    actr_system_t *system = node->system;
    actr_status_t status = ACTR_OK;
    *out = actri_node_pool(node);
    if (node->own_pool != NULL || actri_pool_is_loop(system->pool)) return ACTR_OK;
    actri_lock(&system->mutex);
    if (system->stream_pool == NULL) {
        uint32_t threads = system->config.values.stream_threads;
        status = actri_pool_new(&system->env, threads != 0 ? threads : STREAM_THREADS, ACTRI_POOL_PINNED,
                                &system->stream_pool, error);
    }
    *out = system->stream_pool;
    actri_unlock(&system->mutex);
    return status;
}

static actr_status_t open_mailbox(actr_system_t *system, actr_error_t *error)
{
    const actr_config_t *config = &system->config.values;
    actri_mailbox_options_t options = {.env = &system->env,
                                       .path = config->mailbox_path,
                                       .durability = config->durability,
                                       .max_messages = config->mailbox_max_messages,
                                       .max_bytes = config->mailbox_max_bytes,
                                       .max_attempts = config->mailbox_max_attempts,
                                       .duplicate_window_ms = config->mailbox_duplicate_window_ms,
                                       .duplicate_entries = config->mailbox_duplicate_entries,
                                       .high_per_normal = config->mailbox_high_per_normal,
                                       .own = config->mailbox,
                                       .own_letters = config->dead_letters,
                                       .deliver = deliver,
                                       .refuse = refuse,
                                       .repeat = repeat,
                                       .pressure = pressure,
                                       .dead = dead,
                                       .user = system};
    return actri_mailbox_open(&options, &system->mailbox, error);
}

/* Beside the mailbox file, <path>.sock. A node can live without. */
static void open_admin(actr_system_t *system)
{
    const actr_config_t *config = &system->config.values;
    actr_error_t error = ACTR_ERROR_INIT;
    if (config->mailbox != NULL || !actri_mailbox_is_file(config->mailbox_path)) return;
    char *path = actri_asprintf(&system->env, "%s.sock", config->mailbox_path);
    if (path == NULL || actri_admin_open(&system->env, path, actri_mailbox_commands, system->mailbox, &system->admin,
                                         &error) != ACTR_OK) {
        actri_warn(&system->env, "admin", "no admin socket: %s", path == NULL ? "out of memory" : error.message);
    }
    actri_free(&system->env, path);
}

/* A spec that can not be made is left out, as the reference does, but not in silence. */
static void make_service_spec(actr_system_t *system)
{
    const actr_config_t *config = &system->config.values;
    char form = config->server_form != NULL && config->server_form[0] == 'B' ? 'B' : 'A';
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_service_spec_encode(&system->env, config, form, actri_wall_ms() / 1000, &system->service_spec,
                                  &system->service_spec_size, &error) != ACTR_OK) {
        actri_warn(&system->env, "config", "registering without a service specification: %s", error.message);
    }
}

static actr_status_t make_acl(actr_system_t *system, actr_error_t *error);

static actr_status_t make_pool(actr_system_t *system, actr_error_t *error)
{
    if (system->config.values.affinity == ACTR_AFFINITY_LOOP) {
        return actri_pool_new_for_loop(&system->env, &system->pool, error);
    }
    return actri_pool_new(&system->env, EXECUTOR_THREADS, ACTRI_POOL_SHARED, &system->pool, error);
}

static actr_status_t open_certificate(actr_system_t *system, actr_error_t *error)
{
    const char *path = system->config.values.certificate_path;
    if (path == NULL) return actri_certificate_new(&system->env, &system->certificate, error);
    actr_status_t status = actri_certificate_open(&system->env, path, &system->certificate, error);
    if (status == ACTR_OK) {
        actri_info(&system->env, "trust", "the certificate of %s: %s", path,
                   actri_certificate_fingerprint(system->certificate));
    }
    return status;
}

/* There are no relays yet: who wants nothing else must not be shown to peers by its own addresses. */
static actr_status_t check_relays(const actr_system_t *system, actr_error_t *error)
{
    const actr_config_t *config = &system->config.values;
    if (config->force_relay) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "force_relay: this libactr can not use TURN servers yet");
    }
    if (config->stun_url_count + config->turn_url_count > 0) {
        actri_warn(&system->env, "config", "STUN and TURN servers are not used yet");
    }
    return ACTR_OK;
}

static actr_status_t build(actr_system_t *system, actr_error_t *error)
{
    actr_status_t status = check_relays(system, error);
    if (status == ACTR_OK) status = make_pool(system, error);
    if (status == ACTR_OK) status = open_mailbox(system, error);
    if (status == ACTR_OK) open_admin(system);
    if (status == ACTR_OK) status = open_certificate(system, error);
    if (status == ACTR_OK) status = make_acl(system, error);
    if (status == ACTR_OK) make_service_spec(system);
    return status;
}

actr_system_t *actri_system_bare(const actr_config_t *hooks)
{
    actri_env_t env = {.log_level = ACTR_LOG_INFO};
    if (hooks != NULL) {
        if (hooks->allocator != NULL) env.allocator = *hooks->allocator;
        env.log = hooks->log;
        env.log_user = hooks->log_user;
        if (hooks->log_level != 0) env.log_level = hooks->log_level;
    }
    actr_system_t *system = actri_zalloc(&env, sizeof *system);
    if (system == NULL) return NULL;
    system->env = env;
    system->refs = 1;
    actri_mutex_init(&system->mutex);
    actri_arena_init(&system->config.arena, &system->env);
    return system;
}

static actr_status_t finish(actr_system_t *system, actr_status_t status, actr_system_t **out, actr_error_t *error)
{
    if (status == ACTR_OK) status = build(system, error);
    if (status != ACTR_OK) {
        actr_system_release(system);
        return status;
    }
    *out = system;
    return ACTR_OK;
}

actr_status_t actr_system_new(const actr_config_t *config, actr_system_t **out, actr_error_t *error)
{
    if (config == NULL || out == NULL || config->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "config, its struct_size, or system is missing");
    }
    actr_system_t *system = actri_system_bare(config);
    if (system == NULL) return actri_no_memory(error);
    return finish(system, actri_config_copy(&system->env, config, &system->config, error), out, error);
}

actr_status_t actr_system_open_with(const char *path, const actr_config_t *hooks, actr_system_t **out,
                                    actr_error_t *error)
{
    if (path == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "path or system is NULL");
    actr_system_t *system = actri_system_bare(hooks);
    if (system == NULL) return actri_no_memory(error);
    return finish(system, actri_config_load(&system->env, path, &system->config, error), out, error);
}

actr_status_t actr_system_open(const char *path, actr_system_t **out, actr_error_t *error)
{
    return actr_system_open_with(path, NULL, out, error);
}

actr_system_t *actri_system_retain(actr_system_t *system)
{
    (void)__atomic_add_fetch(&system->refs, 1, __ATOMIC_RELAXED);
    return system;
}

void actr_system_release(actr_system_t *system)
{
    if (system == NULL || __atomic_sub_fetch(&system->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_admin_close(system->admin);
    actri_mailbox_close(system->mailbox);
    actri_pool_free(system->pool);
    actri_pool_free(system->stream_pool);
    actri_certificate_free(system->certificate);
    actri_free(&system->env, system->service_spec);
    actri_free(&system->env, system->acl);
    actri_config_clear(&system->config);
    actri_mutex_destroy(&system->mutex);
    actri_env_t env = system->env;
    actri_free(&env, system);
}

/* ---- a foreign loop ---- */

int actr_system_fd(const actr_system_t *system)
{
    return system == NULL ? -1 : actri_pool_fd(system->pool);
}

int actr_system_dispatch(actr_system_t *system, uint32_t max_turns, uint32_t max_ms)
{
    if (system == NULL) return ACTR_STATUS_INVALID_ARGUMENT;
    if (!actri_pool_is_loop(system->pool)) return ACTR_STATUS_INVALID_STATE;
    if (max_turns == 0 || max_turns > MOST_TURNS) max_turns = MOST_TURNS;
    int64_t until = max_ms == 0 ? ACTRI_NEVER : actri_now_ns() + max_ms * ACTRI_MS;
    return (int)actri_pool_dispatch(system->pool, max_turns, until);
}

const char *actr_system_fingerprint(const actr_system_t *system)
{
    return system == NULL ? NULL : actri_certificate_fingerprint(system->certificate);
}

/* ---- the ACL as it is sent at registration ---- */

typedef struct acl_room { /* messages of one principal */
    Actr__Principal principal;
    Actr__Realm realm;
    Actr__ActrType type;
} acl_room_t;

static void fill_principal(const actr_acl_principal_t *from, acl_room_t *room)
{
    actr__principal__init(&room->principal);
    if (from->has_realm) {
        actr__realm__init(&room->realm);
        room->realm.has_realm_id = 1;
        room->realm.realm_id = from->realm;
        room->principal.realm = &room->realm;
    }
    if (from->name != NULL) {
        actr__actr_type__init(&room->type);
        static char empty[1];
        room->type.manufacturer = from->manufacturer == NULL ? empty : (char *)(uintptr_t)from->manufacturer;
        room->type.name = (char *)(uintptr_t)from->name;
        room->principal.actr_type = &room->type;
    }
}

static bool fill_rule(actri_arena_t *arena, const actr_acl_rule_t *from, Actr__AclRule *rule)
{
    actr__acl_rule__init(rule);
    rule->has_permission = 1;
    rule->permission = from->allow ? 1 : 0;
    acl_room_t *rooms = actri_arena_alloc(arena, from->principal_count * sizeof *rooms);
    rule->principals = actri_arena_alloc(arena, from->principal_count * sizeof(Actr__Principal *));
    if (rooms == NULL || rule->principals == NULL) return false;
    for (size_t i = 0; i < from->principal_count; i++) {
        fill_principal(&from->principals[i], &rooms[i]);
        rule->principals[i] = &rooms[i].principal;
    }
    rule->n_principals = from->principal_count;
    return true;
}

static actr_status_t make_acl(actr_system_t *system, actr_error_t *error)
{
    const actr_config_t *config = &system->config.values;
    if (!config->has_acl) return ACTR_OK;
    actri_arena_t arena;
    actri_arena_init(&arena, &system->env);
    Actr__Acl acl = ACTR__ACL__INIT;
    Actr__AclRule *rules = actri_arena_alloc(&arena, config->acl_rule_count * sizeof *rules);
    acl.rules = actri_arena_alloc(&arena, config->acl_rule_count * sizeof(Actr__AclRule *));
    bool good = rules != NULL && acl.rules != NULL;
    for (size_t i = 0; good && i < config->acl_rule_count; i++) {
        good = fill_rule(&arena, &config->acl_rules[i], &rules[i]);
        acl.rules[acl.n_rules++] = &rules[i];
    }
    if (good) {
        system->acl_size = actr__acl__get_packed_size(&acl);
        system->acl = actri_alloc(&system->env, system->acl_size);
        good = system->acl != NULL;
    }
    if (good) (void)actr__acl__pack(&acl, system->acl);
    actri_arena_clear(&arena);
    return good ? ACTR_OK : actri_no_memory(error);
}
