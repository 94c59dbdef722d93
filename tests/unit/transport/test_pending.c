/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "oom.h"
#include "rng.h"
#include "transport/pending.h"

#include <stdio.h>

#define CALLS 400
#define PEERS 4
#define SESSIONS 6

typedef struct model_call {
    actri_pending_call_t call;
    bool in;
} model_call_t;

typedef struct world {
    actri_pending_t pending;
    model_call_t calls[CALLS];
    actr_id_t peers[PEERS];
    int64_t now_ns; /* the virtual clock */
    rng_t rng;
    size_t in;
} world_t;

static void world_init(world_t *w, uint64_t seed, const actri_env_t *env, size_t limit)
{
    memset(w, 0, sizeof *w);
    w->rng.state = seed;
    w->now_ns = 1000;
    for (uint32_t i = 0; i < PEERS; i++) {
        w->peers[i] = (actr_id_t){.serial_number = i + 1, .realm = 1, .type = {"acme", "echo"}};
    }
    for (int i = 0; i < CALLS; i++) (void)snprintf(w->calls[i].call.id, sizeof w->calls[i].call.id, "%036d", i);
    actri_pending_init(&w->pending, env, limit);
}

static model_call_t *model_of(actri_pending_call_t *call)
{
    return ACTRI_CONTAINER(call, model_call_t, call);
}

static void left(world_t *w, actri_pending_call_t *call)
{
    assert_true(model_of(call)->in);
    assert_int_equal(call->heap_index, 0);
    model_of(call)->in = false;
    w->in--;
}

static void add(world_t *w, model_call_t *model)
{
    actr_error_t error = ACTR_ERROR_INIT;
    model->call.target = w->peers[rng_below(&w->rng, PEERS)];
    model->call.session = rng_below(&w->rng, SESSIONS); /* 0: not sent */
    model->call.deadline_ns = w->now_ns + rng_below(&w->rng, 1000);
    assert_ok(actri_pending_add(&w->pending, &model->call, &error), &error);
    model->in = true;
    w->in++;
}

static void answer(world_t *w, model_call_t *model)
{
    const actr_id_t *from = &w->peers[rng_below(&w->rng, PEERS)];
    bool counts = model->in && actr_id_equal(from, &model->call.target);
    actri_pending_call_t *got = actri_pending_take_reply(&w->pending, actri_span_text(model->call.id), from);
    assert_ptr_equal(got, counts ? &model->call : NULL);
    if (got != NULL) left(w, got);
}

static void take(world_t *w, model_call_t *model)
{
    bool was_in = model->in;
    assert_int_equal(actri_pending_take_call(&w->pending, &model->call), was_in);
    if (was_in) left(w, &model->call);
}

/* Exactly the due ones, earliest first. */
static void expire(world_t *w)
{
    w->now_ns += rng_below(&w->rng, 200);
    int64_t before = 0;
    for (actri_pending_call_t *call; (call = actri_pending_take_expired(&w->pending, w->now_ns)) != NULL;) {
        assert_true(call->deadline_ns <= w->now_ns && call->deadline_ns >= before);
        before = call->deadline_ns;
        left(w, call);
    }
    for (int i = 0; i < CALLS; i++) assert_false(w->calls[i].in && w->calls[i].call.deadline_ns <= w->now_ns);
}

/* Exactly those of the session. */
static void end_session(world_t *w, uint64_t session)
{
    actri_link_t list, *link;
    actri_list_init(&list);
    actri_pending_take_session(&w->pending, session, &list);
    while ((link = actri_list_take(&list)) != NULL) {
        actri_pending_call_t *call = ACTRI_CONTAINER(link, actri_pending_call_t, link);
        assert_true(session == 0 || call->session == session);
        left(w, call);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_false(w->calls[i].in && (session == 0 || w->calls[i].call.session == session));
    }
}

