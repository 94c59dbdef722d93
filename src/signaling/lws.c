/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/lws.h"

#include "port/thread.h"

#include <signal.h>

/* Two contexts made at once would save each other's SIG_IGN. */
static actri_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

struct lws_context *actri_lws_create(const struct lws_context_creation_info *info)
{
    struct sigaction before;
    actri_lock(&making);
    int saved = sigaction(SIGPIPE, NULL, &before);
    lws_set_log_level(0, NULL);
    struct lws_context *context = lws_create_context(info);
    if (saved == 0) (void)sigaction(SIGPIPE, &before, NULL);
    actri_unlock(&making);
    return context;
}
