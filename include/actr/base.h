/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every other header needs: version, memory and log hooks, bytes, buffers, identity.
 */
#ifndef ACTR_BASE_H
#define ACTR_BASE_H

#include <actr/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTR_VERSION_MAJOR 0
#define ACTR_VERSION_MINOR 1
#define ACTR_VERSION_PATCH 0
#define ACTR_VERSION_STRING "0.1.0"
#define ACTR_VERSION_NUMBER (ACTR_VERSION_MAJOR * 1000000 + ACTR_VERSION_MINOR * 1000 + ACTR_VERSION_PATCH)

/* The version of the library that is loaded, as ACTR_VERSION_NUMBER counts. [any-thread] */
ACTR_API int actr_version_number(void);
/* The same as text, "0.1.0". Static. [any-thread] */
ACTR_API const char *actr_version(void);

/*
 * Memory. Every allocation that libactr makes for a system passes through the hook in the system's
 * configuration. (Libraries beneath it, OpenSSL and SQLite among them, use their own.) `resize` follows
 * realloc: a NULL pointer allocates; on failure the old block stays valid. Called from any thread.
 */
typedef struct actr_allocator {
    void *(*allocate)(size_t size, void *user);
    void *(*resize)(void *block, size_t size, void *user);
    void (*release)(void *block, void *user);
    void *user;
} actr_allocator_t;

typedef enum actr_log_level {
    ACTR_LOG_ERROR = 1,
    ACTR_LOG_WARN = 2,
    ACTR_LOG_INFO = 3,
    ACTR_LOG_DEBUG = 4,
    ACTR_LOG_TRACE = 5,
} actr_log_level_t;

/*
 * Receives one line without line end. `area` names the part ("wire", "signaling", ...). Called from
 * any thread, also from several at once; must not call back into libactr and should not block.
 */
typedef void (*actr_log_fn)(actr_log_level_t level, const char *area, const char *line, void *user);

/* Borrowed bytes: whoever hands them over says how long they live. data may be NULL when size is 0. */
typedef struct actr_bytes {
    const void *data;
    size_t size;
} actr_bytes_t;

/* An immutable, reference-counted block of bytes (a reply, a payload). [any-thread] */
typedef struct actr_buf actr_buf_t;

ACTR_API const void *actr_buf_data(const actr_buf_t *buf);
ACTR_API size_t actr_buf_size(const actr_buf_t *buf);
/* A buffer with a copy of bytes, in memory of libc; the caller releases it. NULL when memory is out. */
ACTR_API actr_buf_t *actr_buf_copy(actr_bytes_t bytes);
/* One more reference; returns buf. */
ACTR_API actr_buf_t *actr_buf_retain(actr_buf_t *buf);
/* Gives one reference back; NULL is a no-op. */
ACTR_API void actr_buf_release(actr_buf_t *buf);

/* How a message travels (options.proto of the reference). The numbers are on the wire. */
typedef enum actr_payload_type {
    ACTR_RPC_RELIABLE = 0,
    ACTR_RPC_SIGNAL = 1, /* stored with high priority by the receiver */
    ACTR_STREAM_RELIABLE = 2,
    ACTR_STREAM_LATENCY_FIRST = 3, /* unordered, given up after three retransmissions */
    ACTR_MEDIA_RTP = 4,
} actr_payload_type_t;

#define ACTR_NAME_MAX 32 /* bytes of a manufacturer or a name, without the final zero */

/* An actor's type: who made it and what it is. */
typedef struct actr_type {
    char manufacturer[ACTR_NAME_MAX + 1];
    char name[ACTR_NAME_MAX + 1];
} actr_type_t;

/* An actor's identity, given by the signaling server at registration. Plain data. */
typedef struct actr_id {
    uint64_t serial_number;
    uint32_t realm;
    actr_type_t type;
} actr_id_t;

#define ACTR_TYPE_TEXT_SIZE (2 * ACTR_NAME_MAX + 2)                   /* "manufacturer+name" */
#define ACTR_ID_TEXT_SIZE (16 + 1 + 10 + 1 + ACTR_TYPE_TEXT_SIZE + 1) /* "1a2b@101:acme+echo" */

/* "acme+echo". Accepts '+' and ':' as separator. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_type_parse(const char *text, actr_type_t *out, actr_error_t *error);
/* Writes "acme+echo" into text; returns text. [any-thread] */
ACTR_API const char *actr_type_print(const actr_type_t *type, char text[ACTR_TYPE_TEXT_SIZE]);
/* "1a2b@101:acme+echo" (serial in hexadecimal), or the older "acme:echo@1a2b:101". [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_id_parse(const char *text, actr_id_t *out, actr_error_t *error);
/* Writes "1a2b@101:acme+echo" into text; returns text. [any-thread] */
ACTR_API const char *actr_id_print(const actr_id_t *id, char text[ACTR_ID_TEXT_SIZE]);
/* True when realm, serial number and type are equal. [any-thread] */
ACTR_API bool actr_id_equal(const actr_id_t *a, const actr_id_t *b);

#ifdef __cplusplus
}
#endif
#endif
