/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's inside without protoc: memory that runs out, requests that are not whole, what protoc-gen-c is asked. */
#include "check.h"
#include "oom.h"

#include "codegen/generate.h"

#include <string.h>

/* One file with a service of two methods whose snake names collide. */
typedef struct fixture {
    Pb__Request request;
    Pb__FileDescriptor file, other;
    Pb__Message message;
    Pb__Service service;
    Pb__Method methods[2];
    Pb__FileDescriptor *files[2];
    Pb__Message *messages[1];
    Pb__Service *services[1];
    Pb__Method *method_list[2];
    char *names[1], *dependencies[3];
    int32_t public[1];
    char text[200];
} fixture_t;

static char *word(fixture_t *f, const char *text)
{
    char *at = f->text;
    while (*at != '\0') at += strlen(at) + 1;
    return strcpy(at, text);
}

static void make(fixture_t *f)
{
    memset(f, 0, sizeof *f);
    pb__request__init(&f->request);
    pb__file_descriptor__init(&f->file);
    pb__file_descriptor__init(&f->other);
    pb__message__init(&f->message);
    pb__service__init(&f->service);
    f->message.name = word(f, "Msg");
    f->service.name = word(f, "Svc");
    f->file.name = word(f, "a.proto");
    f->file.package = word(f, "p");
    f->other.name = word(f, "google/protobuf/empty.proto");
    for (int i = 0; i < 2; i++) {
        pb__method__init(&f->methods[i]);
        f->methods[i].input_type = f->methods[i].output_type = word(f, ".p.Msg");
        f->method_list[i] = &f->methods[i];
    }
    f->methods[0].name = word(f, "get_it");
    f->methods[1].name = word(f, "GetIt");
    f->service.method = f->method_list;
    f->service.n_method = 2;
    f->messages[0] = &f->message;
    f->services[0] = &f->service;
    f->file.message_type = f->messages;
    f->file.n_message_type = 1;
    f->file.service = f->services;
    f->file.n_service = 1;
    f->files[0] = &f->file;
    f->files[1] = &f->other;
    f->request.proto_file = f->files;
    f->request.n_proto_file = 2;
    f->names[0] = f->file.name;
    f->request.file_to_generate = f->names;
    f->request.n_file_to_generate = 1;
}

static void test_memory_may_run_out(void **state)
{
    (void)state;
    fixture_t f;
    make(&f);
    OOM_EACH(oom)
    {
        actri_arena_t arena;
        actr_error_t error = ACTR_ERROR_INIT;
        Pb__Response response;
        pb__response__init(&response);
        actri_arena_init(&arena, &oom.env);
        bool good = generate_services(&arena, &f.request, &response, &error);
        assert_true(good == (oom.failed == 0));
        assert_int_equal(response.n_file, good ? 2 : 0);
        if (good) {
            assert_string_equal(response.file[0]->name, "a.actr.h");
            assert_non_null(strstr(response.file[0]->content, "p_svc_call_GetIt(")); /* twins keep their names */
            assert_non_null(strstr(response.file[0]->content, "p_svc_call_get_it("));
        } else {
            assert_status(ACTR_STATUS_NO_MEMORY, error.status);
        }
        actri_arena_clear(&arena);
    }
}

static void expect_error(fixture_t *f, const char *words)
{
    actri_arena_t arena;
    actr_error_t error = ACTR_ERROR_INIT;
    Pb__Response response;
    pb__response__init(&response);
    actri_arena_init(&arena, NULL);
    assert_false(generate_services(&arena, &f->request, &response, &error));
    assert_string_equal(error.message, words);
    actri_arena_clear(&arena);
}

static void test_requests_that_are_not_whole(void **state)
{
    (void)state;
    static const char left_out[] = "the request leaves out the name of something";
    fixture_t f;
    make(&f);
    f.methods[1].output_type = NULL;
    expect_error(&f, left_out);
    make(&f);
    f.message.name = NULL;
    expect_error(&f, left_out);
    make(&f);
    f.service.name = NULL;
    expect_error(&f, left_out);
    make(&f);
    f.other.name = NULL;
    expect_error(&f, left_out);
    make(&f);
    f.methods[0].input_type = f.text; /* "Msg": as if of no package */
    expect_error(&f, "a.proto: p.Svc.get_it: there is no message Msg");
    make(&f);
    f.names[0] = f.text;
    expect_error(&f, "Msg is to be generated and is not in the request");
}

static void test_protobuf_c_gets_no_services(void **state)
{
    (void)state;
    fixture_t f;
    actri_arena_t arena;
    static char options[] = "actr/options.proto", own[] = "b.proto";
    make(&f);
    f.dependencies[0] = options;
    f.dependencies[1] = own;
    f.dependencies[2] = f.other.name;
    f.file.dependency = f.dependencies;
    f.file.n_dependency = 3;
    f.public[0] = 1;
    f.file.public_dependency = f.public;
    f.file.n_public_dependency = 1;
    actri_arena_init(&arena, NULL);
    assert_true(messages_narrow(&arena, &f.request));
    assert_int_equal(f.file.n_service, 0);
    assert_int_equal(f.file.n_dependency, 2);
    assert_string_equal(f.file.dependency[0], "b.proto");
    assert_int_equal(f.file.public_dependency[0], 0);
    assert_int_equal(f.request.n_file_to_generate, 2);
    assert_string_equal(f.request.file_to_generate[1], "google/protobuf/empty.proto");
    actri_arena_clear(&arena);
}

static void test_parameters(void **state)
{
    (void)state;
    generate_options_t options;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_true(generate_parse(NULL, &options, &error));
    assert_false(options.messages);
    assert_true(generate_parse(",messages,", &options, &error));
    assert_true(options.messages);
    assert_false(generate_parse("messages=1", &options, &error));
    assert_non_null(strstr(error.message, "messages=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_may_run_out),
        cmocka_unit_test(test_requests_that_are_not_whole),
        cmocka_unit_test(test_protobuf_c_gets_no_services),
        cmocka_unit_test(test_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
