/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead letter says about its message. The texts live in the grave until the burial is committed. */
#include "mailbox/mailbox_inside.h"

#include "proto/envelope.h"

#include <stdio.h>
#include <string.h>

#define TRACE_ID_SIZE 32 /* hexadecimal digits, behind "00-" */

struct actri_grave {
    char reason[ACTR_ERROR_MESSAGE_SIZE];
    const char *category;
    char trace_id[48], request_id[257], context[48];
    uint8_t receiver[128];
    size_t receiver_size;
};

static const char *category_of(actr_status_t status)
{
    switch (status) {
    case ACTR_STATUS_DECODE: return "protobuf_decode";
    case ACTR_STATUS_LIMIT_REACHED: return "attempts_exhausted";
    default: return "handler_failed";
    }
}

static void read_envelope(actri_grave_t *grave, const actri_env_t *env, const actri_mail_t *mail)
{
    actri_envelope_t *e = actri_alloc(env, sizeof *e);
    if (e == NULL) return;
    if (actri_envelope_decode(actr_buf_data(mail->message), actr_buf_size(mail->message), e, NULL) == ACTR_OK) {
        if (e->traceparent.size > 3 + TRACE_ID_SIZE) {
            (void)snprintf(grave->trace_id, sizeof grave->trace_id, "%.*s", TRACE_ID_SIZE,
                           (const char *)e->traceparent.data + 3);
        }
        if (e->request_id.size < sizeof grave->request_id) {
            (void)snprintf(grave->request_id, sizeof grave->request_id, "%.*s", (int)e->request_id.size,
                           (const char *)e->request_id.data);
        }
    }
    actri_free(env, e);
}

actri_grave_t *actri_grave_new(actri_mailbox_t *m, const actri_mail_t *mail, const actr_error_t *cause)
{
    actri_grave_t *grave = actri_zalloc(m->env, sizeof *grave);
    if (grave == NULL) return NULL;
    grave->category = category_of(cause->status);
    (void)snprintf(grave->reason, sizeof grave->reason, "%s", actr_error_message(cause));
    (void)snprintf(grave->trace_id, sizeof grave->trace_id, "mailbox-%lld", (long long)mail->sequence);
    (void)snprintf(grave->context, sizeof grave->context, "{\"source\":\"mailbox\",\"priority\":\"%s\"}",
                   mail->high ? "high" : "normal");
    read_envelope(grave, m->env, mail);
    actri_lock(&m->mutex);
    memcpy(grave->receiver, m->receiver, m->receiver_size);
    grave->receiver_size = m->receiver_size;
    actri_unlock(&m->mutex);
    return grave;
}

actr_burial_t actri_grave_burial(const actri_grave_t *grave, const actri_mail_t *mail)
{
    actr_burial_t burial = {.message_id = mail->sequence};
    memcpy(burial.key, mail->key, ACTR_KEY_SIZE);
    burial.letter = (actr_dead_letter_t){
        .priority = mail->high ? ACTR_PRIORITY_HIGH : ACTR_PRIORITY_NORMAL,
        .attempts = mail->attempts,
        .redrives = mail->redrives,
        .sender = {mail->sender, mail->sender_size},
        .receiver = {grave->receiver, grave->receiver_size},
        .payload = {actr_buf_data(mail->message), actr_buf_size(mail->message)},
        .reason = grave->reason,
        .category = grave->category,
        .trace_id = grave->trace_id,
        .request_id = grave->request_id[0] != '\0' ? grave->request_id : NULL,
        .context = grave->context,
    };
    return burial;
}
