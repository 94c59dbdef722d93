/* SPDX-License-Identifier: Apache-2.0 */
/* Media tracks for the program, within the process: streams whose items are samples. [any-thread] */
#include "lifecycle/stream.h"

#include "lifecycle/supervise.h"
#include "port/clock.h"

#include <actr/media.h>

#define QUEUE_SAMPLES 64

static bool deliver(const actri_stream_t *stream, const actri_stream_item_t *item)
{
    const actri_stream_spec_t *spec = actri_stream_spec(stream);
    actr_node_t *node = spec->owner;
    if (item->buf == NULL) return true;
    actr_media_sample_t sample = ACTR_MEDIA_SAMPLE_INIT;
    sample.data = (actr_bytes_t){actr_buf_data(item->buf), actr_buf_size(item->buf)};
    sample.buffer = item->buf;
    sample.timestamp = (uint32_t)item->number;
    sample.type = (actr_media_type_t)item->kind;
    sample.codec = item->more == NULL ? NULL : item->more->name;
    sample.track_id = spec->id;
    sample.sender = item->from_shell ? NULL : actri_node_id(node);
    actri_arena_t arena;
    actr_ctx_t ctx;
    actri_arena_init(&arena, &node->system->env);
    actri_ctx_init(&ctx, node, NULL, "media", &arena, ACTRI_NEVER);
    ctx.is_shell = spec->space == ACTRI_SPACE_SHELL_MEDIA;
    const actr_node_t *outer = actri_node_inside(node);
    ((actr_media_fn)spec->fn)(&ctx, &sample, spec->user);
    (void)actri_node_inside(outer);
    actri_node_supervise_stream(node, &ctx);
    actri_arena_clear(&arena);
    return true;
}

static actri_stream_space_t space_of(const actr_ctx_t *ctx)
{
    return ctx != NULL && ctx->is_shell ? ACTRI_SPACE_SHELL_MEDIA : ACTRI_SPACE_WORKLOAD_MEDIA;
}

actr_status_t actr_ctx_register_media_track(actr_ctx_t *ctx, const char *track_id, actr_media_fn fn, void *user,
                                            const actr_stream_options_t *options, actr_error_t *error)
{
    actr_status_t status = actri_ctx_check_id(track_id, error);
    if (status != ACTR_OK) return status;
    actr_stream_options_t o = ACTR_STREAM_OPTIONS_INIT;
    if (options != NULL) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
    if (o.queue_chunks == 0) o.queue_chunks = QUEUE_SAMPLES;
    actri_stream_spec_t spec = {
        .space = space_of(ctx), .id = track_id, .deliver = deliver, .fn = (void (*)(void))fn, .user = user};
    return actri_ctx_register(ctx, &spec, &o, error);
}

actr_status_t actr_ctx_unregister_media_track(actr_ctx_t *ctx, const char *track_id, actr_error_t *error)
{
    actr_status_t status = actri_ctx_check_id(track_id, error);
    return status != ACTR_OK ? status : actri_ctx_unregister(ctx, space_of(ctx), track_id, error);
}

static actr_status_t push(actr_ctx_t *ctx, bool to_shell, const char *track_id, const actr_media_sample_t *sample,
                          actr_error_t *error)
{
    const actri_env_t *env = &ctx->node->system->env;
    actri_stream_item_t item = {.buf = actri_ctx_payload(ctx, sample->buffer, sample->data),
                                .number = sample->timestamp,
                                .from_shell = ctx->is_shell,
                                .lane = ACTR_MEDIA_RTP,
                                .kind = (int)sample->type};
    if (sample->codec != NULL) item.more = actri_stream_texts_new(env, sample->codec, NULL, 0);
    bool good = item.buf != NULL && (sample->codec == NULL || item.more != NULL);
    actr_status_t status = good ? ACTR_OK : actri_no_memory(error);
    actri_stream_space_t first = to_shell ? ACTRI_SPACE_SHELL_MEDIA : ACTRI_SPACE_WORKLOAD_MEDIA;
    actri_stream_space_t second = to_shell ? ACTRI_SPACE_WORKLOAD_MEDIA : ACTRI_SPACE_SHELL_MEDIA;
    if (good) status = actri_streams_push(ctx->node->streams, first, second, track_id, &item, true, 0, error);
    if (status != ACTR_OK) actri_stream_item_release(env, &item);
    return status;
}

actr_status_t actr_ctx_send_media_sample(actr_ctx_t *ctx, const actr_dest_t *dest, const char *track_id,
                                         const actr_media_sample_t *sample, actr_error_t *error)
{
    actr_media_sample_t s = ACTR_MEDIA_SAMPLE_INIT;
    if (ctx == NULL || dest == NULL || sample == NULL || sample->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, dest, sample or its struct_size is missing");
    }
    memcpy(&s, sample, sample->struct_size < sizeof s ? sample->struct_size : sizeof s);
    if (s.buffer == NULL && s.data.size > 0 && s.data.data == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the sample's data is NULL");
    }
    actr_status_t status = actri_ctx_check_id(track_id, error);
    if (status == ACTR_OK) status = actri_dest_check(dest, error);
    if (status == ACTR_OK) status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    if (dest->kind == ACTR_DEST_ACTOR && !actr_id_equal(&dest->id, actri_node_id(ctx->node))) {
        status = actri_fail(error, ACTR_STATUS_NOT_SUPPORTED,
                            "media to other actors is not there yet: tracks work within the process");
    } else {
        status = push(ctx, dest->kind == ACTR_DEST_SHELL, track_id, &s, error);
    }
    actri_node_leave(ctx->node);
    return status;
}
