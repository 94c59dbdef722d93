/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/known.h"

#include "base/buf.h"

#include <string.h>

#define WINDOW_MS 300000
#define MOST 16384
#define MOST_REPLY_BYTES (16u << 20)

void actri_known_init(actri_known_t *known, const actri_env_t *env, uint32_t window_ms, uint32_t most)
{
    memset(known, 0, sizeof *known);
    known->env = env;
    known->window_ms = window_ms != 0 ? window_ms : WINDOW_MS;
    known->most = most != 0 ? most : MOST;
    known->most_bytes = MOST_REPLY_BYTES;
    actri_map_init(&known->map, env);
    actri_list_init(&known->answered);
}

static void free_entry(actri_known_t *known, actri_known_entry_t *entry)
{
    actr_buf_release(entry->reply);
    actri_free(known->env, entry);
}

void actri_known_clear(actri_known_t *known)
{
    size_t cursor = 0;
    actri_known_entry_t *entry;
    while ((entry = actri_map_next(&known->map, &cursor)) != NULL) free_entry(known, entry);
    actri_map_clear(&known->map);
}

bool actri_key_is_set(const uint8_t key[ACTR_KEY_SIZE])
{
    static const uint8_t none[ACTR_KEY_SIZE];
    return memcmp(key, none, ACTR_KEY_SIZE) != 0;
}

actri_known_entry_t *actri_known_find(const actri_known_t *known, const uint8_t key[ACTR_KEY_SIZE], int64_t now_ms)
{
    actri_known_entry_t *entry = actri_map_get(&known->map, key, ACTR_KEY_SIZE);
    return entry != NULL && entry->number != 0 && entry->until_ms <= now_ms ? NULL : entry;
}

actri_known_entry_t *actri_known_wait(actri_known_t *known, const uint8_t key[ACTR_KEY_SIZE], int64_t id)
{
    actri_known_entry_t *entry = actri_map_get(&known->map, key, ACTR_KEY_SIZE);
    if (entry != NULL) actri_known_forget(known, entry); /* its time was up */
    entry = actri_zalloc(known->env, sizeof *entry);
    if (entry == NULL) return NULL;
    actri_list_init(&entry->link);
    memcpy(entry->key, key, ACTR_KEY_SIZE);
    entry->id = id;
    if (actri_map_put(&known->map, entry->key, ACTR_KEY_SIZE, entry) == ACTR_OK) return entry;
    actri_free(known->env, entry);
    return NULL;
}

void actri_known_answer(actri_known_t *known, actri_known_entry_t *entry, int64_t number, int64_t until_ms,
                        int64_t now_ms, size_t reply_size)
{
    int64_t latest = now_ms + known->window_ms;
    entry->number = number;
    entry->until_ms = until_ms < latest ? until_ms : latest;
    entry->reply_size = reply_size;
    known->answered_count++;
    known->reply_bytes += reply_size;
    actri_list_append(&known->answered, &entry->link);
}

void actri_known_unanswer(actri_known_t *known, actri_known_entry_t *entry)
{
    if (entry->number == 0) return;
    actri_list_remove(&entry->link);
    known->answered_count--;
    known->reply_bytes -= entry->reply_size;
    actr_buf_release(entry->reply);
    entry->reply = NULL;
    entry->number = 0;
}

void actri_known_forget(actri_known_t *known, actri_known_entry_t *entry)
{
    actri_known_unanswer(known, entry);
    (void)actri_map_take(&known->map, entry->key, ACTR_KEY_SIZE);
    free_entry(known, entry);
}

int64_t actri_known_trim(actri_known_t *known, int64_t now_ms)
{
    int64_t last = 0;
    while (!actri_list_empty(&known->answered)) {
        actri_known_entry_t *oldest = ACTRI_CONTAINER(known->answered.next, actri_known_entry_t, link);
        bool too_much = known->answered_count > known->most || known->reply_bytes > known->most_bytes;
        if (!too_much && oldest->until_ms > now_ms) break;
        last = oldest->number;
        actri_known_forget(known, oldest);
    }
    return last;
}
