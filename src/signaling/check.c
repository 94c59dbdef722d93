/* SPDX-License-Identifier: Apache-2.0 */
/* Is the link alive? Asked when the network may have changed. spec: known-faults 11, 13, 50. */
#include "signaling/session_state.h"

#include <string.h>

static void end_check(actri_session_t *session, actr_status_t status, bool reconnected, const actr_error_t *why)
{
    actri_check_t check = session->check;
    memset(&session->check, 0, sizeof session->check);
    if (check.done != NULL) check.done(check.user, status, reconnected, why);
}

void actri_session_check_alive(actri_session_t *session, uint64_t number)
{
    const actri_check_t *check = &session->check;
    if (check->done != NULL && !check->rebuilding && check->number == number) end_check(session, ACTR_OK, false, NULL);
}

void actri_session_check_lost(actri_session_t *session)
{
    session->check.rebuilding = session->check.done != NULL;
}

void actri_session_check_online(actri_session_t *session)
{
    if (session->check.rebuilding) end_check(session, ACTR_OK, true, NULL);
}

void actri_session_check_failed(actri_session_t *session, actr_status_t status, const actr_error_t *why)
{
    end_check(session, status, false, why);
}

void actri_session_check_tick(actri_session_t *session, actri_session_time_t time)
{
    if (time.now_ns < actri_session_check_deadline(session)) return;
    actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                        "the network has changed, and the server did not answer within a second");
    actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
}

int64_t actri_session_check_deadline(const actri_session_t *session)
{
    const actri_check_t *check = &session->check;
    return check->done != NULL && !check->rebuilding ? check->deadline_ns : ACTRI_NEVER;
}

static void ask_now(actri_session_t *session, actri_session_time_t time)
{
    session->check.number = session->last_number + 1;
    session->check.deadline_ns = time.now_ns + ACTRI_CHECK_LIMIT_NS;
    actr_status_t status = actri_session_ask_ping(session, time);
    if (status == ACTR_OK) return;
    actr_error_t error;
    (void)actri_fail(&error, status, "the signaling server could not be asked whether it is there");
    end_check(session, status, false, &error);
}

/* The next attempt begins at once, as the first one after a good link. */
static void hurry(actri_session_t *session, actri_session_time_t time)
{
    session->failures = 0;
    session->retry_ns = time.now_ns;
    session->check.rebuilding = true;
}

/* The attempt may be on a path that is no more. */
static void begin_anew(actri_session_t *session, actri_session_time_t time)
{
    actri_check_t check = session->check;
    memset(&session->check, 0, sizeof session->check); /* this end is not the one that is waited for */
    actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0, "the network has changed during the attempt");
    actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
    session->check = check;
    hurry(session, time);
}

void actri_session_check(actri_session_t *session, actri_session_time_t time, bool moved, actri_checked_fn done,
                         void *user)
{
    actr_error_t error;
    bool over = session->phase == ACTRI_PHASE_STOPPED || session->phase == ACTRI_PHASE_LEAVING;
    if (over || session->check.done != NULL) {
        (void)actri_fail(&error, over ? ACTR_STATUS_SHUTTING_DOWN : ACTR_STATUS_INVALID_STATE,
                         over ? "signaling stops" : "the link is being checked already");
        done(user, error.status, false, &error);
        return;
    }
    session->check = (actri_check_t){.done = done, .user = user};
    if (session->phase == ACTRI_PHASE_ONLINE)
        ask_now(session, time);
    else if (session->phase == ACTRI_PHASE_WAITING)
        hurry(session, time);
    else if (moved)
        begin_anew(session, time);
    else
        session->check.rebuilding = true;
}
