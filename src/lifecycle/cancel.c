/* SPDX-License-Identifier: Apache-2.0 */
/* Cancellation: one token for any number of calls. [any-thread] */
#include "lifecycle/cancel.h"

struct actr_cancel {
    unsigned refs; /* atomic: the program's and the watches' */
    actr_node_t *node;
    actri_mutex_t mutex;
    bool asked;
    actri_link_t watches;
};

actr_status_t actr_cancel_new(actr_ctx_t *ctx, actr_cancel_t **out, actr_error_t *error)
{
    if (ctx == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or cancel is NULL");
    actr_cancel_t *cancel = actri_zalloc(&ctx->node->system->env, sizeof *cancel);
    if (cancel == NULL) return actri_no_memory(error);
    cancel->refs = 1;
    cancel->node = actri_node_retain(ctx->node);
    actri_mutex_init(&cancel->mutex);
    actri_list_init(&cancel->watches);
    *out = cancel;
    return ACTR_OK;
}

void actr_cancel_release(actr_cancel_t *cancel)
{
    if (cancel == NULL || __atomic_sub_fetch(&cancel->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_node_t *node = cancel->node;
    actri_mutex_destroy(&cancel->mutex);
    actri_free(&node->system->env, cancel);
    actr_node_release(node);
}

void actr_cancel_all(actr_cancel_t *cancel)
{
    if (cancel == NULL) return;
    actri_link_t *link;
    actri_lock(&cancel->mutex);
    cancel->asked = true;
    while ((link = actri_list_take(&cancel->watches)) != NULL) {
        actri_cancel_watch_t *watch = ACTRI_CONTAINER(link, actri_cancel_watch_t, link);
        watch->fire(watch);
    }
    actri_unlock(&cancel->mutex);
}

bool actr_cancel_asked(actr_cancel_t *cancel)
{
    if (cancel == NULL) return false;
    actri_lock(&cancel->mutex);
    bool asked = cancel->asked;
    actri_unlock(&cancel->mutex);
    return asked;
}

actr_status_t actri_cancel_check(actr_cancel_t *cancel, actr_error_t *error)
{
    if (!actr_cancel_asked(cancel)) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_CANCELLED, "the caller cancelled it");
}

void actri_cancel_watch(actr_cancel_t *cancel, actri_cancel_watch_t *watch)
{
    if (cancel == NULL) return;
    (void)__atomic_add_fetch(&cancel->refs, 1, __ATOMIC_RELAXED);
    actri_list_init(&watch->link);
    watch->cancel = cancel;
    actri_lock(&cancel->mutex);
    if (cancel->asked)
        watch->fire(watch);
    else
        actri_list_append(&cancel->watches, &watch->link);
    actri_unlock(&cancel->mutex);
}

void actri_cancel_unwatch(actri_cancel_watch_t *watch)
{
    actr_cancel_t *cancel = watch->cancel;
    if (cancel == NULL) return;
    actri_lock(&cancel->mutex);
    actri_list_remove(&watch->link);
    actri_unlock(&cancel->mutex);
    watch->cancel = NULL;
    actr_cancel_release(cancel);
}
