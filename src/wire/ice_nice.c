/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICE by libnice. Its signals come on the loop, because its main context is the loop's. Notes: 127.0.0.1 must be
 * added by hand; ice-tcp and UPnP are off; consent freshness finds a peer that vanished.
 */
#include "wire/ice.h"

#include "wire/loop_context.h"

#include <agent.h>
#include <arpa/inet.h>
#include <interfaces.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COMPONENT 1
#define PACING_MS 1
#define SOCKET_BUFFER (1 << 20)
#define SEND_BATCH 64

struct actri_ice {
    const actri_env_t *env;
    NiceAgent *agent;
    guint stream;
    gchar *ufrag, *pwd;
    bool loopback, gathered;
    actri_ice_handlers_t handlers;
    void *user;
};

static void on_recv(NiceAgent *agent, guint stream, guint component, guint size, gchar *data, gpointer user)
{
    (void)agent;
    (void)stream;
    (void)component;
    actri_ice_t *ice = user;
    ice->handlers.on_packet(ice->user, (const uint8_t *)data, size);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer user)
{
    (void)agent;
    (void)stream;
    (void)component;
    actri_ice_t *ice = user;
    switch (state) {
    case NICE_COMPONENT_STATE_CONNECTED:
    case NICE_COMPONENT_STATE_READY: ice->handlers.on_state(ice->user, ACTRI_ICE_CONNECTED); break;
    case NICE_COMPONENT_STATE_FAILED: ice->handlers.on_state(ice->user, ACTRI_ICE_FAILED); break;
    case NICE_COMPONENT_STATE_DISCONNECTED: ice->handlers.on_state(ice->user, ACTRI_ICE_DISCONNECTED); break;
    default: break;
    }
}

static void on_candidate(NiceAgent *agent, NiceCandidate *candidate, gpointer user)
{
    actri_ice_t *ice = user;
    gchar *line = nice_agent_generate_local_candidate_sdp(agent, candidate);
    if (line == NULL) return;
    const char *text = strncmp(line, "a=", 2) == 0 ? line + 2 : line;
    ice->handlers.on_candidate(ice->user, text);
    g_free(line);
}

static void on_selected(NiceAgent *agent, guint stream, guint component, NiceCandidate *local, NiceCandidate *remote,
                        gpointer user)
{
    (void)local;
    (void)remote;
    (void)user;
    GSocket *socket = nice_agent_get_selected_socket(agent, stream, component);
    if (socket == NULL) return; /* a relay's socket is not ours to tune */
    (void)g_socket_set_option(socket, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER, NULL);
    (void)g_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER, NULL);
    g_object_unref(socket); /* transfer full */
}

static bool is_linklocal(const NiceAddress *address)
{
    char text[NICE_ADDRESS_STRING_LEN];
    nice_address_to_string(address, text);
    return strncmp(text, "169.254.", 8) == 0 || (strncasecmp(text, "fe", 2) == 0 && strchr("89abAB", text[2]) != NULL);
}

static bool add_server(actri_ice_t *ice, const char *url, const char *username, const char *password)
{
    char host[128];
    unsigned port = 3478;
    bool turn = strncmp(url, "turn:", 5) == 0;
    if (!turn && strncmp(url, "stun:", 5) != 0) return false; /* turns: and stuns: are not supported */
    const char *at = url + 5;
    size_t size = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":?");
    if (size == 0 || size >= sizeof host) return false;
    memcpy(host, at, size);
    host[size] = '\0';
    if (at[size] == ':') port = (unsigned)strtoul(at + size + 1, NULL, 10);
    if (strstr(url, "transport=tcp") != NULL || port == 0 || port > 65535) return false;
    if (turn) {
        if (username == NULL || password == NULL) return false;
        return nice_agent_set_relay_info(ice->agent, ice->stream, COMPONENT, host, port, username, password,
                                         NICE_RELAY_TYPE_TURN_UDP);
    }
    g_object_set(ice->agent, "stun-server", host, "stun-server-port", port, NULL);
    return true;
}

static void add_servers(actri_ice_t *ice, const actri_rtc_options_t *options)
{
    for (size_t i = 0; i < options->server_count; i++) {
        if (add_server(ice, options->servers[i].url, options->servers[i].username, options->servers[i].password))
            continue;
        actri_warn(ice->env, "wire", "ICE server %s is not usable", options->servers[i].url);
    }
}

