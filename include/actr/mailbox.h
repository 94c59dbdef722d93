/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox and dead letters: the interfaces behind which a node keeps the requests that wait for it, the two
 * implementations that ship (an SQLite file, memory), and the way to bring one's own.
 *
 * A mailbox is a queue that is left in three steps: dequeue hands a message out and hides it for a lease, the consumer
 * works, ack deletes it. A lease that ends without an ack makes the message ready again. What the mailbox accepted
 * (enqueue returned ACTR_OK and the message's outcome is ACTR_ENQUEUE_STORED) is there until it is acknowledged or
 * buried, whatever happens to the process.
 *
 * One's own: embed actr_mailbox_t (or actr_dlq_t) as the first member of a struct, point ops at a table of functions,
 * and give it to the system (actr_config_t.mailbox, .dead_letters) or use it through the functions below. Every
 * operation may be called from several threads at once. tests/conformance/mailbox_suite.h is a suite that any
 * implementation can be run against; docs/mailbox.md shows how.
 */
#ifndef ACTR_MAILBOX_H
#define ACTR_MAILBOX_H

#include <actr/config.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct actr_mailbox_ops actr_mailbox_ops_t;
typedef struct actr_dlq_ops actr_dlq_ops_t;

struct actr_mailbox {
    const actr_mailbox_ops_t *ops;
};
struct actr_dlq {
    const actr_dlq_ops_t *ops;
};

typedef enum actr_priority {
    ACTR_PRIORITY_NORMAL = 0,
    ACTR_PRIORITY_HIGH = 1,
} actr_priority_t;

/* What became of a message in enqueue. */
typedef enum actr_enqueue_outcome {
    ACTR_ENQUEUE_STORED = 0,
    ACTR_ENQUEUE_FULL = 1,     /* a limit is reached: not stored */
    ACTR_ENQUEUE_PENDING = 2,  /* a message with this key is there, not acknowledged (`id`): not stored again */
    ACTR_ENQUEUE_ANSWERED = 3, /* one was acknowledged inside the duplicate window (`id`, `reply`): not stored again */
} actr_enqueue_outcome_t;

#define ACTR_KEY_SIZE 16
#define ACTR_LEASE_FOR_EVER INT64_MAX /* as long as the mailbox stays open */

/* One message. Given to enqueue (the bytes are the caller's) or shown by dequeue (the bytes are lent for the call). */
typedef struct actr_message {
    int64_t id;                 /* set by enqueue: above 0, rises in the order of arrival, is not used again */
    actr_priority_t priority;   /* bigger is more urgent */
    uint32_t attempts;          /* times it was handed out; in dequeue: this one included */
    uint32_t redrives;          /* times it came back from the dead letters */
    bool leased;                /* enqueue: handed out at once, for ever: dequeue does not show it before a reopening */
    int64_t received_ms;        /* Unix time in ms; enqueue: 0 is now */
    int64_t deadline_ms;        /* the same; 0: none. The mailbox keeps it and does not act on it */
    actr_bytes_t sender;        /* protobuf bytes of the sender's ActrId; never decoded here, may be empty */
    actr_bytes_t payload;       /* the encoded RpcEnvelope; never decoded here, may be empty */
    actr_buf_t *buffer;         /* what payload lies in, or NULL: may be retained where a copy would be made */
    uint8_t key[ACTR_KEY_SIZE]; /* stands for (sender, request id); all zero: never taken for a duplicate */
    actr_enqueue_outcome_t outcome; /* set by enqueue */
    actr_buf_t *reply; /* set by enqueue with ANSWERED: the reply that was kept, the caller's to release; NULL: none */
    uint32_t reserved[4];
} actr_message_t;

/* The end of a message that was handled. */
typedef struct actr_ack {
    int64_t id;                 /* an unknown one is a success */
    uint8_t key[ACTR_KEY_SIZE]; /* as at enqueue: from now on a duplicate is ANSWERED; all zero: forgotten at once */
    actr_bytes_t reply;         /* kept for duplicates */
    actr_buf_t *buffer;         /* what reply lies in, or NULL */
} actr_ack_t;

/* Back into the queue. */
typedef struct actr_nack {
    int64_t id;
    int64_t delay_ms; /* 0: ready at once, in its old place */
    bool untried;     /* nobody has begun to handle it: this attempt does not count */
} actr_nack_t;

typedef struct actr_mailbox_stats {
    size_t struct_size;
    uint64_t ready, ready_high; /* dequeue would show them */
    uint64_t hidden;            /* delayed or leased */
    uint64_t bytes;             /* of senders and payloads */
    uint64_t remembered;        /* acknowledged keys inside the duplicate window */
    int64_t next_ms;            /* Unix time at which the next hidden message becomes ready; 0: none will by time */
} actr_mailbox_stats_t;

/* Sees one message; false ends the batch before the next one (this one is taken). Must not call the mailbox. */
typedef bool (*actr_take_fn)(void *user, const actr_message_t *message);

/* A message that could not be handled. All pointers are borrowed: the caller's for enqueue, lent for a query's call. */
typedef struct actr_dead_letter {
    char id[37];              /* UUID; "" in enqueue: one is made */
    actr_priority_t priority; /* of the message */
    uint32_t attempts;        /* times the message was handed out, over all its redrives */
    uint32_t redrives;        /* times it was put back into the mailbox */
    int64_t message_id;       /* in the mailbox; 0: unknown */
    int64_t created_ms;       /* Unix time in ms; 0 in enqueue: now */
    int64_t redriven_ms;      /* the last time it was put back; 0: never */
    actr_bytes_t sender, receiver, payload;
    const char *reason;     /* for people; not NULL */
    const char *category;   /* "protobuf_decode", "attempts_exhausted", ...; not NULL */
    const char *trace_id;   /* not NULL */
    const char *request_id; /* NULL: unknown */
    const char *context;    /* a JSON object; NULL: none */
} actr_dead_letter_t;

/* The message `message_id` becomes this letter. */
typedef struct actr_burial {
    int64_t message_id;
    uint8_t key[ACTR_KEY_SIZE]; /* as at enqueue: the key is forgotten */
    actr_dead_letter_t letter;  /* sender, payload, priority, redrives and, when 0, attempts are the message's */
} actr_burial_t;

/* Several things as one unit: all of it is done, or nothing. In this order. */
typedef struct actr_mailbox_group {
    const actr_burial_t *burials;
    size_t burial_count;
    const actr_ack_t *acks;
    size_t ack_count;
    const actr_nack_t *nacks;
    size_t nack_count;
    actr_message_t *messages;
    size_t message_count;
} actr_mailbox_group_t;

#define ACTR_MAILBOX_IMMEDIATE 1u /* keeps everything in memory: no operation ever waits for anything */

/*
 * What an implementation gives. An operation that fails has done nothing. Errors: MAILBOX_IO (the disk failed or is
 * full; later calls may succeed), NO_MEMORY, MAILBOX_CORRUPT, or one's own.
 */
struct actr_mailbox_ops {
    size_t struct_size;
    uint32_t flags;
    /* Stores each message that the limits and the keys admit, all in one commit; returns after it. */
    actr_status_t (*enqueue)(actr_mailbox_t *mailbox, actr_message_t *messages, size_t count, actr_error_t *error);
    /*
     * Shows up to `most` ready messages to take and hides them for lease_ms. High before Normal, in order of arrival
     * within each; but a batch, or a row of batches, leaves Normal its share. Counts the attempt. A message that
     * was handed out twice before without an end comes alone, so that one that kills its consumer kills no others.
     * *taken: how many; 0 when none is ready. Never waits.
     */
    actr_status_t (*dequeue)(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms, actr_take_fn take, void *user,
                             size_t *taken, actr_error_t *error);
    actr_status_t (*ack)(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t count, actr_error_t *error);
    /* Unknown ids succeed. */
    actr_status_t (*nack)(actr_mailbox_t *mailbox, const actr_nack_t *nacks, size_t count, actr_error_t *error);
    /* The lease ends lease_ms from now. NOT_FOUND: there is no such message, or nobody holds it. */
    actr_status_t (*extend)(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms, actr_error_t *error);
    actr_status_t (*stats)(actr_mailbox_t *mailbox, actr_mailbox_stats_t *stats, actr_error_t *error);
    void (*close)(actr_mailbox_t *mailbox);

    /* May be NULL: then the library does burials (letter, then ack), acks, nacks and messages one after the other. */
    actr_status_t (*group)(actr_mailbox_t *mailbox, const actr_mailbox_group_t *group, actr_error_t *error);
};

/* Which letters: all that is set must hold. */
typedef struct actr_dlq_filter {
    size_t struct_size;
    const char *category, *trace_id, *request_id; /* equal; NULL: any */
    actr_bytes_t sender;                          /* equal bytes; data NULL: any */
    int64_t created_after_ms, created_before_ms;  /* strictly; 0: any */
    uint32_t limit;                               /* query: most letters of this page; 0: 100 */
} actr_dlq_filter_t;

#define ACTR_DLQ_FILTER_INIT                                                                                           \
    {                                                                                                                  \
        .struct_size = sizeof(actr_dlq_filter_t)                                                                       \
    }

/* Where the next page begins. All zero: at the newest. Letters that come meanwhile do not shift it. */
typedef struct actr_dlq_page {
    int64_t created_ms, number;
} actr_dlq_page_t;

#define ACTR_DLQ_CATEGORIES 16
typedef struct actr_dlq_stats {
    size_t struct_size;
    uint64_t total, redriven; /* redriven: letters whose message had been put back before */
    uint64_t bytes;
    int64_t oldest_ms; /* 0: there is none */
    size_t category_count;
    struct {
        char name[40];
        uint64_t count;
    } categories[ACTR_DLQ_CATEGORIES]; /* the biggest ones */
} actr_dlq_stats_t;

/* Sees one letter; false ends the query. Must not call the queue. */
typedef bool (*actr_take_letter_fn)(void *user, const actr_dead_letter_t *letter);

struct actr_dlq_ops {
    size_t struct_size;
    uint32_t flags; /* 0 */
    /* Stores the letter. id (room for 37 characters, or NULL) gets its id. INVALID_ARGUMENT: the id is there already.
     */
    actr_status_t (*enqueue)(actr_dlq_t *dlq, const actr_dead_letter_t *letter, char *id, actr_error_t *error);
    /* Newest first. page is advanced; *taken below the limit: it was the last page. filter NULL: all. */
    actr_status_t (*query)(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, actr_dlq_page_t *page,
                           actr_take_letter_fn take, void *user, size_t *taken, actr_error_t *error);
    /* NOT_FOUND. */
    actr_status_t (*get)(actr_dlq_t *dlq, const char *id, actr_take_letter_fn take, void *user, actr_error_t *error);
    /*
     * Puts the letter's bytes back into the mailbox `into`, unchanged, with its sender, its priority, its attempts, one
     * more redrive and no deadline, and deletes the letter. NOT_FOUND: also the second of two. MAILBOX_FULL: the letter
     * stays. *message_id may be NULL.
     */
    actr_status_t (*redrive)(actr_dlq_t *dlq, const char *id, actr_mailbox_t *into, int64_t *message_id,
                             actr_error_t *error);
    /* An unknown id succeeds. */
    actr_status_t (*remove)(actr_dlq_t *dlq, const char *id, actr_error_t *error);
    /* Deletes what the filter names (NULL: all); its limit is not looked at. *count may be NULL. */
    actr_status_t (*purge)(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count, actr_error_t *error);
    actr_status_t (*stats)(actr_dlq_t *dlq, actr_dlq_stats_t *stats, actr_error_t *error);
    void (*close)(actr_dlq_t *dlq);
};

/* ---- what ships ---- */

typedef struct actr_store_options {
    size_t struct_size;
    const actr_allocator_t *allocator; /* NULL: libc's. (SQLite uses its own.) */
    actr_log_fn log;
    void *log_user;
    const char *path;             /* of the SQLite file; not looked at for memory */
    actr_durability_t durability; /* [full] */
    uint64_t max_messages;        /* [100,000] */
    uint64_t max_bytes;           /* [256 MiB] senders and payloads */
    uint32_t duplicate_window_ms; /* [300,000] how long an acknowledged key is remembered */
    uint32_t duplicate_entries;   /* [16,384] most of them; the oldest go first, also beyond 16 MiB of kept replies */
    uint32_t high_per_normal;     /* [8] High messages for each Normal one while both wait */
    uint32_t max_dead_letters;    /* [100,000, in memory 1,000] the oldest go first */
} actr_store_options_t;

#define ACTR_STORE_OPTIONS_INIT                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(actr_store_options_t)                                                                    \
    }

