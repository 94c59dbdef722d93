/* SPDX-License-Identifier: Apache-2.0 */
/* Generated code at work, one case a .proto file: what goes in comes out. In the common part of C11 and C++17. */
#include "check.h"

#include "harness.h"

#include "imports.actr.h"
#include "maps.actr.h"
#include "nested.actr.h"
#include "nopackage.actr.h"
#include "oneofs.actr.h"
#include "proto2.actr.h"
#include "renamed.actr.h"
#include "scalars.actr.h"
#include "services.actr.h"
#include "thousand.actr.h"
#include "tree.actr.h"
#include "words.actr.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static harness_reply_t reply;
static unsigned char packed[70000];
static char text_a[] = "a\xc3\xa4", text_b[] = "", text_c[] = "third"; /* protobuf-c's strings are not const */

/* Handlers that answer with the request. */
#define MIRROR(name, type)                                                                                             \
    static actr_status_t name(actr_ctx_t *ctx, const type *request, type *answer, void *user)                          \
    {                                                                                                                  \
        (void)ctx;                                                                                                     \
        if (user != NULL) ++*(unsigned *)user;                                                                         \
        *answer = *request;                                                                                            \
        return ACTR_OK;                                                                                                \
    }

/* Sends message through dispatch; the reply has the same bytes. */
static void round_trip(actr_workload_t workload, const char *route, const void *message)
{
    size_t size = protobuf_c_message_pack((const ProtobufCMessage *)message, packed);
    harness_dispatch(workload.dispatch, workload.user, route, packed, size, &reply);
    assert_status(ACTR_OK, reply.status);
    assert_int_equal(reply.size, size);
    assert_memory_equal(reply.data, packed, size);
}

MIRROR(mirror_all, Codegen__Scalars__All)

static void test_scalars(void **state)
{
    (void)state;
    codegen_scalars_scalars_handlers_t handlers = {mirror_all, NULL};
    Codegen__Scalars__All all = CODEGEN__SCALARS__ALL__INIT;
    int32_t numbers[] = {1, -1, INT32_MAX};
    char *texts[] = {text_a, text_b, text_c};
    all.a = 1.5;
    all.b = -0.25f;
    all.c = -3;
    all.d = INT64_MIN;
    all.e = UINT32_MAX;
    all.f = UINT64_MAX;
    all.g = INT32_MIN;
    all.h = -1;
    all.i = 9;
    all.j = 10;
    all.k = -11;
    all.l = -12;
    all.m = 1;
    all.n = text_a;
    all.o.data = (uint8_t *)text_c;
    all.o.len = 3;
    all.n_p = 3;
    all.p = numbers;
    all.n_q = 3;
    all.q = texts;
    round_trip(codegen_scalars_scalars_workload(&handlers), "codegen.scalars.Scalars.Mirror", &all);
}

MIRROR(mirror_shape, Codegen__Old__Shape)

static void test_proto2(void **state)
{
    (void)state;
    codegen_old_shapes_handlers_t handlers = {mirror_shape, NULL};
    actr_workload_t workload = codegen_old_shapes_workload(&handlers);
    Codegen__Old__Shape shape = CODEGEN__OLD__SHAPE__INIT;
    uint32_t corners[] = {1, 2, 3000000};
    shape.id = 7;
    shape.label = text_a;
    shape.n_corners = 3;
    shape.corners = corners;
    shape.has_closed = 1;
    round_trip(workload, "codegen.old.Shapes.Mirror", &shape);
    /* The required id is missing. */
    harness_dispatch(workload.dispatch, workload.user, "codegen.old.Shapes.Mirror", "\x12\x01x", 3, &reply);
    assert_status(ACTR_STATUS_DECODE, reply.status);
    assert_string_equal(reply.message, "Failed to decode codegen.old.Shape: 3 bytes for codegen.old.Shapes.Mirror");
}

MIRROR(mirror_outer, Codegen__Nested__V1__Outer)
MIRROR(mirror_inner, Codegen__Nested__V1__Outer__MiddlePart__Inner)

static actr_status_t open_outer(actr_ctx_t *ctx, const Codegen__Nested__V1__Outer *request,
                                Codegen__Nested__V1__Outer__MiddlePart *answer, void *user)
{
    (void)user;
    if (request->middle == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_NOT_FOUND, "nothing in %d", 1);
    *answer = *request->middle;
    return ACTR_OK;
}

