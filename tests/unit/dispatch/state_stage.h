/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage of test_state_path.c: what stands in for the mailbox, the executor and the way out of the gate, and a
 * handler that does as it is told.
 */
#ifndef ACTR_TESTS_STATE_STAGE_H
#define ACTR_TESTS_STATE_STAGE_H

#include "check.h"
#include "dispatch/state_path.h"
#include "fake_loop.h"
#include "gate/error_code.h"
#include "oom.h"
#include "port/clock.h"
#include "proto/idcodec.h"
#include "rng.h"

#include <stdio.h>
#include <string.h>

#define PEER ((actr_id_t){.serial_number = 7, .realm = 3, .type = {"acme", "caller"}})

typedef struct stage {
    actri_state_path_t *path;
    actr_config_t config;
    actri_link_t stored, posted;
    unsigned puts, put_mails, acked, dead, kept, replies, served, mails_alive;
    unsigned replies_at_end; /* when a mail was last done with */
    bool no_mail;
    actri_disposition_t last;
    char dead_reason[200];
    /* what the handler does */
    actr_status_t status;
    const char *reason;
    actr_bytes_t reply;
    size_t reply_from_arena, fail_arena;
    actr_metadata_t metadata[2];
    actr_request_t request; /* as it was seen; texts below */
    char route[100], seen_id[100];
    bool had_caller;
    int64_t deadline_ns;
    uint32_t next_number;   /* that the order test expects */
    void (*on_serve)(void); /* looks at the request; may be NULL */
    int begun, begins;      /* mails that count as begun now, and ever */
    bool defer;
    actri_deferred_t *deferred;
    /* the last reply */
    actr_id_t to;
    uint64_t session;
    actr_buf_t *message;
    actri_envelope_t e;
} stage_t;

static stage_t stage;

/* ---- stand-ins ---- */

actri_mail_t *actri_mail_new(actri_mailbox_t *mailbox)
{
    (void)mailbox;
    if (stage.no_mail) return NULL;
    stage.mails_alive++;
    actri_mail_t *mail = calloc(1, sizeof *mail);
    assert_non_null(mail);
    return mail;
}

void actri_mailbox_put(actri_mailbox_t *mailbox, actri_link_t *mails)
{
    (void)mailbox;
    stage.puts++;
    for (const actri_link_t *at = mails->next; at != mails; at = at->next) stage.put_mails++;
    actri_list_splice(&stage.stored, mails);
}

static void free_mail(actri_mail_t *mail)
{
    stage.mails_alive--;
    stage.begun -= mail->begun;
    actr_buf_release(mail->message);
    actr_buf_release(mail->reply);
    free(mail);
}

void actri_mailbox_begin(actri_mailbox_t *mailbox, actri_mail_t *mail, bool begun)
{
    (void)mailbox;
    stage.begun += begun - mail->begun;
    stage.begins += begun && mail->begun == 0;
    mail->begun = begun;
}

uint64_t actri_mailbox_origin(actri_mailbox_t *mailbox, actri_mail_t *mail)
{
    (void)mailbox;
    return mail->origin;
}

void actri_mailbox_done(actri_mailbox_t *mailbox, actri_mail_t *mail, actri_disposition_t disposition,
                        const actr_error_t *cause)
{
    (void)mailbox;
    assert_true((cause != NULL) == (disposition == ACTRI_MAIL_DEAD));
    stage.acked += disposition == ACTRI_MAIL_ACK;
    stage.dead += disposition == ACTRI_MAIL_DEAD;
    stage.kept += disposition == ACTRI_MAIL_KEEP;
    stage.last = disposition;
    stage.replies_at_end = stage.replies;
    if (cause != NULL) (void)snprintf(stage.dead_reason, sizeof stage.dead_reason, "%.190s", cause->message);
    free_mail(mail);
}

void actri_peer_gate_reply(actri_peer_gate_t *gate, const actr_id_t *to, uint64_t session, actr_buf_t *message)
{
    (void)gate;
    stage.replies++;
    stage.to = *to;
    stage.session = session;
    actr_buf_release(stage.message);
    stage.message = message;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), &stage.e, &error), &error);
}

void actri_serial_post_list(actri_serial_t *serial, actri_link_t *tasks, bool high)
{
    (void)serial;
    (void)high;
    actri_list_splice(&stage.posted, tasks);
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    (void)serial;
    (void)high;
    actri_list_append(&stage.posted, &task->link);
}

void actri_serial_again(actri_serial_t *serial, actri_task_t *task)
{
    (void)serial;
    actri_list_append(stage.posted.next, &task->link);
}

bool actri_serial_run_here(actri_serial_t *serial, actri_task_t *task)
{
    (void)serial;
    (void)task;
    return false;
}

/* ---- the stage ---- */

static void see(const actri_incoming_t *in)
{
    stage.request = in->request;
    stage.had_caller = in->caller != NULL;
    stage.deadline_ns = in->deadline_ns;
    (void)snprintf(stage.route, sizeof stage.route, "%s", in->request.route);
    (void)snprintf(stage.seen_id, sizeof stage.seen_id, "%s", in->request_id);
    char current[100];
    actri_state_path_current(stage.path, current, sizeof current);
    assert_string_equal(current, in->request.route);
}

static actr_status_t serve(void *user, const actri_incoming_t *in, actr_bytes_t *reply, actr_error_t *error)
{
    assert_ptr_equal(user, &stage);
    stage.served++;
    see(in);
    if (stage.on_serve != NULL) stage.on_serve();
    *reply = stage.reply;
    if (stage.defer) {
        assert_ok(actri_turn_defer(in->turn, 1, &stage.deferred, error), error);
        return ACTR_DEFERRED;
    }
    if (stage.reply_from_arena > 0) {
        reply->size = stage.reply_from_arena;
        reply->data = actri_arena_alloc(in->arena, reply->size);
        if (reply->data != NULL) memset((void *)(uintptr_t)reply->data, 'r', reply->size);
    }
    if (stage.fail_arena > 0) (void)actri_arena_alloc(in->arena, stage.fail_arena);
    return stage.status == ACTR_OK ? ACTR_OK : actri_fail(error, stage.status, "%s", stage.reason);
}

static actr_status_t open_keyed(const actri_env_t *env, bool (*key_of)(const actr_request_t *request, uint64_t *number,
                                                                       actr_bytes_t *key, void *user))
{
    fake_loop_reset();
    memset(&stage, 0, sizeof stage);
    actri_list_init(&stage.stored);
    actri_list_init(&stage.posted);
    stage.config = (actr_config_t)ACTR_CONFIG_INIT;
    actri_state_path_options_t options = {
        .env = env, .config = &stage.config, .serve = serve, .user = &stage, .key_of = key_of};
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_state_path_new(&options, &stage.path, &error);
    if (status == ACTR_OK) actri_state_path_connect(stage.path, NULL, fake_loop());
    return status;
}

static actr_status_t open_path(const actri_env_t *env)
{
    return open_keyed(env, NULL);
}

static int begin(void **state)
{
    (void)state;
    return open_path(NULL) == ACTR_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    actr_buf_release(stage.message);
    actri_state_path_free(stage.path);
    return stage.mails_alive == 0 && actri_list_empty(&stage.posted) && actri_list_empty(&stage.stored) ? 0 : -1;
}

#endif
