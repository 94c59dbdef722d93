/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the admin socket of a mailbox: any bytes as what a client writes, line by line. Each whole line gets one
 * answer, which is JSON and says whether it was done; one with a zero in it, or without end, is hung up on. What is
 * deleted is everything only when no filter was given. The mailbox is a stand-in.
 */
#include "mailbox/mailbox_admin.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LONGEST (ACTRI_ADMIN_REQUEST - 1) /* with its end */

static char folder[64];
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static actri_admin_t *admin;
static const char *line_now; /* what was sent last; the answer to it has not come yet */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_admin: %s\n", what);
    abort();
}

/* ---- the mailbox ---- */

void actri_mailbox_stats(actri_mailbox_t *mailbox, actri_mailbox_stats_t *out)
{
    (void)mailbox;
    memset(out, 0x7f, sizeof *out);
}

actr_dlq_t *actri_mailbox_letters(actri_mailbox_t *mailbox)
{
    (void)mailbox;
    return NULL;
}

actr_mailbox_t *actri_mailbox_store(actri_mailbox_t *mailbox)
{
    (void)mailbox;
    return NULL;
}

void actri_mailbox_look(actri_mailbox_t *mailbox)
{
    (void)mailbox;
}

static actr_status_t find(const char *id, actr_error_t *error)
{
    return id[0] == 'a' ? ACTR_OK : actri_fail(error, ACTR_STATUS_NOT_FOUND, "there is no letter %s", id);
}

actr_status_t actr_dlq_redrive(actr_dlq_t *dlq, const char *letter_id, actr_mailbox_t *mailbox, int64_t *message_id,
                               actr_error_t *error)
{
    (void)dlq;
    (void)mailbox;
    *message_id = INT64_MIN;
    return find(letter_id, error);
}

actr_status_t actr_dlq_remove(actr_dlq_t *dlq, const char *letter_id, actr_error_t *error)
{
    (void)dlq;
    return find(letter_id, error);
}

actr_status_t actr_dlq_purge(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count, actr_error_t *error)
{
    (void)dlq;
    (void)error;
    bool everything = filter->category == NULL && filter->trace_id == NULL && filter->request_id == NULL &&
                      filter->created_after_ms == 0 && filter->created_before_ms == 0;
    demand(everything == (strcmp(__atomic_load_n(&line_now, __ATOMIC_SEQ_CST), "dlq.purge") == 0),
           "everything is deleted, and was not asked for");
    demand(filter->sender.data == NULL && filter->limit == 0, "a filter that nobody gave");
    *count = INT64_MAX;
    return ACTR_OK;
}

/* ---- the client ---- */

static void clean_up(void)
{
    actri_admin_close(admin);
    (void)rmdir(folder);
}

/* Once a process. */
static void open_admin(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (admin != NULL) return;
    (void)snprintf(folder, sizeof folder, "/tmp/actr-fuzz-XXXXXX");
    demand(mkdtemp(folder) != NULL && atexit(clean_up) == 0, "no folder");
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.60s/sock", folder);
    demand(actri_admin_open(NULL, address.sun_path, actri_mailbox_commands, NULL, &admin, &error) == ACTR_OK,
           "it does not open");
}

static int connect_to_it(void)
{
    struct timeval limit = {.tv_sec = 8}; /* it gives a line 5 */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "no socket");
    demand(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0, "nobody listens");
    return fd;
}

/* False: it has hung up already. */
static bool send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, text, size, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        text += count;
        size -= (size_t)count;
    }
    return true;
}

/* Bytes up to the line's end; 0: it hung up. */
static size_t receive_line(int fd, char reply[ACTRI_ADMIN_REPLY])
{
    size_t used = 0;
    while (used == 0 || reply[used - 1] != '\n') {
        ssize_t count = recv(fd, reply + used, ACTRI_ADMIN_REPLY - used, 0);
        if (count < 0 && errno == EINTR) continue; /* libFuzzer's alarm */
        demand(count >= 0 || errno == ECONNRESET, "no answer in time");
        if (count <= 0) return 0;
        used += (size_t)count;
    }
    return used;
}

static void look_at_reply(const char *reply, size_t size)
{
    json_t *answer = json_loadb(reply, size, 0, NULL), *ok = json_object_get(answer, "ok");
    demand(json_is_boolean(ok), "an answer that is none");
    demand(json_is_true(ok) ||
               (json_is_string(json_object_get(answer, "error")) && json_is_string(json_object_get(answer, "status"))),
           "a failure without words");
    json_decref(answer);
}

/* Sends one line; false: it has hung up. */
static bool exchange(int fd, const char *text, size_t size, bool whole)
{
    char reply[ACTRI_ADMIN_REPLY];
    bool fits = whole && size <= LONGEST && memchr(text, '\0', size) == NULL;
    char *line = strndup(text, size);
    demand(line != NULL, "memory");
    if (whole && fits) line[size - 1] = '\0';
    __atomic_store_n(&line_now, line, __ATOMIC_SEQ_CST);
    if (send_all(fd, text, size) && !whole) (void)shutdown(fd, SHUT_WR);
    size_t got = receive_line(fd, reply);
    demand((got > 0) == fits, "a line without an answer, or an answer to none");
    if (got > 0) look_at_reply(reply, got);
    free(line);
    return got > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    open_admin();
    int fd = connect_to_it();
    bool open = true;
    while (open && size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end == NULL ? size : (size_t)(end - text) + 1;
        open = exchange(fd, text, length, end != NULL);
        text += length;
        size -= length;
    }
    (void)close(fd);
    return 0;
}
