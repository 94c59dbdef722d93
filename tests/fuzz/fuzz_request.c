/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the way of a peer's request through the state path: any envelope is refused, or stored, served and answered.
 * What the handler sees is text, none of the library's own metadata among it; a tell is never answered, a request once,
 * and with what decodes; nothing of it stays. The input is one byte with what the handler does, and the envelope.
 * Mailbox, executor and gate are stand-ins, the loop and the clock those of tests/sim.
 */
#include "dispatch/state_path.h"
#include "fake_loop.h"
#include "gate/error_code.h"
#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILS = 1, PASSES_TIME = 2, SIGNAL_LANE = 4, HAS_ACL = 8, FULL = 16 };

static struct {
    uint8_t bits;
    actri_link_t stored, posted;
    unsigned mails, served, replies, refused;
    bool is_tell;
} stage;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_request: %s\n", what);
    abort();
}

/* ---- stand-ins ---- */

actri_mail_t *actri_mail_new(actri_mailbox_t *mailbox)
{
    (void)mailbox;
    if ((stage.bits & FULL) != 0) return NULL;
    stage.mails++;
    return calloc(1, sizeof(actri_mail_t));
}

void actri_mailbox_put(actri_mailbox_t *mailbox, actri_link_t *mails)
{
    (void)mailbox;
    actri_list_splice(&stage.stored, mails);
}

void actri_mailbox_begin(actri_mailbox_t *mailbox, actri_mail_t *mail, bool begun)
{
    (void)mailbox;
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
    demand((cause != NULL) == (disposition == ACTRI_MAIL_DEAD), "a dead letter without a cause");
    stage.mails--;
    actr_buf_release(mail->message);
    actr_buf_release(mail->reply);
    free(mail);
}

void actri_peer_gate_reply(actri_peer_gate_t *gate, const actr_id_t *to, uint64_t session, actr_buf_t *message)
{
    static actri_envelope_t reply;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)gate;
    demand(to->serial_number == 7 && session == 42, "an answer to somebody else");
    demand(actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), &reply, &error) == ACTR_OK,
           "an answer that does not decode");
    demand(reply.has_payload != reply.has_error, "an answer that is both, or neither");
    stage.replies++;
    actr_buf_release(message);
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

/* ---- the handler ---- */

static void look_at_text(const char *text, const char *what)
{
    demand(text != NULL && actri_utf8_valid(actri_span_text(text)), what);
}

static actr_status_t serve(void *user, const actri_incoming_t *in, actr_bytes_t *reply, actr_error_t *error)
{
    (void)user;
    stage.served++;
    stage.is_tell = in->request.is_tell;
    look_at_text(in->request.route, "a route that is no text");
    look_at_text(in->request_id, "an id that is no text");
    if (in->stream != NULL) look_at_text(in->stream, "a stream's id that is no text");
    demand(in->caller != NULL && in->deadline_ns > actri_now_ns(), "a request whose time is up");
    for (size_t i = 0; i < in->request.metadata_count; i++) {
        look_at_text(in->request.metadata[i].key, "a key that is no text");
        look_at_text(in->request.metadata[i].value, "a value that is no text");
        demand(strncmp(in->request.metadata[i].key, "actr-", 5) != 0, "the library's own metadata");
    }
    *reply = in->request.payload;
    return (stage.bits & FAILS) == 0 ? ACTR_OK : actri_fail(error, ACTR_STATUS_NOT_FOUND, "%s", in->request.route);
}

/* ---- the stage ---- */

static void run_posted(void)
{
    actri_link_t *link;
    while ((link = actri_list_take(&stage.posted)) != NULL) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
    }
}

static void walk(actri_state_path_t *path, const uint8_t *data, size_t size)
{
    static actri_envelope_t envelope;
    actri_session_t session = {.peer = {.serial_number = 7, .realm = 3, .type = {"acme", "caller"}}, .number = 42};
    actr_buf_t *message = actri_buf_copy(NULL, data, size);
    demand(message != NULL, "memory");
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), &envelope, &error);
    if (status != ACTR_OK || !envelope.has_payload || envelope.has_error) { /* the gate takes none of these */
        actr_buf_release(message);
        return;
    }
    bool is_tell = envelope.has_timeout && envelope.timeout_ms == 0;
    actri_state_path_request(path, &session, (stage.bits & SIGNAL_LANE) != 0 ? ACTR_RPC_SIGNAL : ACTR_RPC_RELIABLE,
                             message, &envelope);
    fake_loop_end_turn();
    if ((stage.bits & PASSES_TIME) != 0) fake_loop_run(10 * ACTRI_SECOND);
    if (!actri_list_empty(&stage.stored)) actri_state_path_deliver(path, &stage.stored, false);
    run_posted();
    fake_loop_run(ACTRI_SECOND);
    run_posted();
    demand(stage.served <= 1 && stage.replies <= 1, "served or answered twice");
    demand(!is_tell || stage.replies == 0, "a tell is answered");
    demand(stage.served == 0 || stage.is_tell == is_tell, "a tell that is none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    actri_state_path_t *path = NULL;
    if (size == 0) return 0;
    memset(&stage, 0, sizeof stage);
    stage.bits = data[0];
    actri_list_init(&stage.stored);
    actri_list_init(&stage.posted);
    fake_loop_reset();
    config.has_acl = (stage.bits & HAS_ACL) != 0; /* and no rule: nobody may */
    actri_state_path_options_t options = {.config = &config, .serve = serve};
    demand(actri_state_path_new(&options, &path, NULL) == ACTR_OK, "no path");
    actri_state_path_connect(path, NULL, fake_loop());
    walk(path, data + 1, size - 1);
    actri_state_path_free(path);
    demand(stage.mails == 0 && actri_list_empty(&stage.posted), "something stays");
    return 0;
}
