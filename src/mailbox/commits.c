/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/commits.h"

#include "port/clock.h"

#define MOST_JOBS 256 /* of one transaction */

void actri_commits_init(actri_commits_t *commits, actri_store_t *store)
{
    *commits = (actri_commits_t){.store = store};
    actri_mutex_init(&commits->mutex);
    actri_list_init(&commits->waiting);
}

void actri_commits_destroy(actri_commits_t *commits)
{
    actri_mutex_destroy(&commits->mutex);
}

static actri_job_t *job_of(actri_link_t *link)
{
    return ACTRI_CONTAINER(link, actri_job_t, link);
}

static bool harmless(actr_status_t status)
{
    return status == ACTR_OK || status == ACTR_STATUS_NOT_FOUND || status == ACTR_STATUS_INVALID_ARGUMENT ||
           status == ACTR_STATUS_MAILBOX_FULL;
}

/* Runs them up to `end`; the first status that ends the transaction, or ACTR_OK. *end: where it stopped. */
static actr_status_t run_jobs(actri_store_t *store, actri_link_t *jobs, actri_link_t **end, actr_error_t *why)
{
    for (actri_link_t *at = jobs->next; at != jobs; at = at->next) {
        actri_job_t *job = job_of(at);
        actr_error_t error = ACTR_ERROR_INIT;
        job->status = job->run(store, job);
        *end = at->next;
        if (harmless(job->status)) continue;
        if (job->error != NULL) error = *job->error;
        *why = error;
        return job->status;
    }
    return ACTR_OK;
}

static void fail_jobs(actri_store_t *store, actri_link_t *jobs, const actri_link_t *end, actr_status_t status,
                      const actr_error_t *why)
{
    bool ran = true;
    for (actri_link_t *at = jobs->next; at != jobs; at = at->next) {
        actri_job_t *job = job_of(at);
        if (at == end) ran = false;
        if (ran && job->undo != NULL) job->undo(store, job);
        job->status = status;
        if (job->error != NULL && why->message[0] != '\0') *job->error = *why;
    }
}

static void transact(actri_store_t *store, actri_link_t *jobs)
{
    bool reads = true;
    actr_error_t why = ACTR_ERROR_INIT;
    for (actri_link_t *at = jobs->next; at != jobs; at = at->next) reads = reads && job_of(at)->reads;
    actri_link_t *end = jobs->next; /* the first that has not run */
    actr_status_t status = reads ? ACTR_OK : actri_store_begin(store, &why);
    if (status == ACTR_OK) {
        status = run_jobs(store, jobs, &end, &why);
        if (!reads && status == ACTR_OK) status = actri_store_commit(store, &why);
        if (!reads && status != ACTR_OK) actri_store_rollback(store);
    }
    if (status != ACTR_OK) {
        fail_jobs(store, jobs, end, status, &why);
        return;
    }
    for (actri_link_t *at = jobs->next; at != jobs; at = at->next) {
        if (job_of(at)->done != NULL && job_of(at)->status == ACTR_OK) job_of(at)->done(store, job_of(at));
    }
}

/* Takes whoever waits, does their work, wakes them; the next one in the queue leads on. */
static void lead(actri_commits_t *commits)
{
    actri_link_t jobs, *link;
    actri_list_init(&jobs);
    for (int i = 0; i < MOST_JOBS && (link = actri_list_take(&commits->waiting)) != NULL; i++) {
        actri_list_append(&jobs, link);
    }
    actri_unlock(&commits->mutex);
    transact(commits->store, &jobs);
    actri_lock(&commits->mutex);
    commits->commits++;
    while ((link = actri_list_take(&jobs)) != NULL) {
        job_of(link)->over = true;
        actri_cond_signal(&job_of(link)->turn);
    }
    if (actri_list_empty(&commits->waiting)) {
        commits->busy = false;
        return;
    }
    actri_job_t *next = job_of(commits->waiting.next);
    next->leads = true;
    actri_cond_signal(&next->turn);
}

actr_status_t actri_commits_do(actri_commits_t *commits, actri_job_t *job)
{
    actri_cond_init(&job->turn);
    actri_lock(&commits->mutex);
    actri_list_append(&commits->waiting, &job->link);
    job->leads = !commits->busy;
    commits->busy = true;
    while (!job->over && !job->leads) (void)actri_cond_wait(&job->turn, &commits->mutex, ACTRI_NEVER);
    if (!job->over) lead(commits);
    actri_unlock(&commits->mutex);
    actri_cond_destroy(&job->turn);
    return job->status;
}
