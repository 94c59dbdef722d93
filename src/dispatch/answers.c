/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All under one mutex; what an answer sets off below it (a queue's own lock) never comes back up. But where turns come
 * one at a time, the one that runs is no more than a pointer: its runner puts it there and takes it away without the
 * mutex. Who looks at it, under the mutex, pins it first: then the runner can not take it away, and comes for the
 * mutex.
 */
#include "dispatch/answers.h"

#include "dispatch/path.h"
#include "port/clock.h"
#include "port/thread.h"

#include <stdio.h>

#define AREA "dispatch"

struct actri_answers {
    const actri_env_t *env;
    unsigned refs; /* atomic: the path's and the handles' */
    actri_mutex_t mutex;
    actri_cond_t fewer;
    actri_state_path_t *path; /* NULL once closed */
    bool parallel;            /* turns run side by side: they are in the list */
    actri_turn_t *only;       /* atomic; the turn that runs, +1 while it is pinned */
    actri_link_t turns, deferred;
    uint32_t deferred_count;
    bool watched; /* handlers have a limit */
};

struct actri_deferred {
    actri_link_t link;
    actri_answers_t *answers;
    unsigned refs; /* under the mutex: the handle's, and the list's */
    bool listed;   /* in the list */
    bool in_turn;  /* its handler has not returned */
    bool answered;
    bool dropped; /* the handle went without an answer, in the turn */
    actri_mail_t *mail;
    actri_local_call_t *call;
};

void actri_answers_release(actri_answers_t *answers)
{
    if (__atomic_sub_fetch(&answers->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_cond_destroy(&answers->fewer);
    actri_mutex_destroy(&answers->mutex);
    actri_free(answers->env, answers);
}

/* Under the mutex. */
static void unref(actri_deferred_t *deferred)
{
    if (--deferred->refs == 0) actri_free(deferred->answers->env, deferred);
}

static void unlist(actri_deferred_t *deferred)
{
    if (!deferred->listed) return;
    actri_answers_t *answers = deferred->answers;
    actri_list_remove(&deferred->link);
    deferred->listed = false;
    answers->deferred_count--;
    if (answers->deferred_count == 0) actri_cond_broadcast(&answers->fewer);
    unref(deferred);
}

static void send_answer(actri_state_path_t *path, actri_mail_t *mail, actri_local_call_t *call, actr_status_t status,
                        actr_bytes_t payload, actr_buf_t *buf, const char *message)
{
    if (mail != NULL) {
        actri_state_path_answer(path, mail, status, payload, message);
    } else if (call != NULL && buf != NULL) {
        actri_local_call_answer_buf(call, buf);
    } else if (call != NULL) {
        actri_local_call_answer(call, status, payload, message);
    } else if (status < 0) {
        actri_local_tell_failed(path, status);
    }
}

/* ---- turns ---- */

void actri_turn_begin(actri_answers_t *answers, actri_turn_t *turn)
{
    turn->answers = answers;
    turn->started_ns = answers->watched ? actri_now_ns() : 0;
    if (!answers->parallel) {
        __atomic_store_n(&answers->only, turn, __ATOMIC_RELEASE);
        return;
    }
    actri_lock(&answers->mutex);
    actri_list_append(&answers->turns, &turn->link);
    actri_unlock(&answers->mutex);
}

/* True: it was nobody else's to look at, and nothing has happened to it. */
static bool take_away(actri_turn_t *turn)
{
    actri_turn_t *self = turn;
    if (turn->answers->parallel || turn->deferred != NULL) return false;
    if (!__atomic_compare_exchange_n(&turn->answers->only, &self, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        return false;
    }
    return !turn->overtime;
}

/* Under the mutex: the turns are in the list until unpin. */
static actri_turn_t *pin(actri_answers_t *answers)
{
    actri_turn_t *turn = __atomic_load_n(&answers->only, __ATOMIC_ACQUIRE);
    do {
        if (turn == NULL) return NULL;
    } while (!__atomic_compare_exchange_n(&answers->only, &turn, (actri_turn_t *)(void *)((char *)turn + 1), false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    actri_list_append(&answers->turns, &turn->link);
    return turn;
}

static void unpin(actri_answers_t *answers, actri_turn_t *turn)
{
    if (turn == NULL) return;
    actri_list_remove(&turn->link);
    __atomic_store_n(&answers->only, turn, __ATOMIC_RELEASE);
}

static actri_turn_end_t end_deferred(actri_deferred_t *deferred, actr_status_t *status, actr_error_t *error)
{
    deferred->in_turn = false;
    if (deferred->answered) {
        unlist(deferred);
        return ACTRI_TURN_ANSWERED;
    }
    if (deferred->answers->path == NULL) *status = actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is gone");
    if (*status == ACTR_DEFERRED && !deferred->dropped) return ACTRI_TURN_DEFERRED;
    if (*status == ACTR_DEFERRED) *status = actri_fail(error, ACTR_STATUS_INTERNAL, "the handler dropped its reply");
    deferred->answered = true; /* the handle was not needed after all */
    unlist(deferred);
    return ACTRI_TURN_ANSWER;
}

actri_turn_end_t actri_turn_end(actri_turn_t *turn, actr_status_t *status, actr_error_t *error)
{
    actri_turn_end_t result = ACTRI_TURN_ANSWER;
    if (*status != ACTR_DEFERRED && take_away(turn)) return ACTRI_TURN_ANSWER;
    actri_lock(&turn->answers->mutex);
    if (turn->answers->parallel)
        actri_list_remove(&turn->link);
    else
        __atomic_store_n(&turn->answers->only, NULL, __ATOMIC_RELEASE);
    if (turn->deferred != NULL) {
        result = end_deferred(turn->deferred, status, error);
    } else if (turn->answered) {
        result = ACTRI_TURN_ANSWERED;
    } else if (*status == ACTR_DEFERRED) {
        *status = actri_fail(error, ACTR_STATUS_INTERNAL, "the handler deferred its reply and took no handle");
    }
    actri_unlock(&turn->answers->mutex);
    return result;
}

void actri_answers_current(actri_answers_t *answers, char *text, size_t size)
{
    actri_lock(&answers->mutex);
    actri_turn_t *pinned = pin(answers);
    const char *route = "";
    if (!actri_list_empty(&answers->turns)) {
        route = ACTRI_CONTAINER(answers->turns.next, actri_turn_t, link)->route;
    }
    (void)snprintf(text, size, "%s", route);
    unpin(answers, pinned);
    actri_unlock(&answers->mutex);
}

/* ---- the watch ---- */

static void answer_for(actri_answers_t *answers, actri_turn_t *turn, int64_t limit_ns)
{
    char text[240];
    bool *answered = turn->deferred != NULL ? &turn->deferred->answered : &turn->answered;
    (void)snprintf(text, sizeof text, "the handler of %.150s has run for longer than its limit of %lld ms", turn->route,
                   (long long)(limit_ns / ACTRI_MS));
    actri_warn(answers->env, AREA, "%s", text);
    if (*answered) return;
    *answered = true;
    if (answers->path != NULL)
        send_answer(answers->path, turn->mail, turn->call, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0}, NULL, text);
}

unsigned actri_answers_overtime(actri_answers_t *answers, int64_t now_ns, int64_t limit_ns)
{
    unsigned found = 0;
    actri_lock(&answers->mutex);
    actri_turn_t *pinned = pin(answers);
    for (actri_link_t *at = answers->turns.next; at != &answers->turns; at = at->next) {
        actri_turn_t *turn = ACTRI_CONTAINER(at, actri_turn_t, link);
        if (turn->overtime || now_ns - turn->started_ns < limit_ns) continue;
        __atomic_store_n(&turn->overtime, true, __ATOMIC_RELAXED);
        found++;
        if (answers->path != NULL) actri_path_count(&answers->path->stats.overtime); /* before anybody hears of it */
        answer_for(answers, turn, limit_ns);
    }
    unpin(answers, pinned);
    actri_unlock(&answers->mutex);
    return found;
}

/* ---- deferred ---- */

actr_status_t actri_turn_defer(actri_turn_t *turn, uint32_t limit, actri_deferred_t **out, actr_error_t *error)
{
    actri_answers_t *answers = turn->answers;
    if (turn->deferred != NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the reply of this request was taken already");
    }
    actri_deferred_t *deferred = actri_zalloc(answers->env, sizeof *deferred);
    if (deferred == NULL) return actri_no_memory(error);
    deferred->answers = answers;
    deferred->refs = 2;
    deferred->listed = deferred->in_turn = true;
    deferred->mail = turn->mail;
    deferred->call = turn->call;
    actri_lock(&answers->mutex);
    bool full = answers->deferred_count >= limit;
    if (!full) {
        (void)__atomic_add_fetch(&answers->refs, 1, __ATOMIC_RELAXED);
        answers->deferred_count++;
        deferred->answered = turn->answered;
        turn->deferred = deferred;
        actri_list_append(&answers->deferred, &deferred->link);
    }
    actri_unlock(&answers->mutex);
    if (full) {
        actri_free(answers->env, deferred);
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%u replies are deferred already", limit);
    }
    *out = deferred;
    return ACTR_OK;
}

/* The answer leaves, and the request ends unless its handler still reads it. Under the mutex. */
static void answer_now(actri_deferred_t *deferred, actr_status_t status, actr_bytes_t payload, actr_buf_t *buf,
                       const char *message)
{
    actri_state_path_t *path = deferred->answers->path;
    deferred->answered = true;
    send_answer(path, deferred->mail, deferred->call, status, payload, buf, message);
    if (deferred->in_turn) return;
    if (deferred->mail != NULL) {
        actri_mailbox_done(path->o.mailbox, deferred->mail, ACTRI_MAIL_ACK, NULL);
    } else {
        actri_local_call_release(deferred->call);
    }
    unlist(deferred);
}

static actr_status_t answer_once(actri_deferred_t *deferred, actr_status_t status, actr_bytes_t payload,
                                 actr_buf_t *buf, const char *message, actr_error_t *error)
{
    actri_answers_t *answers = deferred->answers;
    actr_status_t result = ACTR_OK;
    actri_lock(&answers->mutex);
    if (deferred->answered) {
        result = actri_fail(error, ACTR_STATUS_INVALID_STATE, "the request was answered already");
    } else if (answers->path == NULL) {
        result = actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is gone");
    } else {
        answer_now(deferred, status, payload, buf, message);
    }
    actri_unlock(&answers->mutex);
    return result;
}

actr_status_t actri_deferred_answer(actri_deferred_t *deferred, actr_status_t status, actr_bytes_t payload,
                                    const char *message, actr_error_t *error)
{
    return answer_once(deferred, status, payload, NULL, message, error);
}

actr_status_t actri_deferred_answer_buf(actri_deferred_t *deferred, actr_buf_t *reply, actr_error_t *error)
{
    actr_bytes_t payload = {actr_buf_data(reply), actr_buf_size(reply)};
    return answer_once(deferred, ACTR_OK, payload, reply, "", error);
}

void actri_deferred_release(actri_deferred_t *deferred)
{
    actri_answers_t *answers = deferred->answers;
    actri_lock(&answers->mutex);
    if (!deferred->answered && answers->path != NULL) {
        (void)__atomic_add_fetch(&answers->path->stats.dropped, 1, __ATOMIC_RELAXED);
        if (deferred->in_turn) {
            deferred->dropped = true; /* the handler may still answer by what it returns */
        } else {
            answer_now(deferred, ACTR_STATUS_INTERNAL, (actr_bytes_t){NULL, 0}, NULL, "the handler dropped its reply");
        }
    }
    unref(deferred);
    actri_unlock(&answers->mutex);
    actri_answers_release(answers);
}

uint32_t actri_answers_deferred(actri_answers_t *answers)
{
    actri_lock(&answers->mutex);
    uint32_t result = answers->deferred_count;
    actri_unlock(&answers->mutex);
    return result;
}

bool actri_answers_wait(actri_answers_t *answers, int64_t deadline_ns)
{
    bool in_time = true;
    actri_lock(&answers->mutex);
    while (answers->deferred_count > 0 && in_time) {
        in_time = actri_cond_wait(&answers->fewer, &answers->mutex, deadline_ns);
    }
    bool none = answers->deferred_count == 0;
    actri_unlock(&answers->mutex);
    return none;
}

/* ---- life ---- */

actr_status_t actri_answers_new(actri_state_path_t *path, actri_answers_t **out, actr_error_t *error)
{
    actri_answers_t *answers = actri_zalloc(path->o.env, sizeof *answers);
    if (answers == NULL) return actri_no_memory(error);
    answers->env = path->o.env;
    answers->refs = 1;
    answers->path = path;
    answers->parallel = path->o.key_of != NULL;
    answers->watched = path->o.config->handler_limit_ms != 0;
    actri_mutex_init(&answers->mutex);
    actri_cond_init(&answers->fewer);
    actri_list_init(&answers->turns);
    actri_list_init(&answers->deferred);
    *out = answers;
    return ACTR_OK;
}

static void abandon(actri_state_path_t *path, actri_deferred_t *deferred)
{
    if (!deferred->answered && deferred->call != NULL) {
        actri_local_call_answer(deferred->call, ACTR_STATUS_SHUTTING_DOWN, (actr_bytes_t){NULL, 0},
                                "the node is shutting down");
    }
    if (deferred->mail != NULL) {
        actri_mailbox_done(path->o.mailbox, deferred->mail, ACTRI_MAIL_KEEP, NULL);
    } else {
        actri_local_call_release(deferred->call);
    }
    deferred->answered = true;
    unlist(deferred);
}

void actri_answers_close(actri_answers_t *answers)
{
    actri_lock(&answers->mutex);
    while (!actri_list_empty(&answers->deferred)) {
        actri_deferred_t *deferred = ACTRI_CONTAINER(answers->deferred.next, actri_deferred_t, link);
        actri_list_remove(&deferred->link); /* unlist removes a link that stands alone */
        if (!deferred->in_turn) abandon(answers->path, deferred);
    }
    answers->path = NULL;
    actri_unlock(&answers->mutex);
}
