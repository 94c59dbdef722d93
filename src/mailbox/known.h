/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of requests that are known: waiting (stored, not acknowledged) or answered inside the duplicate window.
 * Pure: the time is given, locking is the caller's. The answered ones are bounded in time, number and bytes of their
 * replies; the oldest leave first.
 */
#ifndef ACTRI_KNOWN_H
#define ACTRI_KNOWN_H

#include "base/list.h"
#include "base/map.h"

#include <actr/mailbox.h>

typedef struct actri_known_entry {
    actri_link_t link; /* among the answered ones, oldest first; alone while waiting */
    uint8_t key[ACTR_KEY_SIZE];
    int64_t id;       /* of the message */
    int64_t number;   /* of the answer, rising; 0: still waiting */
    int64_t until_ms; /* of an answered one */
    bool fresh;       /* for the owner: made by an acknowledgement that is not committed */
    size_t reply_size;
    actr_buf_t *reply; /* a reference, where replies are kept in memory */
} actri_known_entry_t;

typedef struct actri_known {
    const actri_env_t *env;
    actri_map_t map;
    actri_link_t answered;
    uint64_t answered_count, reply_bytes;
    uint32_t window_ms, most;
    uint64_t most_bytes;
} actri_known_t;

void actri_known_init(actri_known_t *known, const actri_env_t *env, uint32_t window_ms, uint32_t most);
void actri_known_clear(actri_known_t *known);

bool actri_key_is_set(const uint8_t key[ACTR_KEY_SIZE]);
/* NULL when it is not known, or its time is up. */
actri_known_entry_t *actri_known_find(const actri_known_t *known, const uint8_t key[ACTR_KEY_SIZE], int64_t now_ms);
/* The key waits. NULL when memory is out. It must not be known. */
actri_known_entry_t *actri_known_wait(actri_known_t *known, const uint8_t key[ACTR_KEY_SIZE], int64_t id);
/* The waiting entry is answered from now on; a time beyond the window is clamped (the clock was set back). */
void actri_known_answer(actri_known_t *known, actri_known_entry_t *entry, int64_t number, int64_t until_ms,
                        int64_t now_ms, size_t reply_size);
/* Undoes that. */
void actri_known_unanswer(actri_known_t *known, actri_known_entry_t *entry);
void actri_known_forget(actri_known_t *known, actri_known_entry_t *entry);
/* Forgets what is too old or too much; the number of the newest that went, 0 when none did. */
int64_t actri_known_trim(actri_known_t *known, int64_t now_ms);

#endif
