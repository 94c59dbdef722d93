/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys (config.md 2), and look-ups in it. Read-only. [any-thread] */
#include "config/keys.h"

#include "config/suggest.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(member) .offset = (int)offsetof(actri_manifest_t, member), .size = sizeof(((actri_manifest_t *)0)->member)
#define ELSEWHERE .offset = -1
#define U16 .most = UINT16_MAX
#define U32 .most = UINT32_MAX
#define U64 .most = INT64_MAX /* what TOML can write */
#define BOTH "A, B"
#define OWN "-"
/* The name rule as far as ASCII goes; and names around a '+' or ':'. */
#define NOT_FIRST "\\u0000-@\\[-`{-\\u007f"
#define NOT_INSIDE "\\u0000-,/:-@\\[-^`{-\\u007f"
#define NOT_LAST "\\u0000-/:-@\\[-`{-\\u007f"
#define NAME "[^" NOT_FIRST "]([^" NOT_INSIDE "]*[^" NOT_LAST "])?"
#define NAME_PATTERN .pattern = "^" NAME "$"
#define TYPE_PATTERN .pattern = "^(" NAME ")?[+:]?" NAME "$"

const actri_key_t actri_keys[] = {
    {"edition", ACTRI_KEY_UINT, ACTRI_MERGE_OWN, BOTH, .fallback = "1", U32, AT(edition),
     .what = "Edition of the file format.", .check = "only 1 exists; parents must have the same"},
    {"inherit", ACTRI_KEY_PATH, ACTRI_MERGE_OWN, BOTH, AT(inherit),
     .what = "Parent manifest whose values count where this file has none.",
     .check = "a file that can be read; at most 16 files in a chain, no cycle; outside the manifest's folder only "
              "relative paths to .toml files"},
    {"exports", ACTRI_KEY_PATHS, ACTRI_MERGE_JOIN, BOTH, .fallback = "[]", ELSEWHERE,
     .what = "The .proto files that this actor serves; their text is published with the registration.",
     .check = "each can be read and is UTF-8 of at most 1 MiB; outside the manifest's folder only relative paths to "
              ".proto files"},
    {"config_dir", ACTRI_KEY_PATH, ACTRI_MERGE_OWN, "B", .fallback = "the manifest's folder", AT(config_dir),
     .what = "Folder of the lock file, relative to the manifest."},

    {"package.name", ACTRI_KEY_STRING, ACTRI_MERGE_OWN, BOTH, .required = true, AT(package_name),
     .what = "Name of the package, free text. With form B it is the name of the service specification."},
    {"package.description", ACTRI_KEY_STRING, ACTRI_MERGE_OWN, BOTH, AT(description),
     .what = "One sentence; published with the service specification."},
    {"package.authors", ACTRI_KEY_STRINGS, ACTRI_MERGE_OWN, BOTH, .fallback = "[]", AT(authors),
     .what = "For people; without effect."},
    {"package.license", ACTRI_KEY_STRING, ACTRI_MERGE_OWN, BOTH, AT(license), .what = "For people; without effect."},
    {"package.tags", ACTRI_KEY_STRINGS, ACTRI_MERGE_OWN, BOTH, .fallback = "[]", AT(tags),
     .what = "Tags such as \"latest\" or \"stable\"; published with the service specification."},
    {"package.actr_type.manufacturer", ACTRI_KEY_NAME, ACTRI_MERGE_OWN, BOTH, .required = true, AT(manufacturer),
     NAME_PATTERN, .what = "First half of the actor's type: who made it.", .check = "the name rule"},
    {"package.actr_type.name", ACTRI_KEY_NAME, ACTRI_MERGE_OWN, BOTH, .required = true, AT(name), NAME_PATTERN,
     .what = "Second half of the actor's type: what it is.", .check = "the name rule"},

    {"dependencies.*", ACTRI_KEY_TABLE, ACTRI_MERGE_UNION, BOTH, ELSEWHERE,
     .what = "A service that this one calls, under an alias. For tools; the runtime finds peers by type.",
     .check = "without actr_type and with form A the alias is the type"},
    {"dependencies.*.actr_type", ACTRI_KEY_TYPE, ACTRI_MERGE_UNION, BOTH, ELSEWHERE, TYPE_PATTERN,
     .what = "Its type, \"manufacturer+name\".", .check = "the name rule"},
    {"dependencies.*.realm", ACTRI_KEY_UINT, ACTRI_MERGE_UNION, BOTH, .fallback = "the own realm", U32, ELSEWHERE,
     .what = "The realm it lives in."},
    {"dependencies.*.fingerprint", ACTRI_KEY_STRING, ACTRI_MERGE_UNION, BOTH, ELSEWHERE,
     .what = "Fingerprint of the contract that this program was written for."},
    {"dependencies.*.name", ACTRI_KEY_STRING, ACTRI_MERGE_UNION, "B", .fallback = "the alias", ELSEWHERE,
     .what = "Its name in the lock file."},
    {"scripts.*", ACTRI_KEY_STRING, ACTRI_MERGE_UNION, BOTH, ELSEWHERE,
     .what = "A command line under a name. Kept for tools, never run by the library."},

    {"methods.*", ACTRI_KEY_TABLE, ACTRI_MERGE_UNION, OWN, ELSEWHERE,
     .what = "How messages of one method are handled, under its route in quotes: [methods.\"echo.EchoService.Echo\"]."},
    {"methods.*.key", ACTRI_KEY_STRING, ACTRI_MERGE_UNION, OWN, ELSEWHERE,
     .what = "A field of its request. Messages with one value there are handled one at a time, in order; those with "
             "different values in parallel.",
     .check = "when the workload is attached: a number, text or bytes, not repeated; affinity is \"pool\""},
    {"methods.*.priority", ACTRI_KEY_WORD, ACTRI_MERGE_UNION, OWN, .fallback = "\"normal\"", .words = "normal|high",
     ELSEWHERE, .what = "high: before all messages that are not, whatever lane they came on."},

    {"acl.rules", ACTRI_KEY_TABLES, ACTRI_MERGE_NEAREST, BOTH, .required = true, ELSEWHERE,
     .what = "Who may call. The first rule that speaks of the caller decides; none: refused. Without [acl] "
             "everybody may call.",
     .check = "required when [acl] is there; inherited as a whole"},
    {"acl.rules[].permission", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, BOTH, .required = true, ELSEWHERE,
     .pattern = "^([aA][lL][lL][oO][wW]|[dD][eE][nN][yY])$", .what = "\"ALLOW\" or \"DENY\", in upper or lower case."},
    {"acl.rules[].types", ACTRI_KEY_STRINGS, ACTRI_MERGE_NEAREST, BOTH, ELSEWHERE,
     .what = "Callers by type, \"manufacturer+name\", in any realm. Counts instead of principals, even when empty.",
     .check = "the name rule; a type without manufacturer matches nobody (warning)"},
    {"acl.rules[].principals", ACTRI_KEY_TABLES, ACTRI_MERGE_NEAREST, BOTH, .fallback = "[]", ELSEWHERE,
     .what = "Callers by realm and type. {} is everybody; no principal at all matches nobody."},
    {"acl.rules[].principals[].realm", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, BOTH, .fallback = "any", U32, ELSEWHERE,
     .what = "The caller's realm."},
    {"acl.rules[].principals[].actr_type", ACTRI_KEY_TYPE, ACTRI_MERGE_NEAREST, BOTH, .fallback = "any", ELSEWHERE,
     TYPE_PATTERN, .what = "The caller's type, \"manufacturer+name\" or { manufacturer = ..., name = ... }.",
     .check = "the name rule"},
    {"acl.rules[].principals[].actr_type.manufacturer", ACTRI_KEY_NAME, ACTRI_MERGE_NEAREST, BOTH, .fallback = "\"\"",
     ELSEWHERE, .what = "Manufacturer of the caller's type."},
    {"acl.rules[].principals[].actr_type.name", ACTRI_KEY_NAME, ACTRI_MERGE_NEAREST, BOTH, .required = true, ELSEWHERE,
     NAME_PATTERN, .what = "Name of the caller's type."},

    {"acl.rules[].assurance", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, OWN, .fallback = "\"relayed\"", ELSEWHERE,
     .what = "\"pinned\": the rule speaks only of callers whose certificate [[trust]] names.",
     .check = "\"relayed\" or \"pinned\", the latter only with ALLOW"},

    {"trust", ACTRI_KEY_TABLES, ACTRI_MERGE_NEAREST, OWN, .fallback = "[]", ELSEWHERE,
     .what =
         "Binds actor types to certificates: a peer of a type that is named here gets a connection only with one of "
         "its certificates, whether it calls or is called."},
    {"trust[].actr_type", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, OWN, .required = true, ELSEWHERE,
     .what = "The type, \"manufacturer+name\".", .check = "the name rule"},
    {"trust[].realm", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "the own realm", U32, ELSEWHERE,
     .what = "The realm in which it is bound."},
    {"trust[].fingerprint", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, OWN, .required = true, ELSEWHERE,
     .what = "SHA-256 of its certificate, \"AB:CD:...\"; its node logs it at start.",
     .check = "32 bytes in hexadecimal with colons"},

    {"system.signaling.url", ACTRI_KEY_URL, ACTRI_MERGE_NEAREST, BOTH, .required = true, AT(signaling_url),
     .what = "The signaling server.", .check = "ws:// or wss:// with a host; kept in its normal form"},
    {"system.signaling.server_form", ACTRI_KEY_WORD, ACTRI_MERGE_NEAREST, OWN, .fallback = "\"A\"", .words = "A|B",
     AT(server_form),
     .what = "Message form of that server: A for servers of the 2025-12 line, B for those of 2026-03. It also selects "
             "which form of the reference's manifest this file follows."},
    {"system.deployment.realm", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "A", .required = true, U32, AT(realm),
     .what = "The realm to register in.", .check = "this key or realm_id is required"},
    {"system.deployment.realm_id", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", .fallback = "realm", U32, AT(realm_id),
     .what = "The same, as form B writes it. When both are given and differ, the key of the server's form counts."},
    {"system.discovery.visible", ACTRI_KEY_BOOL, ACTRI_MERGE_NEAREST, BOTH, .fallback = "true", AT(visible),
     .what = "Kept, without effect (as in the reference)."},
    {"system.storage.mailbox_path", ACTRI_KEY_PATH, ACTRI_MERGE_NEAREST, BOTH, .fallback = "in memory",
     AT(mailbox_path),
     .what = "SQLite file of the mailbox, relative to the working directory of the process (not to the manifest). \"\" "
             "and \":memory:\" also mean in memory; ~ and $VAR are not expanded."},
    {"system.storage.certificate_path", ACTRI_KEY_PATH, ACTRI_MERGE_NEAREST, OWN,
     .fallback = "a new certificate for each start", AT(certificate_path),
     .what = "PEM file of the certificate that this node shows to its peers, and its key, so that others can pin it; "
             "made with mode 0600 when it is not there. Relative to the working directory."},
    {"system.storage.durability", ACTRI_KEY_WORD, ACTRI_MERGE_NEAREST, OWN, .fallback = "\"full\"",
     .words = "full|normal|off", AT(durability),
     .what = "What an accepted message survives: a power cut (full), a crash of the process (normal), nothing (off)."},
    {"system.storage.max_messages", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "100000", U64,
     AT(max_messages), .what = "Most messages in the mailbox; 0 is the default."},
    {"system.storage.max_bytes", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "268435456", U64, AT(max_bytes),
     .what = "Most bytes in the mailbox; 0 is the default."},
    {"system.storage.max_attempts", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "5", U32, AT(max_attempts),
     .what = "Times a request is begun whose handling ends with the process; then it becomes a dead letter. 0 is "
             "the default."},
    {"system.storage.duplicate_window_ms", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "300000", U32,
     AT(duplicate_window_ms),
     .what = "How long an answered request id is known, in milliseconds: a repeated request gets the same reply. 0 is "
             "the default."},
    {"system.storage.duplicate_entries", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "16384", U32,
     AT(duplicate_entries), .what = "Most answered request ids that are known; the oldest go first. 0 is the default."},
    {"system.storage.high_per_normal", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "8", U32,
     AT(high_per_normal),
     .what = "Requests of RPC_SIGNAL that are handled for each one of RPC_RELIABLE while both wait; 0 is the default."},
    {"system.webrtc.stun_urls", ACTRI_KEY_STRINGS, ACTRI_MERGE_NOT_EMPTY, BOTH, .fallback = "[]", AT(stun_urls),
     .what = "STUN servers, \"stun:host:port\". Kept, not used yet: told of in the log."},
    {"system.webrtc.turn_urls", ACTRI_KEY_STRINGS, ACTRI_MERGE_NOT_EMPTY, BOTH, .fallback = "[]", AT(turn_urls),
     .what = "TURN servers, \"turn:host:port\"; user name and password come from the registration. Kept, not used yet: "
             "told of in the log."},
    {"system.webrtc.force_relay", ACTRI_KEY_BOOL, ACTRI_MERGE_EITHER, BOTH, .fallback = "false", AT(force_relay),
     .what =
         "Use relayed candidates only. Once a parent says true, a child can not switch it off. Without TURN, which is "
         "not used yet, a node with it is refused."},
    {"system.webrtc.loopback", ACTRI_KEY_BOOL, ACTRI_MERGE_NEAREST, OWN,
     .fallback = "true when the signaling server is on loopback", AT(loopback), .what = "Use loopback candidates."},
    {"system.webrtc.port_range_start", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", U16, AT(port_range_start),
     .what = "First local UDP port. Kept, not used yet.", .check = "below port_range_end; counts only with it"},
    {"system.webrtc.port_range_end", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", U16, AT(port_range_end),
     .what = "Last local UDP port. Kept, not used yet."},
    {"system.webrtc.public_ips", ACTRI_KEY_STRINGS, ACTRI_MERGE_NEAREST, "B", .fallback = "[]", AT(public_ips),
     .what = "Public addresses in front of a port range. Kept, not used yet."},
    {"system.webrtc.ice_host_acceptance_min_wait", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", .fallback = "0", U64,
     AT(host_wait_ms), .what = "Milliseconds before a host candidate is accepted. Kept, without effect."},
    {"system.webrtc.ice_srflx_acceptance_min_wait", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", .fallback = "20", U64,
     AT(srflx_wait_ms), .what = "The same for server-reflexive candidates."},
    {"system.webrtc.ice_prflx_acceptance_min_wait", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", .fallback = "40", U64,
     AT(prflx_wait_ms), .what = "The same for peer-reflexive candidates."},
    {"system.webrtc.ice_relay_acceptance_min_wait", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, "B", .fallback = "100", U64,
     AT(relay_wait_ms), .what = "The same for relayed candidates."},
    {"system.network.watch", ACTRI_KEY_BOOL, ACTRI_MERGE_NEAREST, OWN,
     .fallback = "true unless loopback candidates are used", AT(network_watch),
     .what =
         "Watch the addresses of this machine: when they change, the node looks at once whether its connections live, "
         "and for their paths anew."},
    {"system.executor.affinity", ACTRI_KEY_WORD, ACTRI_MERGE_NEAREST, OWN, .fallback = "\"pool\"",
     .words = "pool|thread|loop", AT(affinity),
     .what =
         "Where handlers, hooks, timers and callbacks run: on the system's threads (pool), all on one thread that the "
         "node has for itself (thread), inside the program's own loop (loop, actr_system_dispatch)."},
    {"system.executor.stream_threads", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "2",
     .most = ACTR_STREAM_THREADS_MAX, AT(stream_threads),
     .what = "Threads for callbacks of streams and media tracks, begun with the first; 0 is the default. Only with "
             "affinity \"pool\": else they run where handlers do."},
    {"system.observability.filter_level", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, BOTH, .fallback = "\"info\"",
     AT(filter_level), .what = "Log filter, for example \"info,webrtc=debug\"; its first bare level is used."},
    {"system.observability.tracing_enabled", ACTRI_KEY_BOOL, ACTRI_MERGE_NEAREST, BOTH, .fallback = "false",
     AT(tracing_enabled), .what = "Export spans."},
    {"system.observability.tracing_endpoint", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, BOTH,
     .fallback = "\"http://localhost:4317\"", AT(tracing_endpoint), .what = "Where spans go (OTLP)."},
    {"system.observability.tracing_service_name", ACTRI_KEY_STRING, ACTRI_MERGE_NEAREST, BOTH,
     .fallback = "package.name", AT(tracing_service_name), .what = "Service name of the spans."},
    {"system.limits.max_pending_calls", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "65536", U32,
     AT(max_pending_calls), .what = "Most calls that wait for a reply; 0 is the default."},
    {"system.limits.max_peers", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "1024", U32, AT(max_peers),
     .what = "Most peers at a time; 0 is the default."},
    {"system.limits.max_deferred_replies", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "4096", U32,
     AT(max_deferred_replies), .what = "Most requests whose handler answers later; 0 is the default."},
    {"system.limits.default_timeout_ms", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "30000", U32,
     AT(default_timeout_ms), .what = "Time limit of a call that names none, in milliseconds; 0 is the default."},
    {"system.limits.connect_timeout_ms", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "30000", U32,
     AT(connect_timeout_ms),
     .what = "What a start gives to connecting and registering, in milliseconds; 0 is the default."},
    {"system.limits.drain_timeout_ms", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "2000", U32,
     AT(drain_timeout_ms), .what = "What shutdown gives to queued work, in milliseconds; 0 is the default."},
    {"system.limits.handler_limit_ms", ACTRI_KEY_UINT, ACTRI_MERGE_NEAREST, OWN, .fallback = "0", U32,
     AT(handler_limit_ms),
     .what = "How long a handler may run, in milliseconds, before its caller gets a timeout; 0: for ever."},
};
const size_t actri_key_count = sizeof actri_keys / sizeof actri_keys[0];
_Static_assert(sizeof actri_keys / sizeof actri_keys[0] <= ACTRI_KEYS_MAX, "raise ACTRI_KEYS_MAX");