static void test_nested(void **state)
{
    (void)state;
    codegen_nested_v1_nested_types_handlers_t handlers = {mirror_outer, open_outer, mirror_inner, NULL};
    actr_workload_t workload = codegen_nested_v1_nested_types_workload(&handlers);
    Codegen__Nested__V1__Outer outer = CODEGEN__NESTED__V1__OUTER__INIT;
    Codegen__Nested__V1__Outer__MiddlePart middle = CODEGEN__NESTED__V1__OUTER__MIDDLE__PART__INIT;
    Codegen__Nested__V1__Outer__MiddlePart__Inner inner = CODEGEN__NESTED__V1__OUTER__MIDDLE__PART__INNER__INIT;
    Codegen__Nested__V1__Outer__MiddlePart__Inner *more[] = {&inner, &inner};
    harness_dispatch(workload.dispatch, workload.user, "codegen.nested.v1.NestedTypes.Open", "", 0, &reply);
    assert_status(ACTR_STATUS_NOT_FOUND, reply.status);
    assert_string_equal(reply.message, "nothing in 1");
    inner.kind = CODEGEN__NESTED__V1__OUTER__KIND__SOME;
    inner.text = text_c;
    middle.inner = &inner;
    middle.n_more = 2;
    middle.more = more;
    outer.middle = &middle;
    round_trip(workload, "codegen.nested.v1.NestedTypes.Mirror", &outer);
    round_trip(workload, "codegen.nested.v1.NestedTypes.Close", &inner);
    size_t size = protobuf_c_message_pack(&outer.base, packed);
    harness_dispatch(workload.dispatch, workload.user, "codegen.nested.v1.NestedTypes.Open", packed, size, &reply);
    assert_int_equal(reply.size, protobuf_c_message_pack(&middle.base, packed));
    assert_memory_equal(reply.data, packed, reply.size);
}

MIRROR(mirror_table, Codegen__Maps__Table)

static void test_maps_as_entries(void **state)
{
    (void)state;
    codegen_maps_maps_handlers_t handlers = {mirror_table, NULL};
    Codegen__Maps__Table table = CODEGEN__MAPS__TABLE__INIT;
    Codegen__Maps__Table__CountsEntry count = CODEGEN__MAPS__TABLE__COUNTS_ENTRY__INIT;
    Codegen__Maps__Table__PointsEntry point = CODEGEN__MAPS__TABLE__POINTS_ENTRY__INIT;
    Codegen__Maps__Point x = CODEGEN__MAPS__POINT__INIT;
    Codegen__Maps__Table__CountsEntry *counts[] = {&count};
    Codegen__Maps__Table__PointsEntry *points[] = {&point};
    count.key = text_a;
    count.value = 3;
    x.x = 4;
    point.key = -1;
    point.value = &x;
    table.n_counts = 1;
    table.counts = counts;
    table.n_points = 1;
    table.points = points;
    round_trip(codegen_maps_maps_workload(&handlers), "codegen.maps.Maps.Mirror", &table);
}

MIRROR(mirror_choice, Codegen__Oneofs__Choice)

static void test_oneofs(void **state)
{
    (void)state;
    codegen_oneofs_oneofs_handlers_t handlers = {mirror_choice, NULL};
    Codegen__Oneofs__Choice choice = CODEGEN__ONEOFS__CHOICE__INIT, inner = CODEGEN__ONEOFS__CHOICE__INIT;
    inner.which_case = CODEGEN__ONEOFS__CHOICE__WHICH_TEXT;
    inner.text = text_c;
    choice.which_case = CODEGEN__ONEOFS__CHOICE__WHICH_AGAIN;
    choice.again = &inner;
    choice._maybe_case = CODEGEN__ONEOFS__CHOICE___MAYBE_MAYBE; /* proto3's optional: a oneof of one */
    choice.maybe = 0;
    round_trip(codegen_oneofs_oneofs_workload(&handlers), "codegen.oneofs.Oneofs.Mirror", &choice);
}

MIRROR(mirror_fix, Codegen__Imports__Fix)

static actr_status_t where(actr_ctx_t *ctx, const Google__Protobuf__Empty *request,
                           Codegen__CommonTypes__Position *answer, void *user)
{
    (void)ctx;
    (void)request;
    (void)user;
    answer->lat = 52;
    return ACTR_OK;
}

