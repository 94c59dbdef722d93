/* SPDX-License-Identifier: Apache-2.0 */
/* What message and letter have in common. Pure. */
#ifndef ACTRI_LETTER_H
#define ACTRI_LETTER_H

#include <actr/mailbox.h>

/* The letter of a message that is buried. Borrows from both. */
static inline actr_dead_letter_t actri_letter_of(const actr_message_t *message, const actr_dead_letter_t *why)
{
    actr_dead_letter_t letter = *why;
    letter.message_id = message->id;
    letter.priority = message->priority;
    if (why->attempts == 0) letter.attempts = message->attempts;
    letter.redrives = message->redrives;
    letter.redriven_ms = message->redrives > 0 ? message->received_ms : 0;
    letter.sender = message->sender;
    letter.payload = message->payload;
    return letter;
}

/* The message that a letter becomes again: the same bytes, its counters carried, no deadline. Borrows. */
static inline actr_message_t actri_message_of(const actr_dead_letter_t *letter)
{
    return (actr_message_t){.priority = letter->priority,
                            .attempts = letter->attempts,
                            .redrives = letter->redrives + 1,
                            .sender = letter->sender,
                            .payload = letter->payload};
}

#endif
