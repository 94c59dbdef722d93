/* SPDX-License-Identifier: Apache-2.0 */
/* Calls by type, blocking and not: who is found, who is tried next, and that each ends once whatever goes away. */
#include "scene.h"

#include "lifecycle/node.h"

/* ---- the workloads ---- */

static actr_status_t serve_show(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    const char *parent = actr_ctx_traceparent(ctx);
    const char *text =
        actr_ctx_printf(ctx, "%.*s|%s|%s", (int)request->payload.size, (const char *)request->payload.data,
                        request->metadata_count == 1 ? request->metadata[0].value : "-", parent != NULL ? parent : "-");
    *reply = (actr_bytes_t){text, text == NULL ? 0 : strlen(text)};
    return ACTR_OK;
}

static actr_status_t serve_big(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)request;
    const size_t size = 1u << 20;
    void *bytes = actr_ctx_alloc(ctx, size);
    if (bytes != NULL) memset(bytes, 'b', size);
    *reply = (actr_bytes_t){bytes, size};
    return ACTR_OK;
}

/* What an asynchronous call by type has come to. */
typedef struct ending {
    scene_t *s;
    actr_reply_t *reply; /* of a handler, to be answered then */
    unsigned times;      /* under the scene's mutex */
    actr_status_t status;
    bool anybody;
    actr_id_t answered;
    char text[ACTR_ERROR_MESSAGE_SIZE];
} ending_t;

static void on_end(actr_status_t status, const actr_id_t *answered, actr_buf_t *reply, const actr_error_t *error,
                   void *user)
{
    ending_t *e = user;
    e->status = status;
    e->anybody = answered != NULL;
    if (answered != NULL) e->answered = *answered;
    (void)snprintf(e->text, sizeof e->text, "%.*s", reply == NULL ? 0 : (int)actr_buf_size(reply),
                   reply == NULL ? "" : (const char *)actr_buf_data(reply));
    if (status != ACTR_OK) (void)snprintf(e->text, sizeof e->text, "%s", actr_error_message(error));
    assert_true((reply != NULL) == (status == ACTR_OK));
    actr_buf_release(reply);
    if (e->reply != NULL) {
        actr_status_t sent = actr_reply_send(e->reply, (actr_bytes_t){e->text, strlen(e->text)}, NULL);
        assert_status(ACTR_OK, sent);
        actr_reply_release(e->reply);
    }
    fixture_changed(&e->s->n, &e->times);
}

static const actr_type_t type_b = {"acme", "b"};

/* Goes on to the actors of type "b", and returns before they have answered. */
static actr_status_t serve_pass_on(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    ending_t *e = s->more;
    (void)reply;
    actr_status_t status = actr_ctx_defer(ctx, &e->reply, NULL);
    if (status != ACTR_OK) return status;
    status = actr_ctx_call_type_async(ctx, &type_b, "w.Show", request->payload, NULL, on_end, e, NULL);
    return status == ACTR_OK ? ACTR_DEFERRED : status;
}

static const scene_route_t routes[] = {
    {"w.Show", serve_show}, {"w.Never", scene_defer}, {"w.Big", serve_big}, {"w.PassOn", serve_pass_on}, {0}};

static void open_two(fixture_t *f, scene_t *a, scene_t *b)
{
    fixture_open(f);
    scene_open(a, f, "a", routes, NULL);
    scene_open(b, f, "b", routes, NULL);
    a->peer = actr_dest_actor(actr_ref_actor_id(b->n.ref));
}

static void close_two(fixture_t *f, scene_t *a, scene_t *b)
{
    scene_close(a);
    scene_close(b);
    fixture_close(f);
}

static void begin(scene_t *a, const char *route, const actr_call_options_t *options, ending_t *e)
{
    actr_error_t error = ACTR_ERROR_INIT;
    *e = (ending_t){.s = a};
    assert_ok(actr_ctx_call_type_async(actr_ref_ctx(a->n.ref), &type_b, route, (actr_bytes_t){"hi", 2}, options, on_end,
                                       e, &error),
              &error);
}

static void await(ending_t *e, actr_status_t status)
{
    fixture_wait(&e->s->n, &e->times, 1);
    assert_status(status, e->status);
}

/* ---- actors that are not there ---- */

static void strong_load(void *user, actri_load_t *out)
{
    (void)user;
    *out = (actri_load_t){.availability = 0, .power_reserve = 50, .mailbox_backlog = 0};
}

