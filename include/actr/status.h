/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status codes and error detail.
 *
 * Every function of libactr that can fail returns an actr_status_t: 0 (ACTR_OK) is success, a
 * negative number is an error, grouped by the layer that found it. Functions also take an optional
 * actr_error_t that says what failed, where, and what to do about it; NULL is allowed everywhere.
 */
#ifndef ACTR_STATUS_H
#define ACTR_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ACTR_MUST_CHECK __attribute__((warn_unused_result))
#define ACTR_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define ACTR_API __attribute__((visibility("default")))
#else
#define ACTR_MUST_CHECK
#define ACTR_PRINTF(format_index, first)
#define ACTR_API
#endif

typedef enum actr_status {
    ACTR_OK = 0,
    ACTR_DEFERRED = 1, /* a handler's word only: the reply comes later */

    /* general */
    ACTR_STATUS_NO_MEMORY = -1,
    ACTR_STATUS_INVALID_ARGUMENT = -2,
    ACTR_STATUS_INVALID_STATE = -3, /* the object is not in a state that allows this */
    ACTR_STATUS_TIMEOUT = -4,
    ACTR_STATUS_CANCELLED = -5,
    ACTR_STATUS_SHUTTING_DOWN = -6,
    ACTR_STATUS_LIMIT_REACHED = -7, /* a bounded queue or table is full; try again later */
    ACTR_STATUS_NOT_FOUND = -8,
    ACTR_STATUS_NOT_SUPPORTED = -9,
    ACTR_STATUS_INTERNAL = -10,
    ACTR_STATUS_IO = -11, /* file or socket error, the message has errno's text */

    /* config */
    ACTR_STATUS_CONFIG_SYNTAX = -20,  /* not TOML */
    ACTR_STATUS_CONFIG_INVALID = -21, /* TOML, but a value is missing or wrong */
    ACTR_STATUS_INVALID_NAME = -22,   /* a manufacturer, name, type, id or URI text */

    /* signaling */
    ACTR_STATUS_SIGNALING_UNAVAILABLE = -30, /* the server can not be reached */
    ACTR_STATUS_SIGNALING_REJECTED = -31,    /* the server answered with an error */
    ACTR_STATUS_SIGNALING_PROTOCOL = -32,    /* the server's answer makes no sense */
    ACTR_STATUS_TARGET_NOT_FOUND = -33,      /* discovery found no such actor */

    /* wire and transport */
    ACTR_STATUS_UNAVAILABLE = -40,        /* the peer can not be reached, or has gone */
    ACTR_STATUS_DELIVERY_UNCERTAIN = -41, /* sent, and the peer went before it answered */
    ACTR_STATUS_TOO_LARGE = -42,          /* one message is above 65535 bytes */
    ACTR_STATUS_WOULD_BLOCK = -43,
    ACTR_STATUS_WIRE_PROTOCOL = -44, /* the peer's bytes make no sense (SDP, DTLS, SCTP, DCEP) */

    /* dispatch */
    ACTR_STATUS_UNKNOWN_ROUTE = -50,
    ACTR_STATUS_PERMISSION_DENIED = -51,
    ACTR_STATUS_DECODE = -52,        /* a message does not decode */
    ACTR_STATUS_HANDLER_ERROR = -53, /* the handler of the peer reported an error */
    ACTR_STATUS_HANDLER_PANIC = -54, /* the handler of the peer gave up (actr_ctx_panic) */
    ACTR_STATUS_WOULD_DEADLOCK = -55,
    ACTR_STATUS_REMOTE = -56, /* an error reply whose code has no nearer kind; see remote_code */

    /* mailbox */
    ACTR_STATUS_MAILBOX_FULL = -60,
    ACTR_STATUS_MAILBOX_BUSY = -61,    /* another process owns the file */
    ACTR_STATUS_MAILBOX_CORRUPT = -62, /* the file is no mailbox, or is damaged */
    ACTR_STATUS_MAILBOX_IO = -63,      /* the disk failed or is full */
    ACTR_STATUS_MAILBOX_VERSION = -64, /* written by a newer libactr */

    /* contracts */
    ACTR_STATUS_PROTO_SYNTAX = -70,      /* a .proto file does not parse */
    ACTR_STATUS_PROTO_UNSUPPORTED = -71, /* parses, but has no fingerprint or no code */
} actr_status_t;

#define ACTR_ERROR_MESSAGE_SIZE 400

/* Detail of one failure. The layout is frozen. Plain data: copy it, forget it, nothing to free. */
typedef struct actr_error {
    actr_status_t status;
    uint32_t
        remote_code; /* it is a peer's answer: ErrorResponse.code of its reply, or for its end of a stream; else 0 */
    int32_t system_errno; /* errno of a system call, else 0 */
    uint32_t reserved[5];
    char message[ACTR_ERROR_MESSAGE_SIZE]; /* one line, UTF-8, never empty after a failure */
} actr_error_t;

#define ACTR_ERROR_INIT                                                                                                \
    {                                                                                                                  \
        ACTR_OK, 0, 0, {0},                                                                                            \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

/* The name of a status, "ACTR_STATUS_TIMEOUT". Static; never NULL. [any-thread] */
ACTR_API const char *actr_status_name(actr_status_t status);

/* One sentence for people, "the time limit passed". Static; never NULL. [any-thread] */
ACTR_API const char *actr_status_str(actr_status_t status);

/* error's message, or the sentence of its status when it has none; "" for NULL. [any-thread] */
ACTR_API const char *actr_error_message(const actr_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
