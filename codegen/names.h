/* SPDX-License-Identifier: Apache-2.0 */
/* From names in a .proto to names in C. Pure; results live in the arena. */
#ifndef ACTR_CODEGEN_NAMES_H
#define ACTR_CODEGEN_NAMES_H

#include "base/arena.h"

/* "GetHTTPPort" -> "get_http_port", "my.pkg" -> "my_pkg". */
char *name_snake(actri_arena_t *arena, const char *name);
/* protobuf-c's name for the type "my.pkg.GetRequest": "My__Pkg__GetRequest". */
char *name_message(actri_arena_t *arena, const char *full);
/* protobuf-c's prefix for what belongs to that type: "my__pkg__get_request". */
char *name_message_prefix(actri_arena_t *arena, const char *full);
/* A word of C11 or C++17, or a macro of the usual headers: with "_" behind it when it is one. */
/* What a field or oneof must be called for protobuf-c, which knows the words of C and of C++98 only and writes names in
   lower case; NULL: as it is, or memory is out. */
char *name_field(actri_arena_t *arena, const char *name);
char *name_member(actri_arena_t *arena, const char *snake);
/* "dir/my-file.proto" -> "dir/my-file". */
char *name_stem(actri_arena_t *arena, const char *file);
/* "dir/my-file.proto" -> "ACTR_DIR_MY_FILE_PROTO_H". */
char *name_guard(actri_arena_t *arena, const char *file);

#endif
