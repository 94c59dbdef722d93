/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/admin.h"

#include "port/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define AREA "admin"
#define LINE_MS 5000

struct actri_admin {
    const actri_env_t *env;
    const actri_admin_command_t *commands;
    void *user;
    char *path;
    int listener, stop; /* stop: an eventfd */
    actri_thread_t thread;
    bool running;
    char request[ACTRI_ADMIN_REQUEST], members[ACTRI_ADMIN_REPLY - 64], reply[ACTRI_ADMIN_REPLY];
};

/* ---- addresses ---- */

/* A socket's name has room for 107 bytes; a folder of any length is reached through its descriptor. */
typedef struct address {
    struct sockaddr_un name;
    int folder; /* to be closed; -1: none */
} address_t;

static actr_status_t make_address(const char *path, address_t *out, actr_error_t *error)
{
    memset(out, 0, sizeof *out);
    out->folder = -1;
    out->name.sun_family = AF_UNIX;
    if (strlen(path) < sizeof out->name.sun_path) {
        (void)snprintf(out->name.sun_path, sizeof out->name.sun_path, "%s", path);
        return ACTR_OK;
    }
    const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
    char folder[4096];
    int length = slash == NULL ? 0 : (int)(slash - path);
    if (length == 0 || (size_t)length >= sizeof folder || strlen(base) > 80) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s is too long for a socket", path);
    }
    (void)snprintf(folder, sizeof folder, "%.*s", length, path);
    out->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (out->folder < 0) return actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be opened", folder);
    (void)snprintf(out->name.sun_path, sizeof out->name.sun_path, "/proc/self/fd/%d/%.80s", out->folder, base);
    return ACTR_OK;
}

static void free_address(address_t *address)
{
    if (address->folder >= 0) (void)close(address->folder);
}

/* ---- lines ---- */

/* True when fd can be read in time and nobody said stop. */
static bool wait_readable(int fd, int stop, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    int count;
    do {
        count = poll(fds, stop >= 0 ? 2 : 1, timeout_ms);
    } while (count < 0 && errno == EINTR);
    return count > 0 && fds[1].revents == 0 && fds[0].revents != 0;
}

/* Reads up to a line end, which is taken off; false when there is none in time, or no room. */
static bool read_line(int fd, int stop, char *line, size_t size)
{
    size_t used = 0;
    while (used < size - 1) {
        if (!wait_readable(fd, stop, LINE_MS)) return false;
        ssize_t count = recv(fd, line + used, size - 1 - used, 0);
        if (count <= 0) return false;
        used += (size_t)count;
        line[used] = '\0';
        char *end = memchr(line, '\n', used);
        if (end == NULL) continue;
        *end = '\0';
        return strlen(line) == (size_t)(end - line); /* no zero in it */
    }
    return false;
}

static bool write_all(int fd, const char *text, size_t size)
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

/* ---- the server ---- */

static int split(char *line, const char *words[ACTRI_ADMIN_WORDS + 1])
{
    int count = 0;
    char *at = line;
    while (at != NULL && count <= ACTRI_ADMIN_WORDS) {
        words[count++] = at;
        at = strchr(at, '\t');
        if (at != NULL) *at++ = '\0';
    }
    return at == NULL ? count : -1;
}

static actr_status_t run_line(actri_admin_t *admin, actr_error_t *error)
{
    const char *words[ACTRI_ADMIN_WORDS + 1];
    int count = split(admin->request, words);
    admin->members[0] = '\0';
    if (count < 0) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "too many arguments");
    for (const actri_admin_command_t *command = admin->commands; command->name != NULL; command++) {
        if (strcmp(command->name, words[0]) != 0) continue;
        if (count - 1 < command->least || count - 1 > command->most) {
            return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s takes %d to %d arguments", command->name,
                              command->least, command->most);
        }
        return command->run(admin->user, count - 1, words + 1, admin->members, sizeof admin->members, error);
    }
    return actri_fail(error, ACTR_STATUS_NOT_FOUND, "there is no such command");
}

/* JSON text without its quotes; what is no printable ASCII becomes '?'. */
static void escape(const char *text, char *out, size_t size)
{
    size_t at = 0;
    for (; *text != '\0' && at + 3 < size; text++) {
        if (*text == '"' || *text == '\\') out[at++] = '\\';
        out[at++] = *text >= ' ' && *text < 0x7f ? *text : '?';
    }
    out[at] = '\0';
}

