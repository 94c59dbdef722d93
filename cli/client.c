/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_URL "ws://127.0.0.1:8081/signaling/ws"
#define DEFAULT_REALM 1001 /* that of `actr init` */
#define DEFAULT_SECONDS 15

void client_init(client_t *client, const char *verb)
{
    memset(client, 0, sizeof *client);
    client->verb = verb;
    client->as = "actr+cli";
    client->timeout_s = DEFAULT_SECONDS;
}

static bool read_realm(client_t *client, const char *text)
{
    char *end = NULL;
    unsigned long realm = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || realm > UINT32_MAX) return false;
    client->has_realm = true;
    client->realm = (uint32_t)realm;
    return true;
}

static bool read_timeout(client_t *client, const char *text)
{
    char *end = NULL;
    client->timeout_s = strtod(text, &end);
    return end != text && *end == '\0' && client->timeout_s > 0 && client->timeout_s <= 86400;
}

int client_option(client_t *client, int argc, char **argv, int *i)
{
    static const char *const names[] = {"--url", "--config", "--as", "--realm", "--timeout"};
    const char *name = argv[*i];
    size_t which = 0, count = sizeof names / sizeof names[0];
    if (strcmp(name, "--json") == 0) {
        client->json = true;
        return 1;
    }
    while (which < count && strcmp(name, names[which]) != 0) which++;
    if (which == count) return 0;
    if (*i + 1 >= argc) return -1;
    const char *value = argv[++*i];
    switch (which) {
    case 0: client->url = value; return 1;
    case 1: client->config = value; return 1;
    case 2: client->as = value; return 1;
    case 3: return read_realm(client, value) ? 1 : -1;
    default: return read_timeout(client, value) ? 1 : -1;
    }
}

actr_status_t client_configure(client_t *client, actr_error_t *error)
{
    actri_config_source_t source = actri_config_source_real();
    client->deadline_ns = actri_now_ns() + (int64_t)(client->timeout_s * (double)ACTRI_SECOND);
    if (client->config == NULL && access("Actr.toml", R_OK) != 0) return ACTR_OK;
    const char *path = client->config != NULL ? client->config : "Actr.toml";
    actr_status_t status = actri_manifest_load(&client->env, &source, path, &client->manifest, error);
    client->has_manifest = status == ACTR_OK;
    return status;
}

uint32_t client_left(const client_t *client)
{
    int64_t left = (client->deadline_ns - actri_now_ns()) / ACTRI_MS;
    return left < 1 ? 1 : (uint32_t)left;
}

/* The file's network, and nothing else of it. */
static actr_status_t make_config(client_t *client, const actr_type_t *type, actr_config_t *config, actr_error_t *error)
{
    actr_config_t from = ACTR_CONFIG_INIT;
    actr_status_t status = client->has_manifest ? actri_manifest_values(&client->manifest, &from, error) : ACTR_OK;
    config->signaling_url = client->url != NULL          ? client->url
                            : from.signaling_url != NULL ? from.signaling_url
                                                         : DEFAULT_URL;
    config->realm = client->has_realm ? client->realm : client->has_manifest ? from.realm : DEFAULT_REALM;
    config->manufacturer = type->manufacturer;
    config->name = type->name;
    config->server_form = from.server_form;
    config->stun_urls = from.stun_urls;
    config->stun_url_count = from.stun_url_count;
    config->turn_urls = from.turn_urls;
    config->turn_url_count = from.turn_url_count;
    config->force_relay = from.force_relay;
    config->loopback = from.loopback;
    config->connect_timeout_ms = client_left(client);
    return status;
}

actr_status_t client_join(client_t *client, actr_error_t *error)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT; /* it answers nothing */
    actr_type_t type;
    actr_status_t status = actr_type_parse(client->as, &type, error);
    if (status == ACTR_OK) status = make_config(client, &type, &config, error);
    if (status == ACTR_OK) status = actr_system_new(&config, &client->system, error);
    if (status == ACTR_OK) status = actr_system_attach(client->system, &workload, &client->node, error);
    if (status == ACTR_OK) status = actr_node_start(client->node, &client->ref, error);
    return status;
}

actr_ctx_t *client_ctx(client_t *client)
{
    return actr_ref_ctx(client->ref);
}

void client_close(client_t *client)
{
    actr_ref_release(client->ref);
    actr_node_release(client->node);
    actr_system_release(client->system);
    if (client->has_manifest) actri_manifest_clear(&client->manifest);
}

int client_print(const client_t *client, const actri_text_t *text)
{
    bool good = !text->failed && (text->size == 0 || fwrite(text->data, text->size, 1, stdout) == 1);
    if (good && putchar('\n') != EOF && fflush(stdout) == 0) return CLIENT_OK;
    (void)fprintf(stderr, "actr %s: %s\n", client->verb,
                  text->failed ? "out of memory" : "the output can not be written");
    return CLIENT_FAILED;
}

static client_exit_t exit_of(actr_status_t status, bool by_callee)
{
    if (by_callee) return CLIENT_REFUSED;
    if (status == ACTR_STATUS_TARGET_NOT_FOUND) return CLIENT_NOBODY;
    return status == ACTR_STATUS_TIMEOUT ? CLIENT_TIMEOUT : CLIENT_FAILED;
}

int client_fail(const client_t *client, const actr_error_t *error, bool by_callee)
{
    const char *message = actr_error_message(error);
    if (!client->json) {
        (void)fprintf(stderr, "actr %s: %s\n", client->verb, message);
    } else {
        actri_text_t text = {.env = NULL};
        actri_text_add(&text, "{\"status\":\"%s\",\"by_callee\":%s,\"message\":", actr_status_name(error->status),
                       by_callee ? "true" : "false");
        actri_text_add_json(&text, message);
        actri_text_add(&text, "}");
        (void)client_print(client, &text);
        actri_free(NULL, text.data);
    }
    return (int)exit_of(error->status, by_callee);
}