/* An actor of type "b" that never answers an offer, and says that it is the best of all. */
static actri_signaling_t *start_ghost(const fixture_t *f)
{
    static const actri_signaling_handlers_t handlers = {.load = strong_load};
    actr_error_t error = ACTR_ERROR_INIT;
    actri_signaling_t *ghost = NULL;
    actri_signaling_options_t options = {.url = f->url, .type = type_b, .realm = 1001, .form = 'A'};
    assert_ok(actri_signaling_new(&options, &handlers, NULL, &ghost, &error), &error);
    assert_ok(actri_signaling_start(ghost, actri_now_ns() + FIXTURE_LIMIT_NS, &error), &error);
    return ghost;
}

/* Until the server has heard how strong it is. Returns its id. */
static actr_id_t ghost_comes_first(scene_t *a, const actr_criteria_t *criteria)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_id_t first;
    do {
        size_t count = 1;
        assert_ok(actr_ctx_discover_with(actr_ref_ctx(a->n.ref), &type_b, criteria, 0, &first, &count, &error), &error);
    } while (actr_id_equal(&first, &a->peer.id));
    return first;
}

static void mute(actri_core_switches_t *switches, void *user)
{
    switches->drop_searches = *(const uint32_t *)user;
}

static void lose_signaling(fixture_t *f, scene_t *s)
{
    actri_server_refuse_connections(f->server, true);
    assert_true(actri_server_kick(f->server, actr_ref_actor_id(s->n.ref), false));
    actri_signaling_counters_t counters;
    do actri_signaling_counters(s->n.node->signaling, &counters);
    while (counters.losses == 0);
}

/* ---- blocking ---- */

static void a_call_by_type_tries_the_next_candidate(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t none = {"acme", "none"};
    actr_criteria_t criteria = ACTR_CRITERIA_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_buf_t *reply = NULL;
    actr_id_t answered, first;
    criteria.ranking[0] = ACTR_RANK_POWER_RESERVE;
    options.criteria = &criteria;
    options.timeout_ms = 6000;
    open_two(&f, &a, &b);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    assert_ok(actr_ctx_call_type(ctx, &type_b, "w.Show", (actr_bytes_t){"one", 3}, &options, &answered, &reply, &error),
              &error);
    assert_true(actr_id_equal(&answered, &a.peer.id));
    actr_buf_release(reply);
    actri_signaling_t *ghost = start_ghost(&f);
    first = ghost_comes_first(&a, &criteria);
    assert_ok(actr_ctx_call_type(ctx, &type_b, "w.Show", (actr_bytes_t){"two", 3}, &options, &answered, &reply, &error),
              &error);
    assert_true(actr_id_equal(&answered, &a.peer.id)); /* the ghost came first, and was given up */
    assert_int_equal(actr_buf_size(reply), 7);         /* two|-|- */
    actr_buf_release(reply);
    options.max_candidates = 1;
    options.timeout_ms = 1000;
    assert_status(ACTR_STATUS_TIMEOUT, actr_ctx_call_type(ctx, &type_b, "w.Show", (actr_bytes_t){"", 0}, &options,
                                                          &answered, &reply, &error));
    assert_true(actr_id_equal(&answered, &first));
    options.max_candidates = 0;
    options.timeout_ms = 6000;
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, /* an answer is an answer */
                  actr_ctx_call_type(ctx, &type_b, "w.None", (actr_bytes_t){"", 0}, &options, NULL, &reply, &error));
    assert_status(ACTR_STATUS_TARGET_NOT_FOUND,
                  actr_ctx_call_type(ctx, &none, "w.Show", (actr_bytes_t){"", 0}, &options, NULL, &reply, &error));
    options.max_candidates = 33;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_call_type(ctx, &type_b, "w.Show", (actr_bytes_t){"", 0}, &options, NULL, &reply, &error));
    actri_signaling_free(ghost);
    close_two(&f, &a, &b);
}

