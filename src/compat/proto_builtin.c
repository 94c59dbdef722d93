/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations of the built-in files as far as they matter here: names and types of messages, fields and enum values.
 * Read as proto3 in package google.protobuf. The options are those of protobuf 3.7 (naming-and-compat 5.1); newer ones
 * must stay unknown.
 */
#include "compat/proto_builtin.h"

#include <string.h>

static const char any[] = "message Any{string type_url=1;bytes value=2;}";

static const char api[] =
    "import \"google/protobuf/source_context.proto\";"
    "import \"google/protobuf/type.proto\";"
    "message Api{string name=1;repeated Method methods=2;repeated Option options=3;string version=4;"
    "SourceContext source_context=5;repeated Mixin mixins=6;Syntax syntax=7;}"
    "message Method{string name=1;string request_type_url=2;bool request_streaming=3;string response_type_url=4;"
    "bool response_streaming=5;repeated Option options=6;Syntax syntax=7;}"
    "message Mixin{string name=1;string root=2;}";

static const char descriptor[] =
    "message FileDescriptorSet{repeated FileDescriptorProto file=1;}"
    "message FileDescriptorProto{string name=1;string package=2;repeated string dependency=3;"
    "repeated int32 public_dependency=10;repeated int32 weak_dependency=11;repeated DescriptorProto message_type=4;"
    "repeated EnumDescriptorProto enum_type=5;repeated ServiceDescriptorProto service=6;"
    "repeated FieldDescriptorProto extension=7;FileOptions options=8;SourceCodeInfo source_code_info=9;"
    "string syntax=12;}"
    "message DescriptorProto{string name=1;repeated FieldDescriptorProto field=2;"
    "repeated FieldDescriptorProto extension=6;repeated DescriptorProto nested_type=3;"
    "repeated EnumDescriptorProto enum_type=4;message ExtensionRange{int32 start=1;int32 end=2;"
    "ExtensionRangeOptions options=3;}repeated ExtensionRange extension_range=5;"
    "repeated OneofDescriptorProto oneof_decl=8;MessageOptions options=7;message ReservedRange{int32 start=1;"
    "int32 end=2;}repeated ReservedRange reserved_range=9;repeated string reserved_name=10;}"
    "message ExtensionRangeOptions{}"
    "message FieldDescriptorProto{enum Type{TYPE_DOUBLE=1;TYPE_FLOAT=2;TYPE_INT64=3;TYPE_UINT64=4;TYPE_INT32=5;"
    "TYPE_FIXED64=6;TYPE_FIXED32=7;TYPE_BOOL=8;TYPE_STRING=9;TYPE_GROUP=10;TYPE_MESSAGE=11;TYPE_BYTES=12;"
    "TYPE_UINT32=13;TYPE_ENUM=14;TYPE_SFIXED32=15;TYPE_SFIXED64=16;TYPE_SINT32=17;TYPE_SINT64=18;}enum Label{"
    "LABEL_OPTIONAL=1;LABEL_REQUIRED=2;LABEL_REPEATED=3;}string name=1;int32 number=3;Label label=4;Type type=5;"
    "string type_name=6;string extendee=2;string default_value=7;int32 oneof_index=9;string json_name=10;"
    "FieldOptions options=8;bool proto3_optional=17;}"
    "message OneofDescriptorProto{string name=1;OneofOptions options=2;}"
    "message EnumDescriptorProto{string name=1;repeated EnumValueDescriptorProto value=2;EnumOptions options=3;"
    "message EnumReservedRange{int32 start=1;int32 end=2;}repeated EnumReservedRange reserved_range=4;"
    "repeated string reserved_name=5;}"
    "message EnumValueDescriptorProto{string name=1;int32 number=2;EnumValueOptions options=3;}"
    "message ServiceDescriptorProto{string name=1;repeated MethodDescriptorProto method=2;ServiceOptions options=3;"
    "}"
    "message MethodDescriptorProto{string name=1;string input_type=2;string output_type=3;MethodOptions options=4;"
    "bool client_streaming=5;bool server_streaming=6;}"
    "message FileOptions{string java_package=1;string java_outer_classname=8;bool java_multiple_files=10;"
    "bool java_generate_equals_and_hash=20;bool java_string_check_utf8=27;enum OptimizeMode{SPEED=1;CODE_SIZE=2;"
    "LITE_RUNTIME=3;}OptimizeMode optimize_for=9;string go_package=11;bool cc_generic_services=16;"
    "bool java_generic_services=17;bool py_generic_services=18;bool php_generic_services=42;bool deprecated=23;"
    "bool cc_enable_arenas=31;string objc_class_prefix=36;string csharp_namespace=37;string swift_prefix=39;"
    "string php_class_prefix=40;string php_namespace=41;string php_metadata_namespace=44;string ruby_package=45;}"
    "message MessageOptions{bool message_set_wire_format=1;bool no_standard_descriptor_accessor=2;"
    "bool deprecated=3;bool map_entry=7;}"
    "message FieldOptions{CType ctype=1;enum CType{STRING=0;CORD=1;STRING_PIECE=2;}bool packed=2;JSType jstype=6;"
    "enum JSType{JS_NORMAL=0;JS_STRING=1;JS_NUMBER=2;}bool lazy=5;bool deprecated=3;bool weak=10;}"
    "message OneofOptions{}"
    "message EnumOptions{bool allow_alias=2;bool deprecated=3;}"
    "message EnumValueOptions{bool deprecated=1;}"
    "message ServiceOptions{bool deprecated=33;}"
    "message MethodOptions{bool deprecated=33;enum IdempotencyLevel{IDEMPOTENCY_UNKNOWN=0;NO_SIDE_EFFECTS=1;"
    "IDEMPOTENT=2;}IdempotencyLevel idempotency_level=34;}"
    "message UninterpretedOption{message NamePart{string name_part=1;bool is_extension=2;}repeated NamePart name=2;"
    "string identifier_value=3;uint64 positive_int_value=4;int64 negative_int_value=5;double double_value=6;"
    "bytes string_value=7;string aggregate_value=8;}"
    "message SourceCodeInfo{repeated Location location=1;message Location{repeated int32 path=1;"
    "repeated int32 span=2;string leading_comments=3;string trailing_comments=4;"
    "repeated string leading_detached_comments=6;}}"
    "message GeneratedCodeInfo{repeated Annotation annotation=1;message Annotation{repeated int32 path=1;"
    "string source_file=2;int32 begin=3;int32 end=4;}}";