/* libnice gathers all interfaces but the loopback by itself; once an address is added by hand it uses only those. */
static void add_addresses(actri_ice_t *ice)
{
    GList *ips = nice_interfaces_get_local_ips(TRUE);
    for (GList *at = ips; at != NULL; at = at->next) {
        NiceAddress address;
        nice_address_init(&address);
        if (!nice_address_set_from_string(&address, at->data) || is_linklocal(&address)) continue;
        (void)nice_agent_add_local_address(ice->agent, &address);
    }
    g_list_free_full(ips, g_free);
}

actr_status_t actri_ice_new(const actri_rtc_options_t *options, const actri_ice_handlers_t *handlers, void *user,
                            actri_ice_t **out, actr_error_t *error)
{
    actri_ice_t *ice = actri_zalloc(options->env, sizeof *ice);
    if (ice == NULL) return actri_no_memory(error);
    GMainContext *context = actri_loop_context(options->loop);
    ice->env = options->env;
    ice->handlers = *handlers;
    ice->user = user;
    ice->loopback = options->loopback;
    ice->agent = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245,
                                     NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    g_object_set(ice->agent, "ice-tcp", FALSE, "upnp", FALSE, "controlling-mode", (gboolean)options->offerer,
                 "stun-pacing-timer", PACING_MS, "force-relay", (gboolean)options->force_relay, NULL);
    if (options->loopback) add_addresses(ice);
    ice->stream = nice_agent_add_stream(ice->agent, 1);
    if (ice->stream == 0) {
        actri_ice_free(ice);
        return actri_fail(error, ACTR_STATUS_INTERNAL, "ICE: no stream");
    }
    add_servers(ice, options);
    (void)nice_agent_get_local_credentials(ice->agent, ice->stream, &ice->ufrag, &ice->pwd);
    (void)nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, context, on_recv, ice);
    (void)g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(on_state), ice);
    (void)g_signal_connect(ice->agent, "new-candidate-full", G_CALLBACK(on_candidate), ice);
    (void)g_signal_connect(ice->agent, "new-selected-pair-full", G_CALLBACK(on_selected), ice);
    *out = ice;
    return ACTR_OK;
}

void actri_ice_free(actri_ice_t *ice)
{
    if (ice == NULL) return;
    (void)g_signal_handlers_disconnect_by_data(ice->agent, ice);
    if (ice->stream != 0) {
        (void)nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, NULL, NULL, NULL);
        nice_agent_remove_stream(ice->agent, ice->stream);
    }
    g_object_unref(ice->agent);
    g_free(ice->ufrag);
    g_free(ice->pwd);
    actri_free(ice->env, ice);
}

void actri_ice_credentials(const actri_ice_t *ice, const char **ufrag, const char **pwd)
{
    *ufrag = ice->ufrag;
    *pwd = ice->pwd;
}

actr_status_t actri_ice_gather(actri_ice_t *ice, actr_error_t *error)
{
    ice->gathered = true;
    if (nice_agent_gather_candidates(ice->agent, ice->stream)) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "ICE: no local candidates (no network address?)");
}

actr_status_t actri_ice_set_remote(actri_ice_t *ice, const char *ufrag, const char *pwd, actr_error_t *error)
{
    if (nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, pwd)) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "ICE: the peer's credentials are refused");
}

static bool is_multicast(const NiceAddress *address)
{
    char text[NICE_ADDRESS_STRING_LEN];
    struct in_addr v4;
    nice_address_to_string(address, text);
    if (inet_pton(AF_INET, text, &v4) == 1) return IN_MULTICAST(ntohl(v4.s_addr)) || v4.s_addr == INADDR_BROADCAST;
    return strncasecmp(text, "ff", 2) == 0;
}

static bool is_loopback(const NiceAddress *address)
{
    char text[NICE_ADDRESS_STRING_LEN];
    nice_address_to_string(address, text);
    return strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
}

