/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where replies go when the mail does not know it: its mail was freed because the message waits in the table, or a
 * duplicate came on another session. At most one route a message, so they are as bounded as the messages.
 */
#include "mailbox/mailbox_inside.h"

typedef struct route {
    int64_t sequence;
    uint64_t origin;
} route_t;

static void count(actri_mailbox_t *m)
{
    __atomic_store_n(&m->route_count, (uint32_t)m->routes.count, __ATOMIC_RELEASE);
}

void actri_route_set(actri_mailbox_t *m, int64_t sequence, uint64_t origin)
{
    if (origin == 0) return;
    route_t *route = actri_map_get(&m->routes, &sequence, sizeof sequence);
    if (route == NULL) {
        route = actri_alloc(m->env, sizeof *route);
        if (route == NULL) return;
        route->sequence = sequence;
        if (actri_map_put(&m->routes, &route->sequence, sizeof route->sequence, route) != ACTR_OK) {
            actri_free(m->env, route);
            return;
        }
    }
    route->origin = origin;
    count(m);
}

uint64_t actri_route_take(actri_mailbox_t *m, int64_t sequence)
{
    if (m->routes.count == 0) return 0;
    route_t *route = actri_map_take(&m->routes, &sequence, sizeof sequence);
    uint64_t origin = route == NULL ? 0 : route->origin;
    actri_free(m->env, route);
    count(m);
    return origin;
}

void actri_routes_clear(actri_mailbox_t *m)
{
    size_t cursor = 0;
    route_t *route;
    while ((route = actri_map_next(&m->routes, &cursor)) != NULL) actri_free(m->env, route);
    actri_map_clear(&m->routes);
}

uint64_t actri_mailbox_origin(actri_mailbox_t *m, actri_mail_t *mail)
{
    mail->answered_on = mail->origin;
    if (__atomic_load_n(&m->route_count, __ATOMIC_ACQUIRE) == 0) return mail->origin;
    actri_lock(&m->mutex);
    const route_t *route = actri_map_get(&m->routes, &mail->sequence, sizeof mail->sequence);
    if (route != NULL) mail->answered_on = route->origin;
    actri_unlock(&m->mutex);
    return mail->answered_on;
}