const actri_key_t *actri_key_find(const char *path)
{
    for (size_t i = 0; i < actri_key_count; i++) {
        if (strcmp(actri_keys[i].path, path) == 0) return &actri_keys[i];
    }
    return NULL;
}

bool actri_key_has_below(const char *path, const char *joint)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < actri_key_count; i++) {
        const char *row = actri_keys[i].path;
        if (strncmp(row, path, size) == 0 && strncmp(row + size, joint, strlen(joint)) == 0) return true;
    }
    return false;
}

/* Where `part` stands in a path as one of its parts: the end of it; NULL. */
static const char *end_of_part(const char *path, const char *part)
{
    size_t size = strlen(part);
    for (const char *at = path; at != NULL; at = strchr(at, '.')) {
        if (*at == '.') at++;
        if (strncmp(at, part, size) == 0 && (at[size] == '.' || at[size] == '\0')) return at + size;
    }
    return NULL;
}

/* As much of a row as has the same number of parts: a table, or all of it. */
static size_t as_deep(const char *row, const char *path)
{
    size_t dots = 0, at = 0;
    for (const char *c = path; *c != '\0'; c++) dots += *c == '.';
    for (; row[at] != '\0' && (row[at] != '.' || dots > 0); at++) dots -= row[at] == '.';
    return at;
}