static void test_imports(void **state)
{
    (void)state;
    codegen_imports_tracker_handlers_t handlers = {mirror_fix, where, NULL, NULL};
    actr_workload_t workload = codegen_imports_tracker_workload(&handlers);
    Codegen__Imports__Fix fix = CODEGEN__IMPORTS__FIX__INIT;
    Codegen__CommonTypes__Position position = CODEGEN__COMMON_TYPES__POSITION__INIT;
    Google__Protobuf__Timestamp when = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    position.lon = 13;
    when.seconds = 1;
    fix.position = &position;
    fix.when = &when;
    round_trip(workload, "codegen.imports.Tracker.Mirror", &fix);
    harness_dispatch(workload.dispatch, workload.user, "codegen.imports.Tracker.Where", NULL, 0, &reply);
    assert_status(ACTR_OK, reply.status);
    assert_int_equal(reply.size, 9);
    harness_dispatch(workload.dispatch, workload.user, "codegen.imports.Tracker.Note", NULL, 0, &reply);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, reply.status); /* no handler */
}

MIRROR(mirror_key, Codegen__Services__Key)

static actr_status_t get_value(actr_ctx_t *ctx, const Codegen__Services__Key *request, Codegen__Services__Value *answer,
                               void *user)
{
    (void)user;
    char *text = actr_ctx_printf(ctx, "value of %s", request->name);
    answer->data.data = (uint8_t *)text;
    answer->data.len = text == NULL ? 0 : strlen(text);
    return ACTR_OK;
}

static void test_two_services_in_one_actor(void **state)
{
    (void)state;
    codegen_services_store_handlers_t store = {get_value, NULL, NULL, NULL, NULL};
    codegen_services_watch_handlers_t watch = {mirror_key, NULL};
    const actr_served_t list[] = {{&codegen_services_store_descriptor, &store},
                                  {&codegen_services_idle_descriptor, NULL},
                                  {&codegen_services_watch_descriptor, &watch}};
    actr_services_t services = {list, 3};
    actr_workload_t workload = codegen_services_watch_workload(&watch);
    workload.dispatch = actr_services_dispatch;
    workload.user = &services;
    Codegen__Services__Key key = CODEGEN__SERVICES__KEY__INIT;
    key.name = text_c;
    round_trip(workload, "codegen.services.Watch.Get", &key);
    size_t size = protobuf_c_message_pack(&key.base, packed);
    harness_dispatch(workload.dispatch, workload.user, "codegen.services.Store.Get", packed, size, &reply);
    assert_status(ACTR_OK, reply.status);
    assert_memory_equal(reply.data, "\n\016value of third", 16);
    harness_dispatch(workload.dispatch, workload.user, "codegen.services.Store.Delete", packed, size, &reply);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, reply.status);
    harness_dispatch(workload.dispatch, workload.user, "codegen.services.Idle.Get", packed, size, &reply);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, reply.status);
}

static void test_payload_types_are_read(void **state)
{
    (void)state;
    const actr_service_t *store = &codegen_services_store_descriptor;
    const actr_method_t *urgent = actr_service_find(store, "codegen.services.Store.Urgent");
    const actr_method_t *get = actr_service_find(store, "codegen.services.Store.Get");
    assert_non_null(urgent);
    assert_non_null(get);
    assert_int_equal(urgent->payload_type, ACTR_RPC_SIGNAL);
    assert_int_equal(get->payload_type, ACTR_RPC_RELIABLE);
}

MIRROR(mirror_int, Codegen__Class__Template__Int)
MIRROR(mirror_later, Codegen__Class__Template__Later)

static void test_reserved_words(void **state)
{
    (void)state;
    unsigned called = 0;
    codegen_class_template_namespace_handlers_t handlers;
    memset(&handlers, 0, sizeof handlers);
    handlers.mirror = handlers.new_ = handlers.delete_ = handlers.class_ = handlers.user_ = handlers.errno_ =
        mirror_int;
    handlers.linux_ = handlers.handlers = handlers.dispatch = handlers.call = handlers.putc = mirror_int;
    handlers.GetUser = handlers.get_user = mirror_int;
    handlers.user = &called;
    actr_workload_t workload = codegen_class_template_namespace_workload(&handlers);
    Codegen__Class__Template__Int message = CODEGEN__CLASS__TEMPLATE__INT__INIT;
    static const char *const names[] = {"Mirror",   "new",      "Delete", "Class", "User",    "Errno",   "linux",
                                        "Handlers", "Dispatch", "Call",   "putc",  "GetUser", "get_user"};
    message.new_ = 1;
    message.class_ = text_a;
    message.operator_ = 2;
    message.union_case = CODEGEN__CLASS__TEMPLATE__INT__UNION_REGISTER;
    message.register_ = 3;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char route[100];
        (void)snprintf(route, sizeof route, "codegen.class.template.Namespace.%s", names[i]);
        round_trip(workload, route, &message);
        assert_int_equal(called, i + 1);
    }
}

