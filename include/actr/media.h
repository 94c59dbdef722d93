/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media tracks: samples of audio and video, delivered to the callback that is registered for the track, in order, never
 * behind a handler. Within the process; to other actors they come with the wire's media (ACTR_STATUS_NOT_SUPPORTED).
 */
#ifndef ACTR_MEDIA_H
#define ACTR_MEDIA_H

#include <actr/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum actr_media_type {
    ACTR_MEDIA_AUDIO = 0,
    ACTR_MEDIA_VIDEO = 1,
} actr_media_type_t;

/* One sample, to be sent or as the callback sees it. In the callback all of it is borrowed until it returns. */
typedef struct actr_media_sample {
    size_t struct_size;
    actr_bytes_t data;
    actr_buf_t *buffer; /* to send: instead of data, if not NULL; received: what data lies in */
    uint32_t timestamp; /* RTP's, in the codec's clock */
    actr_media_type_t type;
    const char *codec; /* "VP8", "OPUS"; NULL: not said */
    /* the rest: only to the callback */
    const char *track_id;
    const actr_id_t *sender; /* NULL: the program around the workload */
} actr_media_sample_t;

#define ACTR_MEDIA_SAMPLE_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_media_sample_t)                                                                     \
    }

/* Takes a sample; one at a time for a track, on a thread of the library, as actr_stream_fn. */
typedef void (*actr_media_fn)(actr_ctx_t *ctx, const actr_media_sample_t *sample, void *user);

/*
 * Registers the callback of a track. Ids, sides, errors and threads are those of streams (actr_ctx_register_stream), in
 * a space of their own; there is no callback for all others. A full queue (options: queue_chunks, 0: 64) drops samples
 * as `overflow` says. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_register_media_track(actr_ctx_t *ctx, const char *track_id,
                                                                     actr_media_fn fn, void *user,
                                                                     const actr_stream_options_t *options,
                                                                     actr_error_t *error);
/* As actr_ctx_unregister_stream. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_unregister_media_track(actr_ctx_t *ctx, const char *track_id,
                                                                       actr_error_t *error);

/*
 * Sends a sample; never waits. In the process it is queued, by reference if it came as a buffer. Nobody registered the
 * track: ACTR_STATUS_NOT_FOUND. Another actor: ACTR_STATUS_NOT_SUPPORTED. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_send_media_sample(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                                  const char *track_id,
                                                                  const actr_media_sample_t *sample,
                                                                  actr_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
