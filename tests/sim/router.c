/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"

#include "base/env.h"
#include "fake_loop.h"
#include "port/clock.h"

#include <stdlib.h>
#include <string.h>

#define CROSSING_NS ACTRI_SECOND

typedef struct letter {
    actri_timer_t timer;
    actri_relay_t relay;
    unsigned from;
    int to; /* client, or -1: the server itself */
    char text[];
} letter_t;

router_t router;

void router_reset(uint64_t seed)
{
    memset(&router, 0, sizeof router);
    router.rng.state = seed;
    router.delay_ns = 10 * ACTRI_MS;
    router.refuses_dead = true;
}

unsigned router_add(const actr_id_t *id, void (*deliver)(void *user, const actri_relay_t *relay), void *user)
{
    for (unsigned i = 0; i < ROUTER_CLIENTS; i++) {
        if (router.clients[i].registered) continue;
        router.clients[i] = (router_client_t){*id, true, true, deliver, user};
        memset(router.last_role_ns[i], 0, sizeof router.last_role_ns[i]);
        for (unsigned j = 0; j < ROUTER_CLIENTS; j++) router.last_role_ns[j][i] = 0;
        return i;
    }
    abort();
}

void router_remove(unsigned client)
{
    router.clients[client].registered = false;
}

static int find(const actr_id_t *id)
{
    for (int i = 0; i < ROUTER_CLIENTS; i++) {
        if (router.clients[i].registered && actr_id_equal(&router.clients[i].id, id)) return i;
    }
    return -1;
}

static void arrive(actri_timer_t *timer);

/* When it arrives: in order of sending for a pair, unless it may overtake. */
static int64_t due(unsigned from, int to)
{
    int64_t when = actri_now_ns() + (int64_t)(rng_u64(&router.rng) % (uint64_t)(router.delay_ns + 1));
    if (rng_chance(&router.rng, router.reorder_percent)) return when;
    int64_t *last = &router.last_due_ns[from][to < 0 ? ROUTER_CLIENTS : to];
    if (when < *last) when = *last;
    *last = when;
    return when;
}

static void post(unsigned from, int to, const actri_relay_t *relay)
{
    size_t size = relay->text == NULL ? 0 : strlen(relay->text) + 1;
    letter_t *letter = calloc(1, sizeof *letter + size);
    if (letter == NULL) abort();
    letter->timer.fire = arrive;
    letter->relay = *relay;
    letter->from = from;
    letter->to = to;
    if (size > 0) {
        memcpy(letter->text, relay->text, size);
        letter->relay.text = letter->text;
    }
    actri_loop_timer_set(fake_loop(), &letter->timer, due(from, to));
}

static void refuse(unsigned from, const actri_relay_t *relay)
{
    router.refused++;
    if (!router.refuses_dead) return;
    actri_relay_t refusal = {.kind = ACTRI_RELAY_REFUSED,
                             .source = relay->target,
                             .target = relay->source,
                             .code = 404,
                             .text = "no such actor"};
    post(from, (int)from, &refusal);
}

static bool smaller(const actr_id_t *a, const actr_id_t *b)
{
    if (a->realm != b->realm) return a->realm < b->realm;
    return a->serial_number < b->serial_number;
}

static void assign(unsigned from, int to, const actri_relay_t *asked)
{
    int64_t *crossing = &router.last_role_ns[to][from], now = actri_now_ns();
    if (router.swallows_crossing && *crossing != 0 && now - *crossing < CROSSING_NS) return;
    router.last_role_ns[from][to] = now;
    actri_relay_t role = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .source = asked->source, .target = asked->target};
    bool first_offers = smaller(&asked->source, &asked->target);
    role.is_offerer = first_offers;
    post(from, (int)from, &role);
    role.is_offerer = !first_offers;
    post(from, to, &role);
}

static void at_server(const letter_t *letter)
{
    int to = find(&letter->relay.target);
    if (to < 0) {
        refuse(letter->from, &letter->relay);
    } else if (letter->relay.kind == ACTRI_RELAY_ROLE_NEGOTIATION) {
        assign(letter->from, to, &letter->relay);
    } else {
        bool lost = letter->relay.kind == ACTRI_RELAY_OFFER && rng_chance(&router.rng, router.lost_offer_percent);
        if (!lost) post(letter->from, to, &letter->relay);
        if (rng_chance(&router.rng, router.repeat_percent)) post(letter->from, to, &letter->relay);
    }
}

static void arrive(actri_timer_t *timer)
{
    letter_t *letter = ACTRI_CONTAINER(timer, letter_t, timer);
    bool passes = letter->to >= 0 || router.passes == NULL || router.passes(&letter->relay);
    if (!passes || rng_chance(&router.rng, router.drop_percent)) {
        router.dropped++;
    } else if (letter->to < 0) {
        at_server(letter);
    } else {
        const router_client_t *client = &router.clients[letter->to];
        bool meant = actr_id_equal(&client->id, &letter->relay.target) ||
                     (letter->relay.kind == ACTRI_RELAY_ROLE_ASSIGNMENT &&
                      actr_id_equal(&client->id, &letter->relay.source)); /* its place may have been taken meanwhile */
        if (client->registered && client->online && meant) client->deliver(client->user, &letter->relay);
    }
    free(letter);
}

actr_status_t router_relay(unsigned client, const actri_relay_t *relay, actr_error_t *error)
{
    if (!router.clients[client].online) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "the signaling server is away");
    }
    router.relays++;
    post(client, -1, relay);
    return ACTR_OK;
}