/* design 10: else a peer makes us a port scanner. */
static const char *refused(const actri_ice_t *ice, const NiceCandidate *candidate)
{
    if (candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP) return "not UDP";
    if (!ice->loopback && is_loopback(&candidate->addr)) return "loopback";
    if (is_linklocal(&candidate->addr)) return "link-local";
    if (is_multicast(&candidate->addr)) return "multicast";
    return nice_address_get_port(&candidate->addr) == 0 ? "port 0" : NULL;
}

actr_status_t actri_ice_add_candidate(actri_ice_t *ice, const char *text, actr_error_t *error)
{
    char line[300];
    bool prefixed = strncmp(text, "candidate:", 10) == 0;
    int size = snprintf(line, sizeof line, "a=%s%s", prefixed ? "" : "candidate:", text);
    NiceCandidate *candidate = size < 0 || (size_t)size >= sizeof line
                                   ? NULL
                                   : nice_agent_parse_remote_candidate_sdp(ice->agent, ice->stream, line);
    if (candidate == NULL) return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "\"%.80s\" is no candidate", text);
    const char *why = refused(ice, candidate);
    actr_status_t status = ACTR_OK;
    if (why != NULL) {
        status = actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "\"%.80s\" is refused: %s", text, why);
    } else {
        GSList *list = g_slist_prepend(NULL, candidate);
        candidate->component_id = COMPONENT;
        if (nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, list) < 0) {
            status = actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "\"%.80s\" was not taken", text);
        }
        g_slist_free(list);
    }
    nice_candidate_free(candidate);
    return status;
}

static size_t send_some(actri_ice_t *ice, const actri_ice_datagram_t *datagrams, size_t count)
{
    GOutputVector vectors[SEND_BATCH];
    NiceOutputMessage messages[SEND_BATCH];
    for (size_t i = 0; i < count; i++) {
        vectors[i] = (GOutputVector){datagrams[i].data, datagrams[i].size};
        messages[i] = (NiceOutputMessage){&vectors[i], 1};
    }
    gint sent =
        nice_agent_send_messages_nonblocking(ice->agent, ice->stream, COMPONENT, messages, (guint)count, NULL, NULL);
    return sent < 0 ? 0 : (size_t)sent;
}

size_t actri_ice_send(actri_ice_t *ice, const actri_ice_datagram_t *datagrams, size_t count)
{
    size_t sent = 0;
    while (sent < count) {
        size_t some = count - sent < SEND_BATCH ? count - sent : SEND_BATCH;
        size_t went = send_some(ice, datagrams + sent, some);
        sent += went;
        if (went < some) break;
    }
    return sent;
}

actr_status_t actri_ice_restart(actri_ice_t *ice, actr_error_t *error)
{
    if (!nice_agent_restart_stream(ice->agent, ice->stream)) {
        return actri_fail(error, ACTR_STATUS_INTERNAL, "ICE: the restart was refused");
    }
    g_free(ice->ufrag);
    g_free(ice->pwd);
    ice->ufrag = ice->pwd = NULL;
    (void)nice_agent_get_local_credentials(ice->agent, ice->stream, &ice->ufrag, &ice->pwd);
    return ACTR_OK;
}

static const char *kind(const NiceCandidate *candidate)
{
    switch (candidate->type) {
    case NICE_CANDIDATE_TYPE_HOST: return "host";
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE: return "srflx";
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE: return "prflx";
    default: return "relay";
    }
}

void actri_ice_describe(const actri_ice_t *ice, char *text, size_t size, bool *relayed)
{
    NiceCandidate *local = NULL, *remote = NULL;
    *relayed = false;
    if (!nice_agent_get_selected_pair(ice->agent, ice->stream, COMPONENT, &local, &remote)) {
        (void)snprintf(text, size, "no pair");
        return;
    }
    char from[NICE_ADDRESS_STRING_LEN], to[NICE_ADDRESS_STRING_LEN];
    nice_address_to_string(&local->addr, from);
    nice_address_to_string(&remote->addr, to);
    *relayed = local->type == NICE_CANDIDATE_TYPE_RELAYED || remote->type == NICE_CANDIDATE_TYPE_RELAYED;
    (void)snprintf(text, size, "%s %s:%u -> %s %s:%u", kind(local), from, nice_address_get_port(&local->addr),
                   kind(remote), to, nice_address_get_port(&remote->addr));
}
