/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit among threads that wait: whoever comes while a commit runs goes into the next one together with all who
 * came meanwhile; the first of them does the work of all. So 64 threads pay one sync, and a lone one does not wait.
 */
#ifndef ACTRI_COMMITS_H
#define ACTRI_COMMITS_H

#include "mailbox/store.h"

/* One operation of one thread; on its stack. */
typedef struct actri_job {
    actri_link_t link;
    /* Inside the transaction, on the thread that leads. NOT_FOUND, INVALID_ARGUMENT and MAILBOX_FULL: it has changed
       nothing. Any other failure ends the whole transaction. */
    actr_status_t (*run)(actri_store_t *store, struct actri_job *job);
    /* The transaction has failed, perhaps in the middle of run: put back what was changed in memory (the counts are).
       May be NULL. */
    void (*undo)(actri_store_t *store, struct actri_job *job);
    /* It has been committed. May be NULL. */
    void (*done)(actri_store_t *store, struct actri_job *job);
    actr_error_t *error;
    bool reads; /* changes nothing: needs no transaction */
    /* the outcome */
    actr_status_t status;
    bool over, leads;
    actri_cond_t turn;
} actri_job_t;

typedef struct actri_commits {
    actri_store_t *store;
    actri_mutex_t mutex;
    actri_link_t waiting;
    bool busy;        /* somebody leads */
    uint64_t commits; /* under the mutex */
} actri_commits_t;

void actri_commits_init(actri_commits_t *commits, actri_store_t *store);
void actri_commits_destroy(actri_commits_t *commits);
/* Returns once the job's transaction has ended. [any-thread] Blocks on the disk. */
actr_status_t actri_commits_do(actri_commits_t *commits, actri_job_t *job);

#endif
