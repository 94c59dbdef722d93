/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every implementation of actr/mailbox.h must do, as a suite that knows nothing but the public header. To run it
 * against one's own: compile mailbox_suite.c and mailbox_suite_letters.c with it, fill a factory, and look at what is
 * returned:
 *
 *     static const actr_mailbox_factory_t mine = {.name = "mine", .open = open_mine};
 *     return actr_mailbox_conformance(&mine, NULL, NULL) == 0 ? 0 : 1;
 */
#ifndef ACTR_MAILBOX_SUITE_H
#define ACTR_MAILBOX_SUITE_H

#include <actr/mailbox.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct actr_mailbox_factory {
    const char *name;
    /*
     * Opens. fresh: an empty mailbox; else the one that was closed last, with what it held (only asked for when
     * `durable`). Limits and window as options say. *letters may stay NULL: then the queue's cases are skipped.
     */
    actr_status_t (*open)(void *user, bool fresh, const actr_store_options_t *options, actr_mailbox_t **mailbox,
                          actr_dlq_t **letters, actr_error_t *error);
    bool durable;          /* what is closed can be opened again */
    bool knows_duplicates; /* keeps keys and replies */
    void *user;
} actr_mailbox_factory_t;

/* One case has ended: failure is NULL when it holds. */
typedef void (*actr_mailbox_report_fn)(void *user, const char *factory, const char *test, const char *failure);

/* Runs all cases; returns how many failed. report NULL: printed to stdout as TAP. */
int actr_mailbox_conformance(const actr_mailbox_factory_t *factory, actr_mailbox_report_fn report, void *user);

#ifdef __cplusplus
}
#endif
#endif
