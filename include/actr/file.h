/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files over data streams: one call sends, one registration receives into a folder. The whole file is checked by
 * SHA-256; a transfer that broke goes on where it was, also after a restart of either side. Both sides are libactr's.
 */
#ifndef ACTR_FILE_H
#define ACTR_FILE_H

#include <actr/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file on its way, or its end. All of it is borrowed. */
typedef struct actr_file_progress {
    const char *name;      /* one line, UTF-8; of a name that is refused: spaces for its control characters */
    uint64_t done, size;   /* bytes */
    bool ended;            /* the last that is told of this attempt; status says how */
    actr_status_t status;  /* of the end: ACTR_OK, it is there and its checksum is right */
    const char *why;       /* of another end, for people; never NULL */
    const actr_id_t *peer; /* receiving: who sends; NULL: the program around the workload */
} actr_file_progress_t;

/* Receiving: where callbacks of streams run. Sending: on the thread that sends. False ends the transfer (CANCELLED). */
typedef bool (*actr_file_progress_fn)(const actr_file_progress_t *progress, void *user);

typedef struct actr_file_options {
    size_t struct_size;
    actr_file_progress_fn on_progress; /* may be NULL; about once a chunk */
    void *user;
    const char *name; /* sending: what the receiver calls it; NULL: the last part of the path */
    /* Sending: the longest wait without progress, 0: 15 s. Receiving: a sender that says nothing for so long loses its
       place when another wants it, 0: 5 s. */
    uint32_t timeout_ms;
    uint32_t attempts;    /* sending: that may be made in a row without progress, 0: 10 */
    uint32_t chunk_bytes; /* sending: 0: 32 KiB; at most 60000 */
    uint64_t max_size;    /* receiving: of a file, 0: 1 GiB */
    uint32_t max_files;   /* receiving: at once, 0: 16 */
    bool overwrite;       /* receiving: replace a file of that name; else it is refused */
    /* Receiving: all parts in the folder, also those left from before. A transfer counts with the size it was offered
       with. For a new one the oldest that are not being written are removed; if that is not enough it is refused. */
    uint64_t max_part_bytes; /* 0: 4 GiB, or max_size where that is more */
    uint32_t max_parts;      /* 0: 64, or max_files */
} actr_file_options_t;

#define ACTR_FILE_OPTIONS_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_file_options_t)                                                                     \
    }

/*
 * Sends the file at `path` to whoever receives on `stream_id` at dest; ACTR_OK: it is there, and its checksum is right.
 * A broken connection is made anew, and the transfer goes on. The receiver refused, or the file has changed meanwhile
 * so that its checksum is wrong: ACTR_STATUS_PERMISSION_DENIED with its reason. It has no room now, or another sends
 * that file: tried again, then ACTR_STATUS_LIMIT_REACHED. The file can not be read, or is no regular file:
 * ACTR_STATUS_IO. A receiver that has started again is another actor: discover it, and send again. options may be NULL.
 * On the thread where the receiver's answers would come (ACTR_AFFINITY_THREAD in a handler, ACTR_AFFINITY_LOOP):
 * ACTR_STATUS_WOULD_DEADLOCK. [any-thread, not-from-callback] Blocks as long as there is progress.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_file_send(actr_ctx_t *ctx, const actr_dest_t *dest, const char *stream_id,
                                                      const char *path, const actr_file_options_t *options,
                                                      actr_error_t *error);

/*
 * Receives files on the stream `stream_id` into `folder`, which must exist. A name is the sender's wish: one with a
 * slash, a control character or a dot at the front is refused, and so is one that is taken (unless `overwrite`) by a
 * different file. A file comes with mode 0600; parts that are not complete, ".SHA256.part", stay for a transfer that
 * goes on, within max_part_bytes and max_parts. Files are hashed in slices, between which other streams are served.
 * options may be NULL. The ACL of the node says who may send. [any-thread]
 */
typedef struct actr_file_receiver actr_file_receiver_t;
ACTR_API ACTR_MUST_CHECK actr_status_t actr_file_receive(actr_ctx_t *ctx, const char *stream_id, const char *folder,
                                                         const actr_file_options_t *options,
                                                         actr_file_receiver_t **receiver, actr_error_t *error);
/*
 * Receives no more; waits for a callback that runs. ctx is any of that node's. While the node shuts down it waits for
 * the end of that. NULL is a no-op. [not-from-callback]
 */
ACTR_API void actr_file_receiver_free(actr_ctx_t *ctx, actr_file_receiver_t *receiver);

/* Since the receiver began. */
typedef struct actr_file_stats {
    size_t struct_size;
    uint64_t received; /* files that are there, also those that were there already */
    uint64_t refused;
    uint64_t broken;        /* whose sender went, or this node; they may go on */
    uint64_t parts_removed; /* to make room for newer ones */
    uint32_t receiving;     /* now */
} actr_file_stats_t;
#define ACTR_FILE_STATS_INIT                                                                                           \
    {                                                                                                                  \
        .struct_size = sizeof(actr_file_stats_t)                                                                       \
    }
/* [any-thread] */
ACTR_API void actr_file_receiver_stats(const actr_file_receiver_t *receiver, actr_file_stats_t *out);

#ifdef __cplusplus
}
#endif
#endif
