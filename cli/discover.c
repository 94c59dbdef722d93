/* SPDX-License-Identifier: Apache-2.0 */
/* `actr discover`: the actors of a type, or the types of a realm. */
#include "client.h"
#include "verbs.h"

#include "actr.pb-c.h"
#include "lifecycle/node.h"
#include "proto/idcodec.h"
#include "server/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024

static int usage(FILE *out, int status)
{
    (void)fprintf(out, "usage: actr discover [OPTION ...] [TYPE]\n\n"
                       "With a TYPE (\"acme+Thermo\") its actors, the best first, one id a line. Without, the types\n"
                       "that are registered in the realm, with the fingerprint of their contract.\n"
                       "  --limit N          at most that many (default: 64)\n" CLIENT_OPTIONS "\n" CLIENT_STATUSES);
    return status;
}

typedef struct lines { /* what is printed: one a line, or one array */
    actri_text_t text;
    bool json;
    size_t count;
    actr_type_t self; /* not listed */
} lines_t;

static void next_line(lines_t *lines)
{
    actri_text_add(&lines->text, "%s", lines->count == 0 ? (lines->json ? "[" : "") : lines->json ? "," : "\n");
    lines->count++;
}

static void add_member(lines_t *lines, const char *name, const char *value)
{
    actri_text_add(&lines->text, ",\"%s\":", name);
    actri_text_add_json(&lines->text, value == NULL ? "" : value);
}

static actr_status_t list_actors(client_t *client, const actr_type_t *type, size_t limit, lines_t *lines,
                                 actr_error_t *error)
{
    actr_id_t *ids = calloc(limit, sizeof *ids);
    if (ids == NULL) return actri_no_memory(error);
    actr_status_t status = actr_ref_discover(client->ref, type, client_left(client), ids, &limit, error);
    for (size_t i = 0; status == ACTR_OK && i < limit; i++) {
        char id[ACTR_ID_TEXT_SIZE];
        next_line(lines);
        actri_text_add(&lines->text, lines->json ? "\"%s\"" : "%s", actr_id_print(&ids[i], id));
    }
    free(ids);
    return status;
}

static void add_type(lines_t *lines, const Actr__ActrType *message, const char *fingerprint, const char *description)
{
    actr_type_t type;
    char text[ACTR_TYPE_TEXT_SIZE];
    if (message == NULL || !actri_type_from_message(message, &type)) return;
    if (memcmp(&type, &lines->self, sizeof type) == 0) return;
    next_line(lines);
    if (!lines->json) {
        actri_text_add(&lines->text, "%-30s %s%s%s", actr_type_print(&type, text),
                       fingerprint == NULL ? "" : fingerprint, description == NULL ? "" : "  ",
                       description == NULL ? "" : description);
        return;
    }
    actri_text_add(&lines->text, "{\"type\":\"%s\"", actr_type_print(&type, text));
    add_member(lines, "fingerprint", fingerprint);
    add_member(lines, "description", description);
    actri_text_add(&lines->text, "}");
}

static void add_entry(lines_t *lines, const actr_bytes_t *entry)
{
    if (actri_spec_form(entry->data, entry->size) == 'B') {
        Actr__TypeEntryB *b = actr__type_entry_b__unpack(NULL, entry->size, entry->data);
        if (b != NULL) add_type(lines, b->actr_type, b->service_fingerprint, b->description);
        actr__type_entry_b__free_unpacked(b, NULL);
    } else {
        Actr__TypeEntryA *a = actr__type_entry_a__unpack(NULL, entry->size, entry->data);
        if (a != NULL) add_type(lines, a->actr_type, a->service_fingerprint, a->description);
        actr__type_entry_a__free_unpacked(a, NULL);
    }
}

static actr_status_t list_types(client_t *client, size_t limit, lines_t *lines, actr_error_t *error)
{
    actri_question_t question = {.kind = ACTRI_QUESTION_TYPES, .limit = (uint32_t)limit};
    actri_arena_t arena;
    actr_bytes_t *entries = NULL;
    size_t count = 0;
    actri_arena_init(&arena, NULL);
    lines->self = actr_ref_actor_id(client->ref)->type;
    actr_status_t status =
        actri_ctx_ask(client_ctx(client), &question, client_left(client), &arena, &entries, &count, error);
    for (size_t i = 0; i < count; i++) add_entry(lines, &entries[i]);
    actri_arena_clear(&arena);
    return status;
}

static int discover(client_t *client, const char *wanted, size_t limit)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type;
    lines_t lines = {.json = client->json};
    actr_status_t status = wanted == NULL ? ACTR_OK : actr_type_parse(wanted, &type, &error);
    if (status == ACTR_OK) status = client_configure(client, &error);
    if (status == ACTR_OK) status = client_join(client, &error);
    if (status == ACTR_OK && wanted != NULL) status = list_actors(client, &type, limit, &lines, &error);
    if (status == ACTR_OK && wanted == NULL) status = list_types(client, limit, &lines, &error);
    if (lines.json) actri_text_add(&lines.text, lines.count == 0 ? "[]" : "]");
    int result = status == ACTR_OK ? client_print(client, &lines.text) : client_fail(client, &error, false);
    actri_free(NULL, lines.text.data);
    return result;
}

int verb_discover(int argc, char **argv)
{
    client_t client;
    const char *wanted = NULL;
    size_t limit = 64;
    client_init(&client, "discover");
    for (int i = 1; i < argc; i++) {
        int taken = client_option(&client, argc, argv, &i);
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, 0);
        if (taken > 0) continue;
        if (taken == 0 && strcmp(argv[i], "--limit") == 0 && i + 1 < argc) {
            limit = strtoul(argv[++i], NULL, 10);
            if (limit < 1 || limit > MOST) return usage(stderr, CLIENT_USAGE);
        } else if (taken == 0 && argv[i][0] != '-' && wanted == NULL) {
            wanted = argv[i];
        } else {
            return usage(stderr, CLIENT_USAGE);
        }
    }
    int result = discover(&client, wanted, limit);
    client_close(&client);
    return result;
}
