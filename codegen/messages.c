/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf-c's own generator, run as a second plugin. It gets the files without their services: its stubs for them
 * would never be used, and do not compile when a method's name is a word of C or C++.
 */
#include "codegen/generate.h"

#include "codegen/names.h"
#include "codegen/text.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GENERATOR "protoc-gen-c"
#define OPTIONS_FILE "actr/options.proto" /* holds method options only: gone with the services */
#define GOOGLE "google/protobuf/"

extern char **environ;

/* ---- what to ask ---- */

/* Takes entry `at` out of an index list of protoc's, and moves those behind it. */
static void drop_index(int32_t *list, size_t *count, int32_t at)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (list[i] != at) list[kept++] = list[i] > at ? list[i] - 1 : list[i];
    }
    *count = kept;
}

/* The memory that falls out of use is the request's allocator's: the arena of main.c. */
static void narrow_file(Pb__FileDescriptor *file)
{
    file->n_service = 0;
    for (size_t i = 0; i < file->n_dependency; i++) {
        if (strcmp(file->dependency[i], OPTIONS_FILE) != 0) continue;
        for (size_t k = i + 1; k < file->n_dependency; k++) file->dependency[k - 1] = file->dependency[k];
        file->n_dependency--;
        drop_index(file->public_dependency, &file->n_public_dependency, (int32_t)i);
        drop_index(file->weak_dependency, &file->n_weak_dependency, (int32_t)i);
        return;
    }
}

/* Words that protobuf-c would leave as they are, and that do not compile. */
static void rename_words(actri_arena_t *arena, Pb__Message **messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Pb__Message *message = messages[i];
        for (size_t k = 0; k < message->n_field + message->n_oneof_decl; k++) {
            Pb__Named *named = k < message->n_field ? message->field[k] : message->oneof_decl[k - message->n_field];
            char *name = named->name == NULL ? NULL : name_field(arena, named->name);
            if (name != NULL) named->name = name;
        }
        rename_words(arena, message->nested_type, message->n_nested_type);
    }
}

static Pb__FileDescriptor *file_of(const Pb__Request *request, const char *name)
{
    for (size_t i = 0; i < request->n_proto_file; i++) {
        if (strcmp(request->proto_file[i]->name, name) == 0) return request->proto_file[i];
    }
    return NULL;
}

static bool is_listed(char **list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) return true;
    }
    return false;
}

bool messages_narrow(actri_arena_t *arena, Pb__Request *request)
{
    char **list = actri_arena_alloc(arena, (request->n_file_to_generate + request->n_proto_file) * sizeof *list);
    size_t count = request->n_file_to_generate;
    if (list == NULL) return false;
    if (count > 0) memcpy(list, request->file_to_generate, count * sizeof *list);
    for (size_t i = 0; i < request->n_proto_file; i++) {
        narrow_file(request->proto_file[i]);
        rename_words(arena, request->proto_file[i]->message_type, request->proto_file[i]->n_message_type);
    }
    for (size_t i = 0; i < count; i++) { /* the list grows while it is walked */
        const Pb__FileDescriptor *file = file_of(request, list[i]);
        for (size_t k = 0; file != NULL && k < file->n_dependency; k++) {
            char *name = file->dependency[k];
            bool wanted = strncmp(name, GOOGLE, sizeof GOOGLE - 1) == 0 && file_of(request, name) != NULL;
            if (wanted && !is_listed(list, count, name)) list[count++] = name;
        }
    }
    request->file_to_generate = list;
    request->n_file_to_generate = count;
    request->parameter = NULL;
    return !arena->failed;
}

/* ---- asking ---- */

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        data += done;
        size -= (size_t)done;
    }
    return true;
}

static bool write_request(int fd, const Pb__Request *request)
{
    size_t size = pb__request__get_packed_size(request);
    uint8_t *data = malloc(size + 1);
    bool good = data != NULL && write_all(fd, data, pb__request__pack(request, data));
    free(data);
    return good;
}

static Pb__Response *read_response(int fd)
{
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    text_t all = {.arena = &arena};
    char chunk[16384];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text_bytes(&all, chunk, (size_t)got);
    }
    Pb__Response *response =
        arena.failed ? NULL : pb__response__unpack(NULL, all.size, (const uint8_t *)(all.data != NULL ? all.data : ""));
    actri_arena_clear(&arena);
    return response;
}

/* The generator reads to the end before it writes: no need to do both at once. */
static Pb__Response *talk(pid_t child, int to, int from, const Pb__Request *request)
{
    int status = 0;
    bool asked = write_request(to, request);
    (void)close(to);
    Pb__Response *response = read_response(from);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    bool good = asked && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (good || response == NULL) return response;
    pb__response__free_unpacked(response, NULL);
    return NULL;
}

static int spawn(pid_t *child, int in, int out, int other_a, int other_b)
{
    char *arguments[] = {(char[]){GENERATOR}, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) return failed;
    failed = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (failed == 0) failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int all[] = {in, out, other_a, other_b};
    for (size_t i = 0; failed == 0 && i < 4; i++) failed = posix_spawn_file_actions_addclose(&actions, all[i]);
    if (failed == 0) failed = posix_spawnp(child, GENERATOR, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

Pb__Response *messages_ask(const Pb__Request *request, actr_error_t *error)
{
    int to[2], from[2];
    pid_t child;
    if (pipe(to) != 0) {
        (void)actri_fail_errno(error, ACTR_STATUS_IO, errno, "no pipe to " GENERATOR);
        return NULL;
    }
    if (pipe(from) != 0) {
        (void)actri_fail_errno(error, ACTR_STATUS_IO, errno, "no pipe from " GENERATOR);
        (void)close(to[0]);
        (void)close(to[1]);
        return NULL;
    }
    int failed = spawn(&child, to[0], from[1], to[1], from[0]);
    (void)close(to[0]);
    (void)close(from[1]);
    Pb__Response *response = NULL;
    if (failed != 0) {
        (void)actri_fail_errno(error, ACTR_STATUS_IO, failed,
                               GENERATOR " does not start; Debian has it in protobuf-c-compiler");
        (void)close(to[1]);
    } else if ((response = talk(child, to[1], from[0], request)) == NULL) {
        (void)actri_fail(error, ACTR_STATUS_IO, GENERATOR " failed");
    }
    (void)close(from[0]);
    return response;
}
