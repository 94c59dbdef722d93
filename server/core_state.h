/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the core, for core.c, requests.c and relays.c. */
#ifndef ACTRI_SERVER_CORE_STATE_H
#define ACTRI_SERVER_CORE_STATE_H

#include "base/map.h"
#include "server/registry.h"
#include "signaling.pb-c.h"

#define ACTRI_GRACE_MS 60000 /* an actor whose socket ended may come back that long */
#define ACTRI_CROSSING_MS 1000
#define ACTRI_CROSSINGS 64

typedef struct actri_crossing { /* a negotiation that was answered */
    actri_id_key_t from, to;
    int64_t when_ms;
} actri_crossing_t;

struct actri_core {
    const actri_env_t *env;
    actri_core_output_t output;
    actri_core_switches_t switches;
    actri_link_t rows; /* in order of registration */
    actri_map_t by_id;
    int64_t now_ms;
    uint64_t last_serial, registrations, unregistrations;
    actri_crossing_t crossings[ACTRI_CROSSINGS];
    size_t crossing_at;
};

/* core.c */
void actri_core_trace(const actri_core_t *core, const char *format, ...) ACTR_PRINTF(2, 3);
void actri_core_send(actri_core_t *core, uint64_t connection, Signaling__SignalingEnvelope *envelope);
void actri_core_answer(actri_core_t *core, uint64_t connection, const char *reply_for, const actr_id_t *target,
                       Signaling__SignalingToActr *answer);
void actri_core_refuse(actri_core_t *core, uint64_t connection, const char *reply_for, const actr_id_t *target,
                       uint32_t code, const char *message);
actri_row_t *actri_core_find(const actri_core_t *core, const actr_id_t *id);
actri_row_t *actri_core_of_connection(const actri_core_t *core, uint64_t connection);
void actri_core_remove(actri_core_t *core, actri_row_t *row);
uint64_t actri_core_serial(actri_core_t *core);

/* requests.c */
void actri_core_register(actri_core_t *core, uint64_t connection, const char *envelope_id,
                         const Actr__RegisterRequest *request);
void actri_core_request(actri_core_t *core, uint64_t connection, const char *envelope_id,
                        const Signaling__ActrToSignaling *request);
/* Is this the credential that `source` was given? The row then; else NULL, and the sender has got its 401. */
actri_row_t *actri_core_authenticate(actri_core_t *core, uint64_t connection, const char *envelope_id,
                                     const Actr__ActrId *source, const Actr__AIdCredential *credential);

/* relays.c */
void actri_core_relay(actri_core_t *core, uint64_t connection, const char *envelope_id,
                      const Signaling__ActrRelay *relay);

#endif
