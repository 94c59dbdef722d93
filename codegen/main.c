/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protoc-gen-actr: protoc's request on standard input, its response on standard output. What is wrong with a .proto
 * goes into the response, so that protoc prints it. One thread; everything lives in one arena until the end.
 */
#include "codegen/generate.h"

#include "codegen/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FEATURE_PROTO3_OPTIONAL 1

static void *allocate(void *arena, size_t size)
{
    return actri_arena_alloc(arena, size);
}

static void release(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

static Pb__Request *read_request(actri_arena_t *arena)
{
    text_t all = {.arena = arena};
    char chunk[16384];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0) text_bytes(&all, chunk, got);
    ProtobufCAllocator allocator = {allocate, release, arena};
    if (ferror(stdin) || all.data == NULL) return NULL;
    return pb__request__unpack(&allocator, all.size, (const uint8_t *)all.data);
}

static bool write_response(actri_arena_t *arena, const Pb__Response *response)
{
    size_t size = pb__response__get_packed_size(response);
    uint8_t *data = actri_arena_alloc(arena, size);
    if (data == NULL) return false;
    size = pb__response__pack(response, data);
    return fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0;
}

/* protobuf-c's files behind ours. */
static bool add_messages(actri_arena_t *arena, Pb__Request *request, Pb__Response *response, Pb__Response **theirs,
                         actr_error_t *error)
{
    if (!messages_narrow(arena, request)) return actri_no_memory(error) == ACTR_OK;
    *theirs = messages_ask(request, error);
    if (*theirs == NULL) return false;
    if ((*theirs)->error != NULL) {
        (void)actri_fail(error, ACTR_STATUS_PROTO_UNSUPPORTED, "protoc-gen-c: %s", (*theirs)->error);
        return false;
    }
    size_t ours = response->n_file, count = (*theirs)->n_file;
    Pb__Response__File **all = actri_arena_alloc(arena, (ours + count + 1) * sizeof(Pb__Response__File *));
    if (all == NULL) return actri_no_memory(error) == ACTR_OK;
    if (ours > 0) memcpy(all, response->file, ours * sizeof(Pb__Response__File *));
    if (count > 0) memcpy(all + ours, (*theirs)->file, count * sizeof(Pb__Response__File *));
    response->file = all;
    response->n_file = ours + count;
    return true;
}

static int run(actri_arena_t *arena)
{
    actr_error_t error = ACTR_ERROR_INIT;
    generate_options_t options;
    Pb__Response response, *theirs = NULL;
    pb__response__init(&response);
    response.has_supported_features = 1;
    response.supported_features = FEATURE_PROTO3_OPTIONAL;
    Pb__Request *request = read_request(arena);
    if (request == NULL) {
        (void)fprintf(stderr,
                      "protoc-gen-actr: no CodeGeneratorRequest on standard input; protoc --actr_out=DIR runs me\n");
        return 1;
    }
    if (!generate_parse(request->parameter, &options, &error) ||
        !generate_services(arena, request, &response, &error) ||
        (options.messages && !add_messages(arena, request, &response, &theirs, &error))) {
        response.error = error.message;
        response.n_file = 0;
    }
    bool written = write_response(arena, &response);
    if (theirs != NULL) pb__response__free_unpacked(theirs, NULL);
    if (!written) (void)fprintf(stderr, "protoc-gen-actr: the response could not be written\n");
    return written ? 0 : 1;
}

static const char help[] =
    "protoc-gen-actr makes typed services of libactr from .proto files. protoc runs it:\n\n"
    "  protoc --actr_out=DIR FILE.proto            FILE.actr.h and FILE.actr.c, beside those of protoc-c\n"
    "  protoc --actr_out=messages:DIR FILE.proto   FILE.pb-c.h and FILE.pb-c.c too (runs protoc-gen-c)\n\n"
    "`actr gen` and CMake's actr_generate() do the second.\n";

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        (void)printf("protoc-gen-actr %s\n", ACTR_VERSION_STRING);
        return 0;
    }
    if (argc > 1) {
        bool asked = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        (void)fputs(help, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a generator that dies is an error of write */
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    int status = run(&arena);
    actri_arena_clear(&arena);
    return status;
}