/* The nearest path of a table or a key; or the same name in another place: a key behind the wrong header is a common
   mistake. */
const char *actri_key_suggest(const char *path, char *room, size_t size)
{
    const char *dot = strrchr(path, '.'), *last = dot == NULL ? path : dot + 1;
    unsigned least = actri_suggest_limit(path) + 1, most = least;
    room[0] = '\0';
    for (size_t i = 0; i < actri_key_count; i++) {
        char row[96];
        const char *end = end_of_part(actri_keys[i].path, last);
        (void)snprintf(row, sizeof row, "%.*s", (int)as_deep(actri_keys[i].path, path), actri_keys[i].path);
        unsigned distance = actri_edit_distance(path, row, least);
        if (distance < least) {
            least = distance;
            (void)snprintf(room, size, "%s", row);
        } else if (least == most && room[0] == '\0' && end != NULL) {
            (void)snprintf(room, size, "%.*s", (int)(end - actri_keys[i].path), actri_keys[i].path);
        }
    }
    return room[0] == '\0' ? NULL : room;
}

const char *actri_key_type_text(const actri_key_t *key, char *room, size_t size)
{
    switch (key->type) {
    case ACTRI_KEY_UINT:
        if (key->most == INT64_MAX) return "an integer that is not negative";
        (void)snprintf(room, size, "an integer from 0 to %" PRIu64, key->most);
        return room;
    case ACTRI_KEY_BOOL: return "true or false";
    case ACTRI_KEY_STRINGS: return "a list of strings";
    case ACTRI_KEY_PATHS: return "a list of paths";
    case ACTRI_KEY_TABLE: return "a table";
    case ACTRI_KEY_TABLES: return "a list of tables";
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_NAME:
    case ACTRI_KEY_URL:
    case ACTRI_KEY_WORD:
    case ACTRI_KEY_PATH:
    case ACTRI_KEY_TYPE: break;
    }
    return "a string";
}

const char *actri_key_variable(const actri_key_t *key, char *room, size_t size)
{
    room[0] = '\0';
    if (key->offset < 0 || key->offset == (int)offsetof(actri_manifest_t, edition) ||
        key->offset == (int)offsetof(actri_manifest_t, inherit))
        return room; /* tables, and what decides how files are read */
    size_t at = (size_t)snprintf(room, size, "ACTR_");
    for (const char *c = key->path; *c != '\0' && at + 3 < size; c++) {
        if (*c == '.') room[at++] = '_';
        room[at++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
    room[at] = '\0';
    return room;
}
