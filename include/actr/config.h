/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration built in code. Programs that keep theirs in an Actr.toml use actr_system_open().
 */
#ifndef ACTR_CONFIG_H
#define ACTR_CONFIG_H

#include <actr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whom a rule speaks of. No realm: any realm. No type (name and manufacturer NULL): any type. */
typedef struct actr_acl_principal {
    bool has_realm;
    uint32_t realm;
    const char *manufacturer;
    const char *name;
} actr_acl_principal_t;

/*
 * How sure it is who calls. RELAYED: the signaling server says so, and every actor of its realm could have made it say
 * that. PINNED: the caller has shown a certificate that actr_trust_t binds its type to. LOCAL: the own process.
 */
typedef enum actr_assurance {
    ACTR_ASSURANCE_RELAYED = 0,
    ACTR_ASSURANCE_PINNED = 1,
    ACTR_ASSURANCE_LOCAL = 2,
} actr_assurance_t;

/* The first rule with a matching principal decides; none matching denies. */
typedef struct actr_acl_rule {
    bool allow;
    const actr_acl_principal_t *principals;
    size_t principal_count;
    actr_assurance_t assurance; /* PINNED: only if allow; the rule speaks of no caller that is less sure */
} actr_acl_rule_t;

/*
 * Binds a type in a realm to a certificate (actr_system_fingerprint of its system). Once there is an entry for a type,
 * a peer of that type gets a connection only if it shows one of their certificates; so has a peer that is called.
 */
typedef struct actr_trust {
    const char *manufacturer, *name;
    uint32_t realm;
    const char *fingerprint; /* SHA-256, "AB:CD:..", 32 bytes */
} actr_trust_t;

#define ACTR_STREAM_THREADS_MAX 32

typedef enum actr_durability {
    ACTR_DURABILITY_DEFAULT = 0, /* full when mailbox_path is set */
    ACTR_DURABILITY_FULL = 1,    /* a commit reaches the disk before it counts */
    ACTR_DURABILITY_NORMAL = 2,  /* survives the process, not always a power cut */
    ACTR_DURABILITY_OFF = 3,
} actr_durability_t;

/*
 * Where handlers, hooks, timers and callbacks of the node run, those of streams and tracks too. See docs/scheduling.md.
 */
typedef enum actr_affinity {
    /* on the system's threads (callbacks of streams: on threads of their own); a blocking local call that finds the
       node idle: on its own */
    ACTR_AFFINITY_POOL = 0,
    ACTR_AFFINITY_THREAD = 1, /* all on one thread that the node has for itself (the Shell's handler: on the pool) */
    ACTR_AFFINITY_LOOP = 2,   /* inside actr_system_dispatch only */
} actr_affinity_t;

typedef struct actr_mailbox actr_mailbox_t; /* mailbox.h */
typedef struct actr_dlq actr_dlq_t;

/* A .proto file that this actor serves. */
typedef struct actr_export {
    const char *file_name; /* "echo.proto" */
    const char *content;   /* its text, zero-terminated UTF-8 */
} actr_export_t;

/* How messages of one method are handled; [methods."route"]. */
typedef struct actr_method_rule {
    const char *route; /* "echo.EchoService.Echo" */
    /* A field of its request, a number or a text: messages with one value there are handled one at a time, in order,
       those with different values in parallel (as actr_workload_t.key_of, which it goes before). NULL: none. */
    const char *key;
    bool high; /* as if sent on ACTR_RPC_SIGNAL: before all that are not */
} actr_method_rule_t;

/*
 * Everything a system can be told. Start from ACTR_CONFIG_INIT, which holds the defaults; only
 * signaling_url, manufacturer and name must be set. Everything is copied by actr_system_new().
 */
typedef struct actr_config {
    size_t struct_size;

    /* hooks; NULL: libc's allocator, no log */
    const actr_allocator_t *allocator;
    actr_log_fn log;
    void *log_user;
    actr_log_level_t log_level;

    /* [package] */
    const char *package_name;
    const char *description;
    const char *const *tags;
    size_t tag_count;
    const char *manufacturer; /* [package.actr_type] */
    const char *name;
    const actr_export_t *exports;
    size_t export_count;

    /* [system] */
    const char *signaling_url; /* ws://host:port/path or wss://... */
    uint32_t realm;
    const char *server_form;  /* "A" (default: servers of the 2025-12 line) or "B" (2026-03) */
    const char *mailbox_path; /* NULL: in memory */
    actr_durability_t durability;
    uint64_t mailbox_max_messages; /* 0: 100,000 */
    uint64_t mailbox_max_bytes;    /* 0: 256 MiB */
    const char *const *stun_urls;
    size_t stun_url_count;
    const char *const *turn_urls;
    size_t turn_url_count;
    bool force_relay; /* refused, until TURN servers can be used */
    /* Use loopback candidates? 0: only when the signaling server itself is on loopback; 1: yes; -1: no */
    int loopback;

    bool has_acl; /* false: everybody may call. true and no rule: nobody may */
    const actr_acl_rule_t *acl_rules;
    size_t acl_rule_count;

    /* limits, 0: the default in brackets */
    uint32_t max_pending_calls;    /* [65536] */
    uint32_t max_peers;            /* [1024] */
    uint32_t default_timeout_ms;   /* of a call, [30000] */
    uint32_t connect_timeout_ms;   /* of actr_node_start: connecting and registering, [30000] */
    uint32_t drain_timeout_ms;     /* what shutdown gives to queued work, [2000] */
    uint32_t max_deferred_replies; /* requests whose handler answers later, [4096] */
    /* How long a handler may run; then its caller gets ACTR_STATUS_TIMEOUT, the node ACTR_EVENT_HANDLER_OVERTIME. The
       handler itself can not be ended: it keeps the turn. [0: for ever] */
    uint32_t handler_limit_ms;
    actr_affinity_t affinity;

    /* [[trust]] */
    const actr_trust_t *trust;
    size_t trust_count;
    /* PEM file of the system's certificate and key; made with mode 0600 if it is not there. NULL: a new certificate for
       each system, which nobody can pin. */
    const char *certificate_path;

    /* [system.storage], continued */
    actr_mailbox_t *mailbox;              /* one's own; counts instead of mailbox_path. The system uses it alone, does
                                             not close it, and must be gone before it */
    actr_dlq_t *dead_letters;             /* beside it; NULL: dead letters are only logged */
    uint32_t mailbox_max_attempts;        /* of a request whose handling begins and ends with the process, [5] */
    uint32_t mailbox_duplicate_window_ms; /* how long an answered request id is known, [300000] */
    uint32_t mailbox_duplicate_entries;   /* most of them, [16384] */
    uint32_t mailbox_high_per_normal;     /* High requests for each Normal one while both wait, [8] */

    /* [methods] */
    const actr_method_rule_t *methods; /* a route once; at most 4096 */
    size_t method_count;

    /* [system.executor], continued */
    uint32_t stream_threads; /* for callbacks of streams and tracks, begun with the first registration; at most
                                ACTR_STREAM_THREADS_MAX [2]. Only with ACTR_AFFINITY_POOL */

    /* [system.network] Watch the addresses of this machine (<actr/network.h>)? 0: unless loopback candidates are used;
       1: yes; -1: no */
    int network_watch;
} actr_config_t;

#define ACTR_CONFIG_INIT                                                                                               \
    {                                                                                                                  \
        .struct_size = sizeof(actr_config_t), .log_level = ACTR_LOG_INFO                                               \
    }

#ifdef __cplusplus
}
#endif
#endif
