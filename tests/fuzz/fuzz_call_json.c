/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON mapping of `actr call`. The first byte chooses the message and the direction; the rest is JSON text or
 * bytes. What JSON becomes is a message that can be shown, and what is shown becomes the same bytes again, but for
 * maps' order.
 */
#include "cli/contract/pj.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "syntax=\"proto3\";package a;import \"google/protobuf/any.proto\";"
    "import \"google/protobuf/duration.proto\";import \"google/protobuf/field_mask.proto\";"
    "import \"google/protobuf/struct.proto\";import \"google/protobuf/timestamp.proto\";"
    "import \"google/protobuf/wrappers.proto\";"
    "enum E{ZERO=0;ONE=1;}"
    "message S{double d=1;float f=2;int32 i=3;int64 l=4;uint32 u=5;uint64 w=6;sint32 z=7;"
    "sint64 zz=8;fixed32 x=9;fixed64 xx=10;sfixed32 y=11;sfixed64 yy=12;bool b=13;string s=14;"
    "bytes r=15;E e=16;optional int32 o=17;}"
    "message C{repeated int32 p=1;repeated S s=2;repeated string t=3;map<string,C>m=4;"
    "map<int32,E>n=5;oneof k{C c=6;string v=7;int64 q=8;}}"
    "message K{google.protobuf.Timestamp t=1;google.protobuf.Duration d=2;"
    "google.protobuf.FieldMask f=3;google.protobuf.Struct s=4;google.protobuf.Value v=5;"
    "google.protobuf.Any a=6;google.protobuf.Int64Value i=7;repeated google.protobuf.Value l=8;}";

static const contract_t *contract(void)
{
    static contract_t once;
    static bool made;
    if (!made) {
        contract_init(&once, NULL, NULL);
        if (contract_add(&once, "fuzz.proto", text, sizeof text - 1, NULL) != ACTR_OK) abort();
        made = true;
    }
    return &once;
}

static void from_json(const actri_proto_message_t *type, const uint8_t *data, size_t size)
{
    actri_text_t bytes = {.env = NULL}, shown = {.env = NULL}, again = {.env = NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = pj_to_bytes(contract(), type, (const char *)data, size, &bytes, &error);
    if (status != ACTR_OK && error.message[0] == '\0') abort();
    if (status == ACTR_OK) {
        status = pj_from_bytes(contract(), type, actri_span(bytes.data, bytes.size), 0, &shown, &error);
        /* an empty path in a mask, or an Any in an Any whose bytes are not of its type, are refused */
        if (status == ACTR_OK && pj_to_bytes(contract(), type, shown.data, shown.size, &again, &error) == ACTR_OK &&
            again.size != bytes.size && strstr(shown.data, "@type") == NULL && strchr(shown.data, ',') == NULL)
            abort();
    }
    actri_free(NULL, bytes.data);
    actri_free(NULL, shown.data);
    actri_free(NULL, again.data);
}

static void from_bytes(const actri_proto_message_t *type, const uint8_t *data, size_t size)
{
    actri_text_t shown = {.env = NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    if (pj_from_bytes(contract(), type, actri_span(data, size), PJ_DEFAULTS, &shown, &error) == ACTR_OK) {
        if (shown.size == 0) abort();
    } else if (error.message[0] == '\0') {
        abort();
    }
    actri_free(NULL, shown.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {".a.S", ".a.C", ".a.K", ".google.protobuf.Value"};
    if (size == 0) return 0;
    const actri_proto_message_t *type = contract_message(contract(), names[data[0] & 3]);
    if (type == NULL) abort();
    if ((data[0] & 4) != 0)
        from_bytes(type, data + 1, size - 1);
    else
        from_json(type, data + 1, size - 1);
    return 0;
}