/* ---- without waiting ---- */

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* All that was passed may go as soon as the call has begun; the context too. */
static void the_first_candidate_answers(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_spec_t spec = ACTR_CTX_SPEC_INIT;
    actr_ctx_t *ctx = NULL;
    char payload[] = "lent", key[] = "key", value[] = "blue", route[] = "w.Show", trace[] = TRACE;
    actr_metadata_t metadata[] = {{key, value}};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.metadata = metadata;
    options.metadata_count = 1;
    open_two(&f, &a, &b);
    e = (ending_t){.s = &a};
    spec.traceparent = trace;
    assert_ok(actr_ref_make_ctx(a.n.ref, &spec, &ctx, &error), &error);
    assert_ok(actr_ctx_call_type_async(ctx, &type_b, route, (actr_bytes_t){payload, 4}, &options, on_end, &e, &error),
              &error);
    actr_ctx_release(ctx);
    memset(payload, 'X', 4);
    key[0] = value[0] = route[0] = trace[0] = 'X';
    metadata[0] = (actr_metadata_t){NULL, NULL};
    await(&e, ACTR_OK);
    assert_true(actr_id_equal(&e.answered, &a.peer.id));
    assert_string_equal(e.text, "lent|blue|" TRACE);
    close_two(&f, &a, &b);
}

static void the_second_candidate_answers(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    actr_criteria_t criteria = ACTR_CRITERIA_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    criteria.ranking[0] = ACTR_RANK_POWER_RESERVE;
    options.criteria = &criteria;
    options.timeout_ms = 6000;
    open_two(&f, &a, &b);
    actri_signaling_t *ghost = start_ghost(&f);
    actr_id_t first = ghost_comes_first(&a, &criteria);
    begin(&a, "w.Show", &options, &e);
    await(&e, ACTR_OK);
    assert_true(actr_id_equal(&e.answered, &a.peer.id));
    assert_string_equal(e.text, "hi|-|-");
    options.max_candidates = 1; /* and the only one takes the whole time */
    options.timeout_ms = 500;
    begin(&a, "w.Show", &options, &e);
    await(&e, ACTR_STATUS_TIMEOUT);
    assert_true(actr_id_equal(&e.answered, &first));
    actri_signaling_free(ghost);
    close_two(&f, &a, &b);
}

/* The server knows of nobody whether what it depends on is well, so that who asks for that finds nobody. */
static void a_wish_about_dependencies_reaches_the_server(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_id_t id;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    for (uint32_t worst = 0; worst <= 3; worst++) {
        size_t count = 1;
        actr_criteria_t criteria = ACTR_CRITERIA_INIT;
        criteria.worst_dependency = worst;
        assert_status(worst == 1 ? ACTR_STATUS_TARGET_NOT_FOUND : ACTR_OK,
                      actr_ctx_discover_with(actr_ref_ctx(a.n.ref), &type_b, &criteria, 0, &id, &count, &error));
    }
    close_two(&f, &a, &b);
}

/* What may have been handled is nobody else's to handle. */
static void what_is_uncertain_is_not_tried_with_the_next(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b, other;
    ending_t e;
    actr_id_t first;
    size_t count = 1;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.retry = ACTR_RETRY_NEVER;
    open_two(&f, &a, &b);
    scene_open(&other, &f, "b", routes, NULL);
    assert_ok(actr_ref_discover(a.n.ref, &type_b, 0, &first, &count, &error), &error);
    scene_t *asked = actr_id_equal(&first, &a.peer.id) ? &b : &other, *spared = asked == &b ? &other : &b;
    begin(&a, "w.Never", &options, &e);
    fixture_wait(&asked->n, &asked->count, 1);
    actr_dest_t to_a = actr_dest_actor(actr_ref_actor_id(a.n.ref));
    assert_ok(actr_outproc_close_dest(actr_ref_outproc(asked->n.ref), &to_a, &error), &error);
    await(&e, ACTR_STATUS_DELIVERY_UNCERTAIN);
    assert_true(actr_id_equal(&e.answered, &first));
    assert_int_equal(spared->count, 0);
    actr_reply_release(asked->held);
    scene_close(&other);
    close_two(&f, &a, &b);
}

static void nobody_is_found(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    ending_t e;
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    begin(&a, "w.Show", NULL, &e);
    await(&e, ACTR_STATUS_TARGET_NOT_FOUND);
    assert_false(e.anybody);
    assert_string_equal(e.text, "no actor of type acme+b is registered");
    scene_close(&a);
    fixture_close(&f);
}

/* An answer is an answer: the next one is not asked. */
static void a_failure_ends_it(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    open_two(&f, &a, &b);
    begin(&a, "w.None", NULL, &e);
    await(&e, ACTR_STATUS_UNKNOWN_ROUTE);
    assert_true(e.anybody);
    begin(&a, "w.Big", NULL, &e); /* a reply that does not fit */
    await(&e, ACTR_STATUS_TOO_LARGE);
    assert_true(actr_id_equal(&e.answered, &a.peer.id));
    close_two(&f, &a, &b);
}

