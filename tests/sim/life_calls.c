/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a simulated life: each is on the books from its start to its one end. */
#include "life.h"

#include "port/clock.h"

#include <string.h>

#define LATE_NS (ACTRI_SECOND / 10)
#define ANSWER_LATE_NS (30 * ACTRI_SECOND) /* an answer is a turn: it waits for handlers that block */

static life_call_t *book(life_program_t *from, bool is_async, uint32_t timeout_ms)
{
    if (life.call_count == LIFE_CALLS) return NULL;
    life_call_t *call = &life.calls[life.call_count++];
    int64_t late = is_async ? ANSWER_LATE_NS : LATE_NS;
    *call =
        (life_call_t){.from = from, .is_async = is_async, .limit_ns = actri_now_ns() + timeout_ms * ACTRI_MS + late};
    return call;
}

static void end(life_call_t *call, actr_status_t status, const actr_error_t *error)
{
    if (call->ended) life_fail("call %ld ended twice", (long)(call - life.calls));
    if (actri_now_ns() > call->limit_ns)
        life_fail("call %ld ended too late: %s", (long)(call - life.calls), actr_status_name(status));
    if (status != ACTR_OK && (error == NULL || error->status != status || error->message[0] == '\0'))
        life_fail("call %ld failed without a word: %s", (long)(call - life.calls), actr_status_name(status));
    call->ended = true;
    life.oks += status == ACTR_OK;
    life_note("%u: call %ld ended: %s", call->from->number, (long)(call - life.calls), actr_status_name(status));
}

static actr_dest_t any_peer(const life_program_t *from)
{
    const life_program_t *to = &life.programs[rng_below(&life.rng, LIFE_PROGRAMS)];
    if (to->id.serial_number == 0) { /* not there, or not any more */
        actr_id_t stranger = {.serial_number = 900 + rng_below(&life.rng, 3), .realm = 1, .type = {"acme", "stranger"}};
        return actr_dest_actor(&stranger);
    }
    (void)from;
    return actr_dest_actor(&to->id);
}

static const char *any_route(void)
{
    static const char *const routes[] = {"w.E", "w.E", "w.E", "w.F", "w.P", "w.S", "w.D", "w.B", "w.T", "w.none"};
    return routes[rng_below(&life.rng, sizeof routes / sizeof routes[0])];
}

actr_status_t life_call_peer(life_program_t *from, actr_ctx_t *ctx, const char *route, uint32_t timeout_ms)
{
    actr_dest_t to = any_peer(from);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    life_call_t *call = book(from, false, timeout_ms);
    if (call == NULL) return ACTR_OK;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    actr_status_t status = actr_ctx_call(ctx, &to, route, (actr_bytes_t){"x", 1}, &options, &reply, &error);
    end(call, status, &error);
    actr_buf_release(reply);
    return status;
}

static void on_end(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    life_call_t *call = user;
    life_program_t *p = call->from;
    if (p->inside != NULL) life_fail("program %u: an answer inside %s", p->number, p->inside);
    if (status != ACTR_OK && reply != NULL) life_fail("a failure with a reply");
    actr_buf_release(reply);
    p->open_async--;
    end(call, status, error);
}

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    on_end(status, reply, error, user);
}

static void on_type_reply(actr_status_t status, const actr_id_t *answered, actr_buf_t *reply, const actr_error_t *error,
                          void *user)
{
    if (status == ACTR_OK && answered == NULL) life_fail("nobody answered a call by type");
    on_end(status, reply, error, user);
}

static void start_async(life_program_t *from, actr_ctx_t *ctx, const actr_dest_t *to, bool is_tell,
                        const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    life_call_t *call = book(from, true, options->timeout_ms);
    if (call == NULL) return;
    from->open_async++;
    actr_bytes_t payload = {"async", 5};
    actr_status_t status = is_tell
                               ? actr_ctx_tell_async(ctx, to, any_route(), payload, options, on_reply, call, &error)
                               : actr_ctx_call_async(ctx, to, any_route(), payload, options, on_reply, call, &error);
    if (status == ACTR_OK) return;
    from->open_async--;
    end(call, status, &error);
}

static actr_type_t any_type(void)
{
    actr_type_t type = {"acme", "life0"};
    type.name[4] = (char)('0' + rng_below(&life.rng, LIFE_PROGRAMS));
    return type;
}

static void start_call_type(life_program_t *from, actr_ctx_t *ctx, const actr_call_options_t *options)
{
    actr_type_t type = any_type();
    actr_error_t error = ACTR_ERROR_INIT;
    life_call_t *call = book(from, true, options->timeout_ms);
    if (call == NULL) return;
    from->open_async++;
    actr_status_t status =
        actr_ctx_call_type_async(ctx, &type, any_route(), (actr_bytes_t){"t", 1}, options, on_type_reply, call, &error);
    if (status == ACTR_OK) return;
    from->open_async--;
    end(call, status, &error);
}

static void call_type(life_program_t *from, actr_ctx_t *ctx, const actr_call_options_t *options)
{
    actr_type_t type = any_type();
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    life_call_t *call = book(from, false, options->timeout_ms);
    if (call == NULL) return;
    end(call, actr_ctx_call_type(ctx, &type, any_route(), (actr_bytes_t){"t", 1}, options, NULL, &reply, &error),
        &error);
    actr_buf_release(reply);
}

static void tell(life_program_t *from, actr_ctx_t *ctx, const actr_dest_t *to, const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    life_call_t *call = book(from, false, options->timeout_ms);
    if (call != NULL) end(call, actr_ctx_tell(ctx, to, any_route(), (actr_bytes_t){"n", 1}, options, &error), &error);
}

static void call_blocking(life_program_t *from, actr_ctx_t *ctx, const actr_dest_t *to,
                          const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    life_call_t *call = book(from, false, options->timeout_ms);
    if (call == NULL) return;
    end(call, actr_ctx_call(ctx, to, any_route(), (actr_bytes_t){"c", 1}, options, &reply, &error), &error);
    actr_buf_release(reply);
}

void life_call_something(life_program_t *from, actr_ctx_t *ctx)
{
    static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL}, shell = {.kind = ACTR_DEST_SHELL};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 1 + rng_below(&life.rng, rng_chance(&life.rng, 30) ? 100 : 8000);
    options.payload_type = rng_chance(&life.rng, 25) ? ACTR_RPC_SIGNAL : ACTR_RPC_RELIABLE;
    options.retry = (actr_retry_t)rng_below(&life.rng, 3);
    actr_dest_t to = any_peer(from);
    uint32_t dice = rng_below(&life.rng, 100);
    if (dice < 25) to = local;
    if (dice >= 25 && dice < 32) to = shell;
    switch (rng_below(&life.rng, 9)) {
    case 0: start_async(from, ctx, &to, true, &options); break;
    case 1:
    case 2:
    case 3: start_async(from, ctx, &to, false, &options); break;
    case 4: tell(from, ctx, &to, &options); break;
    case 5: call_type(from, ctx, &options); break;
    case 6: start_call_type(from, ctx, &options); break;
    default: call_blocking(from, ctx, &to, &options); break;
    }
}
