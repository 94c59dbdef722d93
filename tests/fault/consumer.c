/* SPDX-License-Identifier: Apache-2.0 */
#include "fault/consumer.h"

#include "mailbox/mailbox.h"
#include "port/clock.h"
#include "port/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 16 /* requests that are put as one list, if so many wait */

const char *const consumer_place_names[CONSUMER_PLACES] = {"nowhere", "delivered", "effect", "replied", "ended"};

typedef struct consumer {
    consumer_plan_t plan;
    actri_mailbox_t *mailbox;
    actri_pool_t *pool;
    actri_serial_t *serial;
    int effects;
    uint32_t places[CONSUMER_PLACES]; /* how many came there; atomic */
    uint32_t handled;
    actri_mutex_t mutex;
    actri_link_t held;
} consumer_t;

static consumer_t self;

static _Noreturn void die(const char *what, const actr_error_t *error)
{
    (void)fprintf(stderr, "consumer: %s: %s\n", what, error == NULL ? "failed" : error->message);
    _exit(3);
}

static void come_to(consumer_place_t place)
{
    uint32_t count = __atomic_add_fetch(&self.places[place], 1, __ATOMIC_RELAXED);
    if (self.plan.place == place && count == self.plan.kill_at) (void)kill(getpid(), SIGKILL);
}

static void report(report_kind_t kind, uint32_t number, uint32_t attempt, uint64_t nonce)
{
    report_t report = {(uint32_t)kind, number, attempt, nonce};
    if (send(self.plan.socket, &report, sizeof report, MSG_NOSIGNAL) != sizeof report) _exit(0); /* nobody listens */
}

static numbered_t request_of(const actri_mail_t *mail)
{
    numbered_t request;
    if (!numbered_read(actr_buf_data(mail->message), actr_buf_size(mail->message), &request)) {
        die("a damaged request came", NULL);
    }
    return request;
}

/* A turn of the serial executor, as a handler is. */
static void handle(actri_task_t *task)
{
    actri_mail_t *mail = ACTRI_CONTAINER(task, actri_mail_t, task);
    numbered_t request = request_of(mail);
    if (self.plan.hold_modulo != 0 && request.number % self.plan.hold_modulo == 0) {
        actri_lock(&self.mutex);
        actri_list_append(&self.held, &mail->task.link);
        actri_unlock(&self.mutex);
        return;
    }
    actri_mailbox_begin(self.mailbox, mail, true);
    effect_t effect = {request.number, self.plan.life, mail->attempts, 0,
                       (uint64_t)self.plan.life << 32 | ++self.handled};
    if (write(self.effects, &effect, sizeof effect) != sizeof effect) die("no effect", NULL);
    come_to(CONSUMER_EFFECT);
    report(REPORT_REPLY, request.number, mail->attempts, effect.nonce);
    come_to(CONSUMER_REPLIED);
    mail->reply = actri_buf_copy(NULL, &effect.nonce, sizeof effect.nonce);
    actri_mailbox_done(self.mailbox, mail, ACTRI_MAIL_ACK, NULL);
    report(REPORT_ENDED, request.number, 0, 0);
    come_to(CONSUMER_ENDED);
}

static void deliver(void *user, actri_link_t *mails, bool high)
{
    (void)user;
    for (actri_link_t *at = mails->next; at != mails; at = at->next) {
        actri_mail_t *mail = ACTRI_CONTAINER(at, actri_mail_t, task.link);
        report(REPORT_ACCEPTED, request_of(mail).number, mail->attempts, 0);
        come_to(CONSUMER_DELIVERED);
        mail->task.run = handle;
    }
    actri_serial_post_list(self.serial, mails, high);
}

static void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    (void)user;
    (void)why;
    report(REPORT_REFUSED, request_of(mail).number, 0, 0);
}

/* It was handled before: its reply goes out again. */
static void repeat(void *user, actri_mail_t *mail, actr_buf_t *reply)
{
    uint64_t nonce = 0;
    (void)user;
    if (reply != NULL && actr_buf_size(reply) == sizeof nonce) memcpy(&nonce, actr_buf_data(reply), sizeof nonce);
    report(REPORT_REPEATED, request_of(mail).number, 0, nonce);
}

static void begin(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    /* many attempts: a request that is killed along with its neighbours again and again is no poison here */
    actri_mailbox_options_t options = {
        .path = self.plan.path, .max_attempts = 1000000, .deliver = deliver, .refuse = refuse, .repeat = repeat};
    actri_mutex_init(&self.mutex);
    actri_list_init(&self.held);
    self.effects = open(self.plan.effects, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (self.effects < 0) die("no file of effects", NULL);
    if (actri_pool_new(NULL, 1, ACTRI_POOL_SHARED, &self.pool, &error) != ACTR_OK) die("no pool", &error);
    if (actri_serial_new(self.pool, &self.serial, &error) != ACTR_OK) die("no executor", &error);
    if (actri_mailbox_open(&options, &self.mailbox, &error) != ACTR_OK) die("not opened", &error);
    if (actri_mailbox_start(self.mailbox, &error) != ACTR_OK) die("not started", &error);
}

static void end(void)
{
    actri_link_t *link;
    actri_mailbox_pause(self.mailbox);
    (void)actri_serial_wait_idle(self.serial, ACTRI_NEVER);
    while ((link = actri_list_take(&self.held)) != NULL) {
        actri_mailbox_done(self.mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), ACTRI_MAIL_KEEP, NULL);
    }
    actri_mailbox_close(self.mailbox);
    actri_serial_free(self.serial);
    actri_pool_free(self.pool);
}

static void append(actri_link_t *list, const numbered_t *request)
{
    actri_mail_t *mail = actri_mail_new(self.mailbox);
    if (mail == NULL || (mail->message = numbered_message(NULL, request)) == NULL) die("no memory", NULL);
    mail->sender_size = (uint8_t)numbered_sender(request, mail->sender);
    mail->high = request->high != 0;
    numbered_key(request, mail->key);
    actri_list_append(list, &mail->task.link);
}

/* Takes what is there, waiting for the first one; false at the end. */
static bool take_requests(actri_link_t *list)
{
    consumer_request_t request;
    for (int i = 0; i < BATCH; i++) {
        ssize_t size = recv(self.plan.socket, &request, sizeof request, i == 0 ? 0 : MSG_DONTWAIT);
        if (size < 0 && i > 0) return true;
        if (size != sizeof request || request.number == 0) return false;
        append(list, &request);
    }
    return true;
}

void consumer_run(const consumer_plan_t *plan)
{
    actri_link_t list;
    bool more = true;
    self.plan = *plan;
    begin();
    while (more) {
        actri_list_init(&list);
        more = take_requests(&list);
        actri_mailbox_put(self.mailbox, &list);
    }
    end();
    _exit(0);
}