static void test_words_of_later_languages(void **state)
{
    (void)state;
    unsigned called = 0;
    codegen_class_template_namespace_handlers_t handlers;
    memset(&handlers, 0, sizeof handlers);
    handlers._Bool_ = handlers.Bool = mirror_int;
    handlers.nullptr_ = mirror_later;
    handlers.user = &called;
    actr_workload_t workload = codegen_class_template_namespace_workload(&handlers);
    Codegen__Class__Template__Int message = CODEGEN__CLASS__TEMPLATE__INT__INIT;
    Codegen__Class__Template__Later later = CODEGEN__CLASS__TEMPLATE__LATER__INIT;
    Codegen__Class__Template__Later__Constexpr inner = CODEGEN__CLASS__TEMPLATE__LATER__CONSTEXPR__INIT;
    int32_t numbers[] = {1, 2};
    message.new_ = 1;
    round_trip(workload, "codegen.class.template.Namespace._Bool", &message);
    round_trip(workload, "codegen.class.template.Namespace.Bool", &message);
    inner.static_assert_ = 9;
    later.noexcept_ = -1;
    later.alignas_ = text_a;
    later.nullptr_ = 1;
    later.restrict_.data = (uint8_t *)text_c;
    later.restrict_.len = 2;
    later.char16_t_ = &inner;
    later.decltype__case = CODEGEN__CLASS__TEMPLATE__LATER__DECLTYPE__ERRNO_;
    later.errno_ = 5;
    later.n_stdin_ = 2;
    later.stdin_ = numbers;
    later.base_ = 0.5;
    later.requires_ = 1;
    round_trip(workload, "codegen.class.template.Namespace.Nullptr", &later);
    assert_int_equal(called, 3);
}

MIRROR(mirror_lonely, Lonely)

static void test_no_package(void **state)
{
    (void)state;
    int_handlers_t handlers = {mirror_lonely, NULL};
    Lonely lonely = LONELY__INIT;
    lonely.text = text_a;
    round_trip(int_workload(&handlers), "Int.Mirror", &lonely);
}

MIRROR(mirror_thing, ShortOne__Thing)

static void test_the_package_in_c_may_be_another(void **state)
{
    (void)state;
    codegen_a_long_package_name_things_handlers_t handlers = {mirror_thing, NULL};
    ShortOne__Thing thing = SHORT_ONE__THING__INIT;
    thing.text = "constant";
    round_trip(codegen_a_long_package_name_things_workload(&handlers), "codegen.a_long_package_name.Things.Mirror",
               &thing);
}

MIRROR(mirror_node, Codegen__Tree__Node)

/* depth messages, one in the other. */
static size_t pack_tree(unsigned depth)
{
    size_t size = 0;
    for (unsigned i = 1; i < depth; i++) {
        unsigned char head[4] = {0x0a};
        size_t inner = size, at = 1;
        for (; inner >= 0x80; inner >>= 7) head[at++] = (unsigned char)(inner | 0x80);
        head[at++] = (unsigned char)inner;
        memmove(packed + at, packed, size);
        memcpy(packed, head, at);
        size += at;
    }
    return size;
}

static void test_depth_has_a_limit(void **state)
{
    (void)state;
    codegen_tree_http2_server_handlers_t handlers = {mirror_node, NULL};
    actr_workload_t workload = codegen_tree_http2_server_workload(&handlers);
    const char *route = "Codegen.Tree.HTTP2Server.Mirror";
    size_t size = pack_tree(100);
    harness_dispatch(workload.dispatch, workload.user, route, packed, size, &reply);
    assert_status(ACTR_OK, reply.status);
    assert_int_equal(reply.size, size);
    static const unsigned depths[] = {101, 15000};
    for (unsigned i = 0; i < 2; i++) {
        size = pack_tree(depths[i]);
        harness_dispatch(workload.dispatch, workload.user, route, packed, size, &reply);
        assert_status(ACTR_STATUS_DECODE, reply.status);
    }
}