static void answer(actri_admin_t *admin, int fd)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = run_line(admin, &error);
    char text[2 * ACTR_ERROR_MESSAGE_SIZE];
    int size;
    if (status >= 0) {
        size = snprintf(admin->reply, sizeof admin->reply, "{\"ok\":true%s%s}\n", admin->members[0] != '\0' ? "," : "",
                        admin->members);
    } else {
        escape(actr_error_message(&error), text, sizeof text);
        size = snprintf(admin->reply, sizeof admin->reply, "{\"ok\":false,\"status\":\"%s\",\"error\":\"%s\"}\n",
                        actr_status_name(status), text);
    }
    (void)write_all(fd, admin->reply, (size_t)size);
}

static bool is_same_user(int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && (who.uid == geteuid() || who.uid == 0);
}

static void run(void *argument)
{
    actri_admin_t *admin = argument;
    while (wait_readable(admin->listener, admin->stop, -1)) {
        int fd = accept4(admin->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        struct timeval limit = {.tv_sec = LINE_MS / 1000};
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (!is_same_user(fd)) {
            actri_warn(admin->env, AREA, "a process of another user was turned away");
        } else {
            while (read_line(fd, admin->stop, admin->request, sizeof admin->request)) answer(admin, fd);
        }
        (void)close(fd);
    }
}

static actr_status_t listen_at(actri_admin_t *admin, actr_error_t *error)
{
    address_t address;
    actr_status_t status = make_address(admin->path, &address, error);
    if (status != ACTR_OK) return status;
    (void)unlink(admin->path); /* of a node that is no more: whoever opens holds the mailbox's lock */
    admin->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* the mode of the descriptor is what bind gives the file: it is never open to others */
    bool good = admin->listener >= 0 && fchmod(admin->listener, 0600) == 0 &&
                bind(admin->listener, (const struct sockaddr *)&address.name, sizeof address.name) == 0 &&
                chmod(admin->path, 0600) == 0 && listen(admin->listener, 8) == 0;
    if (!good) status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be listened at", admin->path);
    free_address(&address);
    return status;
}

actr_status_t actri_admin_open(const actri_env_t *env, const char *path, const actri_admin_command_t *commands,
                               void *user, actri_admin_t **out, actr_error_t *error)
{
    actri_admin_t *admin = actri_zalloc(env, sizeof *admin);
    if (admin == NULL) return actri_no_memory(error);
    admin->env = env;
    admin->commands = commands;
    admin->user = user;
    admin->listener = -1;
    admin->stop = eventfd(0, EFD_CLOEXEC);
    admin->path = actri_strdup(env, path);
    actr_status_t status = ACTR_OK;
    if (admin->path == NULL) status = actri_no_memory(error);
    if (status == ACTR_OK && admin->stop < 0) status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "no event");
    if (status == ACTR_OK) status = listen_at(admin, error);
    if (status == ACTR_OK) status = actri_thread_start(&admin->thread, "actr-admin", run, admin, error);
    admin->running = status == ACTR_OK;
    if (status != ACTR_OK) {
        actri_admin_close(admin);
        return status;
    }
    *out = admin;
    return ACTR_OK;
}

void actri_admin_close(actri_admin_t *admin)
{
    if (admin == NULL) return;
    uint64_t one = 1;
    if (admin->running) {
        if (write(admin->stop, &one, sizeof one) < 0) actri_error(admin->env, AREA, "no wake-up");
        actri_thread_join(&admin->thread);
    }
    if (admin->listener >= 0) {
        (void)unlink(admin->path);
        (void)close(admin->listener);
    }
    if (admin->stop >= 0) (void)close(admin->stop);
    actri_free(admin->env, admin->path);
    actri_free(admin->env, admin);
}

/* ---- the client ---- */

static actr_status_t exchange(int fd, const char *request, char *reply, size_t size, actr_error_t *error)
{
    if (!write_all(fd, request, strlen(request)) || !write_all(fd, "\n", 1) || !read_line(fd, -1, reply, size)) {
        return actri_fail(error, ACTR_STATUS_IO, "the node does not answer");
    }
    return ACTR_OK;
}

actr_status_t actri_admin_ask(const char *path, const char *request, char *reply, size_t size, actr_error_t *error)
{
    address_t address;
    actr_status_t status = make_address(path, &address, error);
    if (status != ACTR_OK) return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "no socket");
    } else if (connect(fd, (const struct sockaddr *)&address.name, sizeof address.name) != 0) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        status = actri_fail_errno(error, nobody ? ACTR_STATUS_NOT_FOUND : ACTR_STATUS_IO, errno, "%s", path);
    } else {
        status = exchange(fd, request, reply, size, error);
    }
    if (fd >= 0) (void)close(fd);
    free_address(&address);
    return status;
}