static void its_time_passes_while_it_finds(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    uint32_t one = 1;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 200;
    open_two(&f, &a, &b);
    actri_server_switch(f.server, mute, &one);
    begin(&a, "w.Show", &options, &e);
    await(&e, ACTR_STATUS_TIMEOUT); /* the server says nothing */
    assert_false(e.anybody);
    lose_signaling(&f, &a);
    begin(&a, "w.Show", &options, &e);
    await(&e, ACTR_STATUS_SIGNALING_UNAVAILABLE); /* it does not come back in time */
    assert_false(e.anybody);
    actri_server_refuse_connections(f.server, false);
    close_two(&f, &a, &b);
}

static void note_found(actr_status_t status, const actr_id_t *ids, size_t count, const actr_error_t *error, void *user)
{
    ending_t *e = user;
    (void)error;
    e->status = status;
    e->anybody = count == 1;
    if (count > 0) e->answered = ids[0];
    fixture_changed(&e->s->n, &e->times);
}

/* A search that begins without a server ends with its answer once there is one again. */
static void a_search_waits_for_the_server(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e, found;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    lose_signaling(&f, &a);
    found = (ending_t){.s = &a};
    assert_ok(actr_ctx_discover_async(actr_ref_ctx(a.n.ref), &type_b, 30000, 1, note_found, &found, &error), &error);
    begin(&a, "w.Show", NULL, &e);
    actri_server_refuse_connections(f.server, false);
    await(&found, ACTR_OK);
    assert_true(actr_id_equal(&found.answered, &a.peer.id));
    await(&e, ACTR_OK);
    assert_true(actr_id_equal(&e.answered, &a.peer.id));
    close_two(&f, &a, &b);
}

/* ---- cancelled ---- */

static actr_cancel_t *new_token(scene_t *a, actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    *options = (actr_call_options_t)ACTR_CALL_OPTIONS_INIT;
    assert_ok(actr_cancel_new(actr_ref_ctx(a->n.ref), &options->cancel, &error), &error);
    return options->cancel;
}

static void it_is_cancelled_while_it_finds(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    uint32_t one = 1;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options;
    open_two(&f, &a, &b);
    actr_cancel_t *cancel = new_token(&a, &options);
    actri_server_switch(f.server, mute, &one);
    begin(&a, "w.Show", &options, &e);
    actr_cancel_all(cancel);
    await(&e, ACTR_STATUS_CANCELLED);
    assert_false(e.anybody);
    assert_status(ACTR_STATUS_CANCELLED, actr_ctx_call_type_async(actr_ref_ctx(a.n.ref), &type_b, "w.Show",
                                                                  (actr_bytes_t){"", 0}, &options, on_end, &e, &error));
    actr_cancel_release(cancel);
    assert_int_equal(e.times, 1);
    close_two(&f, &a, &b);
}

static void it_is_cancelled_while_it_calls(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    actr_call_options_t options;
    open_two(&f, &a, &b);
    actr_cancel_t *cancel = new_token(&a, &options);
    begin(&a, "w.Never", &options, &e);
    fixture_wait(&b.n, &b.count, 1);
    actr_cancel_all(cancel);
    actr_cancel_release(cancel);
    await(&e, ACTR_STATUS_CANCELLED);
    assert_true(actr_id_equal(&e.answered, &a.peer.id));
    actr_reply_release(b.held); /* too late */
    close_two(&f, &a, &b);
    assert_int_equal(e.times, 1);
}

/* From another thread, at any moment of its life. */
static void it_is_cancelled_at_any_moment(void **state)
{
    (void)state;
    enum { CALLS = 60 };
    static ending_t ends[CALLS];
    fixture_t f;
    scene_t a, b;
    actr_call_options_t options;
    open_two(&f, &a, &b);
    (void)fixture_find(&a.n, "b");
    for (unsigned i = 0; i < CALLS; i++) {
        actr_cancel_t *cancel = new_token(&a, &options);
        begin(&a, "w.Show", &options, &ends[i]);
        if (i > 0 && i % 2 == 0) fixture_wait(&a.n, &ends[i - 1].times, 1);
        actr_cancel_all(cancel);
        actr_cancel_release(cancel);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        fixture_wait(&a.n, &ends[i].times, 1);
        assert_true(ends[i].status == ACTR_OK || ends[i].status == ACTR_STATUS_CANCELLED);
    }
    close_two(&f, &a, &b);
    for (unsigned i = 0; i < CALLS; i++) assert_int_equal(ends[i].times, 1);
}

