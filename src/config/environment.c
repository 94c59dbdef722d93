/* SPDX-License-Identifier: Apache-2.0 */
/* Each variable becomes a node of the tree, as if it stood in a file in front of all others. */
#include "config/environment.h"

#include "config/chain.h"
#include "config/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 96

static actri_toml_t *node(actri_chain_t *chain, const char *file, actri_toml_kind_t kind)
{
    actri_toml_t *made = actri_arena_alloc(chain->arena, sizeof *made);
    if (made == NULL) return NULL;
    memset(made, 0, sizeof *made); /* line 0: no place in a file */
    made->kind = kind;
    made->file = file;
    return made;
}

static actri_toml_t *text_node(actri_chain_t *chain, const char *file, const char *text, size_t size)
{
    actri_toml_t *made = node(chain, file, ACTRI_TOML_STRING);
    if (made != NULL) made->text = actri_arena_strndup(chain->arena, text, size);
    return made == NULL || made->text == NULL ? NULL : made;
}

static actri_toml_t *list_node(actri_chain_t *chain, const char *file, const char *text)
{
    actri_toml_t *made = node(chain, file, ACTRI_TOML_ARRAY);
    if (made == NULL) return NULL;
    actri_toml_t **tail = &made->first;
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        actri_toml_t *item = text_node(chain, file, text, size);
        if (item == NULL) return NULL;
        *tail = item;
        tail = &item->next;
        made->count++;
        text += size + (text[size] == ',' ? 1 : 0);
    }
    return made;
}

/* A text that is no number or truth stays a string: the check of types then says what it must be. */
static actri_toml_t *scalar_node(actri_chain_t *chain, const char *file, const actri_key_t *key, const char *text)
{
    if (key->type == ACTRI_KEY_BOOL) {
        bool yes = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
        if (yes || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0) {
            actri_toml_t *made = node(chain, file, ACTRI_TOML_BOOL);
            if (made != NULL) made->truth = yes;
            return made;
        }
    }
    if (key->type == ACTRI_KEY_UINT && text[0] != '\0' && text[strspn(text, "-0123456789")] == '\0') {
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (*end == '\0' && errno == 0) {
            actri_toml_t *made = node(chain, file, ACTRI_TOML_INTEGER);
            if (made != NULL) made->integer = value;
            return made;
        }
    }
    return text_node(chain, file, text, strlen(text));
}

static void override(actri_chain_t *chain, const actri_key_t *key, const char *name, const char *text)
{
    bool list = key->type == ACTRI_KEY_STRINGS || key->type == ACTRI_KEY_PATHS;
    const char *file = actri_arena_strndup(chain->arena, name, strlen(name));
    if (file == NULL) return;
    actri_toml_t *value = list ? list_node(chain, file, text) : scalar_node(chain, file, key, text);
    if (value != NULL && actri_check_value(chain->diag, key, value)) chain->overrides[key - actri_keys] = value;
}

static const actri_key_t *row_of(const char *name)
{
    char variable[NAME_SIZE];
    for (size_t i = 0; i < actri_key_count; i++) {
        if (strcmp(actri_key_variable(&actri_keys[i], variable, sizeof variable), name) == 0) return &actri_keys[i];
    }
    return NULL;
}

static void unknown(actri_chain_t *chain, const char *name)
{
    char variable[NAME_SIZE], best[NAME_SIZE] = "";
    unsigned least = actri_suggest_limit(name) + 1;
    for (size_t i = 0; i < actri_key_count; i++) {
        (void)actri_key_variable(&actri_keys[i], variable, sizeof variable);
        unsigned distance = actri_edit_distance(name, variable, least);
        if (distance >= least) continue;
        least = distance;
        (void)snprintf(best, sizeof best, "%s", variable);
    }
    actri_toml_t at = {.file = name};
    actri_diag_warn(chain->diag, &at, "this variable stands for no key and is ignored%s%s%s",
                    best[0] == '\0' ? "" : "; did you mean ", best, best[0] == '\0' ? "" : "?");
}

void actri_environment_read(actri_chain_t *chain)
{
    char name[NAME_SIZE];
    for (const char *const *at = chain->source->environment; at != NULL && *at != NULL; at++) {
        size_t size = strcspn(*at, "=");
        if (strncmp(*at, "ACTR_", 5) != 0 || (*at)[size] != '=' || size >= sizeof name) continue;
        memcpy(name, *at, size);
        name[size] = '\0';
        const actri_key_t *key = row_of(name);
        if (key != NULL)
            override(chain, key, name, *at + size + 1);
        else if (strstr(name, "__") != NULL)
            unknown(chain, name);
    }
}