/*
 * Opens the SQLite file at options->path, made (0600) when it is missing; a file of the reference is taken over. Both
 * handles lie on the one file; it is closed when both are (letters may be NULL). One owner at a time, also among
 * processes: MAILBOX_BUSY says who holds it and since when. MAILBOX_VERSION: written by a newer libactr, left
 * untouched. MAILBOX_CORRUPT, MAILBOX_IO. What the last owner had in flight is ready again. Operations of several
 * threads share commits. [any-thread] Blocks on the disk.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_sqlite_store_open(const actr_store_options_t *options,
                                                              actr_mailbox_t **mailbox, actr_dlq_t **letters,
                                                              actr_error_t *error);
/* The same in memory: gone with the handles. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_memory_store_open(const actr_store_options_t *options,
                                                              actr_mailbox_t **mailbox, actr_dlq_t **letters,
                                                              actr_error_t *error);

/* ---- the operations, as the tables above say; NULL handles and operations that are missing give
   INVALID_ARGUMENT and NOT_SUPPORTED. [any-thread] They block as the implementation does. ---- */

/* MAILBOX_FULL when a limit kept at least one of them out: the outcomes say which; the others are stored. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_enqueue(actr_mailbox_t *mailbox, actr_message_t *messages,
                                                            size_t count, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_dequeue(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms,
                                                            actr_take_fn take, void *user, size_t *taken,
                                                            actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_ack(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t count,
                                                        actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_nack(actr_mailbox_t *mailbox, const actr_nack_t *nacks,
                                                         size_t count, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_extend(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms,
                                                           actr_error_t *error);
/* Set stats->struct_size first. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_get_stats(actr_mailbox_t *mailbox, actr_mailbox_stats_t *stats,
                                                              actr_error_t *error);
/* A group as one unit where the implementation can; letters: where burials go when it can not (may be NULL). */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_mailbox_commit(actr_mailbox_t *mailbox, actr_dlq_t *letters,
                                                           const actr_mailbox_group_t *group, actr_error_t *error);
/* NULL is a no-op. */
ACTR_API void actr_mailbox_close(actr_mailbox_t *mailbox);

ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_enqueue(actr_dlq_t *dlq, const actr_dead_letter_t *letter, char *id,
                                                        actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_query(actr_dlq_t *dlq, const actr_dlq_filter_t *filter,
                                                      actr_dlq_page_t *page, actr_take_letter_fn take, void *user,
                                                      size_t *taken, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_get(actr_dlq_t *dlq, const char *id, actr_take_letter_fn take,
                                                    void *user, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_redrive(actr_dlq_t *dlq, const char *id, actr_mailbox_t *into,
                                                        int64_t *message_id, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_remove(actr_dlq_t *dlq, const char *id, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_purge(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count,
                                                      actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_dlq_get_stats(actr_dlq_t *dlq, actr_dlq_stats_t *stats,
                                                          actr_error_t *error);
ACTR_API void actr_dlq_close(actr_dlq_t *dlq);

/* The key of a request: 16 bytes from the sender's bytes and the request id, the same on every machine. [any-thread] */
ACTR_API void actr_message_key(actr_bytes_t sender, actr_bytes_t request_id, uint8_t key[ACTR_KEY_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