static actr_status_t count_word(actr_ctx_t *ctx, const Big__Word *request, Big__Word *answer, void *user)
{
    (void)ctx;
    (void)request;
    (void)answer;
    ++*(unsigned *)user;
    return ACTR_OK;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(const char *what, const actr_service_t *service)
{
    const unsigned rounds = 200000;
    double begin = seconds();
    for (unsigned i = 0; i < rounds; i++) {
        const actr_method_t *method = &service->methods[i * 7919u % service->method_count];
        assert_ptr_equal(actr_service_find(service, method->route), method);
    }
    print_message("# %s: %.0f ns a look-up\n", what, (seconds() - begin) * 1e9 / rounds);
}

static void test_a_thousand_methods(void **state)
{
    (void)state;
    unsigned called = 0;
    big_thousand_handlers_t handlers;
    memset(&handlers, 0, sizeof handlers);
    handlers.method1 = handlers.method1000 = handlers.method500 = count_word;
    handlers.user = &called;
    assert_int_equal(big_thousand_descriptor.method_count, 1000);
    for (size_t i = 1; i < 1000; i++) {
        assert_true(strcmp(big_thousand_descriptor.methods[i - 1].route, big_thousand_descriptor.methods[i].route) < 0);
    }
    for (unsigned i = 1; i <= 1000; i++) {
        char route[60];
        (void)snprintf(route, sizeof route, "big.Thousand.Method%u", i);
        assert_non_null(actr_service_find(&big_thousand_descriptor, route));
        harness_dispatch(big_thousand_dispatch, &handlers, route, NULL, 0, &reply);
        assert_status(i == 1 || i == 500 || i == 1000 ? ACTR_OK : ACTR_STATUS_UNKNOWN_ROUTE, reply.status);
    }
    assert_int_equal(called, 3);
    harness_dispatch(big_thousand_dispatch, &handlers, "big.Thousand.Method1001", NULL, 0, &reply);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, reply.status);
    measure("4 methods", &codegen_services_store_descriptor);
    measure("1,000 methods", &big_thousand_descriptor);
}

static void test_kinds_of_a_later_generator_are_refused(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t dest = actr_dest_local();
    Lonely lonely = LONELY__INIT;
    actr_ctx_t *some_ctx = (actr_ctx_t *)packed; /* not looked into */
    actr_method_t method = int_descriptor.methods[0];
    method.kind = 7;
    const actr_service_t service = {"Int", &method, 1};
    const actr_served_t served = {&service, NULL};
    actr_services_t services = {&served, 1};
    harness_dispatch(actr_services_dispatch, &services, "Int.Mirror", NULL, 0, &reply);
    assert_status(ACTR_STATUS_NOT_SUPPORTED, reply.status);
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_method_tell(some_ctx, &dest, &method, &lonely, NULL, &error));
    assert_string_equal(error.message, "Int.Mirror is no call");
}

static void test_client_checks_before_it_sends(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t dest = actr_dest_local();
    Lonely lonely = LONELY__INIT, *response = NULL;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, int_call_mirror(NULL, &dest, &lonely, NULL, &response, &error));
    assert_string_equal(error.message, "ctx or request is NULL");
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, int_start_mirror(NULL, &dest, &lonely, NULL, NULL, NULL, &error));
    assert_string_equal(error.message, "on_response is NULL");
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, int_tell_mirror(NULL, &dest, NULL, NULL, &error));
    actr_message_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_proto2),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_maps_as_entries),
        cmocka_unit_test(test_oneofs),
        cmocka_unit_test(test_imports),
        cmocka_unit_test(test_two_services_in_one_actor),
        cmocka_unit_test(test_payload_types_are_read),
        cmocka_unit_test(test_reserved_words),
        cmocka_unit_test(test_words_of_later_languages),
        cmocka_unit_test(test_no_package),
        cmocka_unit_test(test_the_package_in_c_may_be_another),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_a_thousand_methods),
        cmocka_unit_test(test_kinds_of_a_later_generator_are_refused),
        cmocka_unit_test(test_client_checks_before_it_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