static const char duration[] = "message Duration{int64 seconds=1;int32 nanos=2;}";

static const char empty[] = "message Empty{}";

static const char field_mask[] = "message FieldMask{repeated string paths=1;}";

static const char source_context[] = "message SourceContext{string file_name=1;}";

static const char structs[] =
    "message Struct{map<string,Value>fields=1;}"
    "message Value{oneof kind{NullValue null_value=1;double number_value=2;string string_value=3;bool bool_value=4;"
    "Struct struct_value=5;ListValue list_value=6;}}"
    "enum NullValue{NULL_VALUE=0;}"
    "message ListValue{repeated Value values=1;}";

static const char timestamp[] = "message Timestamp{int64 seconds=1;int32 nanos=2;}";

static const char type[] =
    "import \"google/protobuf/any.proto\";"
    "import \"google/protobuf/source_context.proto\";"
    "message Type{string name=1;repeated Field fields=2;repeated string oneofs=3;repeated Option options=4;"
    "SourceContext source_context=5;Syntax syntax=6;}"
    "message Field{enum Kind{TYPE_UNKNOWN=0;TYPE_DOUBLE=1;TYPE_FLOAT=2;TYPE_INT64=3;TYPE_UINT64=4;TYPE_INT32=5;"
    "TYPE_FIXED64=6;TYPE_FIXED32=7;TYPE_BOOL=8;TYPE_STRING=9;TYPE_GROUP=10;TYPE_MESSAGE=11;TYPE_BYTES=12;"
    "TYPE_UINT32=13;TYPE_ENUM=14;TYPE_SFIXED32=15;TYPE_SFIXED64=16;TYPE_SINT32=17;TYPE_SINT64=18;}enum Cardinality{"
    "CARDINALITY_UNKNOWN=0;CARDINALITY_OPTIONAL=1;CARDINALITY_REQUIRED=2;CARDINALITY_REPEATED=3;}Kind kind=1;"
    "Cardinality cardinality=2;int32 number=3;string name=4;string type_url=6;int32 oneof_index=7;bool packed=8;"
    "repeated Option options=9;string json_name=10;string default_value=11;}"
    "message Enum{string name=1;repeated EnumValue enumvalue=2;repeated Option options=3;"
    "SourceContext source_context=4;Syntax syntax=5;}"
    "message EnumValue{string name=1;int32 number=2;repeated Option options=3;}"
    "message Option{string name=1;Any value=2;}"
    "enum Syntax{SYNTAX_PROTO2=0;SYNTAX_PROTO3=1;}";

static const char wrappers[] = "message DoubleValue{double value=1;}"
                               "message FloatValue{float value=1;}"
                               "message Int64Value{int64 value=1;}"
                               "message UInt64Value{uint64 value=1;}"
                               "message Int32Value{int32 value=1;}"
                               "message UInt32Value{uint32 value=1;}"
                               "message BoolValue{bool value=1;}"
                               "message StringValue{string value=1;}"
                               "message BytesValue{bytes value=1;}";

static const struct builtin {
    const char *path, *text;
} builtins[] = {
    {"google/protobuf/any.proto", any},
    {"google/protobuf/api.proto", api},
    {"google/protobuf/descriptor.proto", descriptor},
    {"google/protobuf/duration.proto", duration},
    {"google/protobuf/empty.proto", empty},
    {"google/protobuf/field_mask.proto", field_mask},
    {"google/protobuf/source_context.proto", source_context},
    {"google/protobuf/struct.proto", structs},
    {"google/protobuf/timestamp.proto", timestamp},
    {"google/protobuf/type.proto", type},
    {"google/protobuf/wrappers.proto", wrappers},
};

static const struct builtin *find(const actri_proto_text_t *path)
{
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++) {
        if (path->size == strlen(builtins[i].path) && memcmp(path->data, builtins[i].path, path->size) == 0)
            return &builtins[i];
    }
    return NULL;
}

const char *actri_proto_builtin_text(const actri_proto_text_t *path)
{
    const struct builtin *found = find(path);
    return found == NULL ? NULL : found->text;
}

const char *actri_proto_builtin_name(const actri_proto_text_t *path)
{
    const struct builtin *found = find(path);
    return found == NULL ? NULL : found->path;
}