/* ---- the node goes ---- */

static void the_node_shuts_down_meanwhile(void **state)
{
    (void)state;
    static const char *const moments[] = {"the server is silent", "the server is away", "a handler has it"};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        fixture_t f;
        scene_t a, b;
        ending_t e;
        uint32_t one = 1;
        actr_call_options_t options;
        open_two(&f, &a, &b);
        actr_cancel_t *cancel = new_token(&a, &options);
        if (i == 0) actri_server_switch(f.server, mute, &one);
        if (i == 1) lose_signaling(&f, &a);
        begin(&a, "w.Never", &options, &e);
        if (i == 2) fixture_wait(&b.n, &b.count, 1);
        actr_ref_shutdown(a.n.ref);
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t ended = actr_ref_wait_for_shutdown(a.n.ref, -1, &error);
        if (i != 1) assert_status(ACTR_OK, ended); /* the server that is away confirms nothing */
        assert_int_equal(e.times, 1);
        if (e.status == ACTR_OK || e.text[0] == '\0') fail_msg("%s: %s", moments[i], actr_status_name(e.status));
        assert_status(ACTR_STATUS_SHUTTING_DOWN,
                      actr_ctx_call_type_async(actr_ref_ctx(a.n.ref), &type_b, "w.Show", (actr_bytes_t){"", 0}, NULL,
                                               on_end, &e, &error));
        actr_cancel_all(cancel); /* nobody hears it any more */
        actr_cancel_release(cancel);
        if (i == 2) actr_reply_release(b.held);
        close_two(&f, &a, &b);
        assert_int_equal(e.times, 1);
    }
}

/* A handler's context ends with it. */
static void a_handler_returns_meanwhile(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    ending_t e;
    char text[64];
    actr_error_t error = ACTR_ERROR_INIT;
    const actr_dest_t local = actr_dest_local();
    open_two(&f, &a, &b);
    e = (ending_t){.s = &a};
    a.more = &e;
    assert_ok(scene_call(&a, &local, "w.PassOn", "deep", 20000, text, &error), &error);
    assert_string_equal(text, "deep|-|-");
    close_two(&f, &a, &b);
    assert_int_equal(e.times, 1);
}

static void what_can_not_begin_says_so(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_metadata_t own[] = {{"actr-x", "1"}};
    actr_criteria_t odd = ACTR_CRITERIA_INIT;
    actr_call_options_t many = ACTR_CALL_OPTIONS_INIT, reserved = ACTR_CALL_OPTIONS_INIT,
                        strange = ACTR_CALL_OPTIONS_INIT;
    many.max_candidates = 33;
    reserved.metadata = own;
    reserved.metadata_count = 1;
    odd.worst_dependency = 4;
    strange.criteria = &odd;
    const actr_call_options_t *bad[] = {&many, &reserved, &strange};
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    for (size_t i = 0; i < 3; i++) {
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_call_type_async(ctx, &type_b, "w.E", (actr_bytes_t){"", 0},
                                                                             bad[i], on_end, NULL, &error));
    }
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_call_type_async(ctx, &type_b, "w.E", (actr_bytes_t){NULL, 1}, NULL, on_end, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_call_type_async(ctx, &type_b, "w.E", (actr_bytes_t){"", 0}, NULL, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_call_type_async(ctx, NULL, "w.E", (actr_bytes_t){"", 0}, NULL, on_end, NULL, &error));
    scene_close(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_by_type_tries_the_next_candidate),
        cmocka_unit_test(the_first_candidate_answers),
        cmocka_unit_test(the_second_candidate_answers),
        cmocka_unit_test(a_wish_about_dependencies_reaches_the_server),
        cmocka_unit_test(what_is_uncertain_is_not_tried_with_the_next),
        cmocka_unit_test(nobody_is_found),
        cmocka_unit_test(a_failure_ends_it),
        cmocka_unit_test(its_time_passes_while_it_finds),
        cmocka_unit_test(a_search_waits_for_the_server),
        cmocka_unit_test(it_is_cancelled_while_it_finds),
        cmocka_unit_test(it_is_cancelled_while_it_calls),
        cmocka_unit_test(it_is_cancelled_at_any_moment),
        cmocka_unit_test(the_node_shuts_down_meanwhile),
        cmocka_unit_test(a_handler_returns_meanwhile),
        cmocka_unit_test(what_can_not_begin_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