static void check(const world_t *w)
{
    int64_t earliest = INT64_MAX;
    for (int i = 0; i < CALLS; i++) {
        if (w->calls[i].in && w->calls[i].call.deadline_ns < earliest) earliest = w->calls[i].call.deadline_ns;
    }
    assert_int_equal(actri_pending_count(&w->pending), w->in);
    assert_true(actri_pending_next_deadline(&w->pending) == earliest);
}

static void random_lives_agree_with_a_model(void **state)
{
    (void)state;
    static world_t w;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        world_init(&w, seed, NULL, CALLS);
        for (int step = 0; step < 3000; step++) {
            model_call_t *model = &w.calls[rng_below(&w.rng, CALLS)];
            uint32_t dice = rng_below(&w.rng, 100);
            if (dice < 60 && !model->in)
                add(&w, model);
            else if (dice < 75)
                answer(&w, model);
            else if (dice < 85)
                take(&w, model);
            else if (dice < 88)
                end_session(&w, 1 + rng_below(&w.rng, SESSIONS));
            else if (dice < 92)
                expire(&w);
            if (step % 20 == 0) check(&w);
        }
        end_session(&w, 0);
        check(&w);
        assert_int_equal(w.in, 0);
        actri_pending_clear(&w.pending);
    }
}

static void a_reply_counts_only_from_the_peer_that_was_asked(void **state)
{
    (void)state;
    static world_t w;
    world_init(&w, 1, NULL, 10);
    model_call_t *model = &w.calls[0];
    add(&w, model);
    model->call.target = w.peers[0];
    actr_id_t other_type = w.peers[0];
    other_type.type.name[0] = 'x';
    actri_span_t id = actri_span_text(model->call.id);
    assert_null(actri_pending_take_reply(&w.pending, id, &w.peers[1]));
    assert_null(actri_pending_take_reply(&w.pending, id, &other_type));
    assert_null(actri_pending_take_reply(&w.pending, actri_span_text("x"), &w.peers[0]));
    assert_null(actri_pending_take_reply(&w.pending, actri_span(NULL, 0), &w.peers[0]));
    assert_ptr_equal(actri_pending_take_reply(&w.pending, id, &w.peers[0]), &model->call);
    assert_null(actri_pending_take_reply(&w.pending, id, &w.peers[0]));
    actri_pending_clear(&w.pending);
}

static void the_limit_is_an_error_that_passes(void **state)
{
    (void)state;
    static world_t w;
    world_init(&w, 1, NULL, 3);
    for (int i = 0; i < 3; i++) add(&w, &w.calls[i]);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_LIMIT_REACHED, actri_pending_add(&w.pending, &w.calls[3].call, &error));
    assert_non_null(strstr(error.message, "3 calls"));
    assert_int_equal(w.calls[3].call.heap_index, 0);
    take(&w, &w.calls[1]);
    add(&w, &w.calls[3]);
    end_session(&w, 0);
    actri_pending_clear(&w.pending);
}

static void each_failed_allocation_is_survived(void **state)
{
    (void)state;
    static world_t w;
    OOM_EACH(oom)
    {
        world_init(&w, 1, &oom.env, CALLS);
        size_t added = 0;
        for (int i = 0; i < CALLS; i++) {
            w.calls[i].call.target = w.peers[0];
            w.calls[i].call.deadline_ns = i;
            actr_error_t error = ACTR_ERROR_INIT;
            actr_status_t status = actri_pending_add(&w.pending, &w.calls[i].call, &error);
            assert_true(status == ACTR_OK || error.status == ACTR_STATUS_NO_MEMORY);
            w.calls[i].in = status == ACTR_OK;
            added += w.calls[i].in;
        }
        assert_int_equal(added, CALLS - oom.failed);
        w.in = added;
        check(&w);
        end_session(&w, 0);
        actri_pending_clear(&w.pending);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lives_agree_with_a_model),
        cmocka_unit_test(a_reply_counts_only_from_the_peer_that_was_asked),
        cmocka_unit_test(the_limit_is_an_error_that_passes),
        cmocka_unit_test(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
