/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that carry their number, so that a test can tell which came and whether it came whole. */
#ifndef ACTR_TESTS_NUMBERED_H
#define ACTR_TESTS_NUMBERED_H

#include "base/buf.h"
#include "proto/envelope.h"
#include "proto/idcodec.h"

#include <actr/mailbox.h>
#include <stdio.h>
#include <string.h>

#define NUMBERED_SENDERS 3

typedef struct numbered {
    uint32_t number;
    uint32_t sender; /* 0 .. NUMBERED_SENDERS - 1 */
    uint32_t high;
    uint32_t size; /* of the fill behind these four */
} numbered_t;

static inline uint8_t numbered_fill(uint32_t number, uint32_t at)
{
    return (uint8_t)(number * 31u + at * 7u + (at >> 8));
}

static inline void numbered_id(const numbered_t *n, char id[40])
{
    (void)snprintf(id, 40, "%08x-0000-4000-8000-%012x", n->number, n->sender);
}

/* An RpcEnvelope; NULL when memory is out. */
static inline actr_buf_t *numbered_message(const actri_env_t *env, const numbered_t *n)
{
    actri_envelope_t e;
    char id[40];
    size_t size = sizeof *n + n->size;
    uint8_t *payload = actri_alloc(env, size);
    if (payload == NULL) return NULL;
    memcpy(payload, n, sizeof *n);
    for (uint32_t i = 0; i < n->size; i++) payload[sizeof *n + i] = numbered_fill(n->number, i);
    memset(&e, 0, offsetof(actri_envelope_t, metadata));
    e.route_key = actri_span_text("x.Effect");
    numbered_id(n, id);
    e.request_id = actri_span_text(id);
    e.timeout_ms = 3600000;
    e.has_payload = true;
    e.payload = actri_span(payload, size);
    actr_buf_t *message = actri_buf_new(env, actri_envelope_size(&e));
    if (message != NULL) actri_envelope_encode(&e, message->data);
    actri_free(env, payload);
    return message;
}

/* False when it is not, byte for byte, what numbered_message made. */
static inline bool numbered_read(const void *data, size_t data_size, numbered_t *out)
{
    actri_envelope_t e;
    if (actri_envelope_decode(data, data_size, &e, NULL) != ACTR_OK) return false;
    if (e.payload.size < sizeof *out) return false;
    memcpy(out, e.payload.data, sizeof *out);
    if (e.payload.size != sizeof *out + out->size) return false;
    for (uint32_t i = 0; i < out->size; i++) {
        if (e.payload.data[sizeof *out + i] != numbered_fill(out->number, i)) return false;
    }
    return true;
}

static inline size_t numbered_sender(const numbered_t *n, uint8_t out[ACTRI_ID_BYTES_MAX])
{
    actr_id_t id = {.serial_number = 1000 + n->sender, .realm = 1001};
    (void)snprintf(id.type.manufacturer, sizeof id.type.manufacturer, "acme");
    (void)snprintf(id.type.name, sizeof id.type.name, "Sender");
    return actri_id_encode(&id, out);
}

/* What stands for sender and request id. */
static inline void numbered_key(const numbered_t *n, uint8_t key[ACTR_KEY_SIZE])
{
    uint8_t sender[ACTRI_ID_BYTES_MAX];
    char id[40];
    size_t size = numbered_sender(n, sender);
    numbered_id(n, id);
    actr_message_key((actr_bytes_t){sender, size}, (actr_bytes_t){id, strlen(id)}, key);
}

#endif
