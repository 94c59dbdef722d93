/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of reading one .proto text: tokens, one at a time, and the grammar in three files above them
 * (proto_options.c, proto_message.c, proto_file.c). The first failure is latched; from then on every token is the end.
 */
#ifndef ACTRI_PROTO_READER_H
#define ACTRI_PROTO_READER_H

#include "compat/proto_tree.h"

typedef enum actri_proto_token_kind {
    ACTRI_PROTO_TOKEN_END,
    ACTRI_PROTO_TOKEN_IDENT,
    ACTRI_PROTO_TOKEN_INTEGER,
    ACTRI_PROTO_TOKEN_FLOAT,
    ACTRI_PROTO_TOKEN_STRING, /* one pair of quotes, decoded */
    ACTRI_PROTO_TOKEN_SYMBOL,
} actri_proto_token_kind_t;

typedef struct actri_proto_token {
    actri_proto_token_kind_t kind;
    actri_proto_position_t at;
    const char *data; /* as written */
    size_t size;
    char symbol;
    uint64_t integer;
    double number;
    actri_proto_text_t string;
} actri_proto_token_t;

typedef struct actri_proto_reader {
    actri_arena_t *arena;
    const char *name, *text;
    size_t size, offset, line_start;
    uint32_t line;
    unsigned depth;
    bool proto3;
    actri_proto_token_t token;
    actr_status_t status;
    actr_error_t *error;
} actri_proto_reader_t;

/* Reads the first token. */
void actri_proto_reader_init(actri_proto_reader_t *reader, actri_arena_t *arena, const char *name, const char *text,
                             size_t size, actr_error_t *error);
/* To the next token. */
void actri_proto_next(actri_proto_reader_t *reader);
/* Latch a failure at a place; always false. */
bool actri_proto_wrong(actri_proto_reader_t *reader, actri_proto_position_t at, const char *format, ...)
    ACTR_PRINTF(3, 4);
bool actri_proto_refuse(actri_proto_reader_t *reader, actri_proto_position_t at, const char *format, ...)
    ACTR_PRINTF(3, 4);
/* "expected WHAT, found ..." at the token; always false. */
bool actri_proto_expected(actri_proto_reader_t *reader, const char *what);
/* From the arena, cleared; NULL latches NO_MEMORY. */
void *actri_proto_new(actri_proto_reader_t *reader, size_t size);

static inline bool actri_proto_good(const actri_proto_reader_t *reader)
{
    return reader->status == ACTR_OK;
}
bool actri_proto_is_symbol(const actri_proto_reader_t *reader, char symbol);
bool actri_proto_is_word(const actri_proto_reader_t *reader, const char *word);
/* These take the token when it fits. The first two say whether; the others fail when it does not. */
bool actri_proto_take_symbol(actri_proto_reader_t *reader, char symbol);
bool actri_proto_take_word(actri_proto_reader_t *reader, const char *word);
bool actri_proto_need_symbol(actri_proto_reader_t *reader, char symbol);
bool actri_proto_need_word(actri_proto_reader_t *reader, const char *word);
const char *actri_proto_need_ident(actri_proto_reader_t *reader); /* NULL: failed */
/* "a.b.c", when `leading` also ".a.b"; blanks and comments between are dropped. */
const char *actri_proto_need_path(actri_proto_reader_t *reader, bool leading);
/* Neighbouring strings as one; must be UTF-8 when `utf8`. */
bool actri_proto_need_string(actri_proto_reader_t *reader, bool utf8, actri_proto_text_t *out);
/* 0 to 2147483647. */
bool actri_proto_need_number(actri_proto_reader_t *reader, int32_t *out);
bool actri_proto_deeper(actri_proto_reader_t *reader);

/*
 * Lists grow at their tail: a pointer to the last `next`, or to the list's head.
 */
#define ACTRI_PROTO_APPEND(tail, element) (*(tail) = (element), (tail) = &(element)->next)

/* proto_constant.c: `option a = 1;` behind its word; `[a = 1, b = 2]` when there is a bracket. */
bool actri_proto_read_option(actri_proto_reader_t *reader, actri_proto_option_t ***tail);
bool actri_proto_read_brackets(actri_proto_reader_t *reader, actri_proto_option_t **list);

/* The tails of a body's lists of declarations. */
typedef struct actri_proto_scope {
    actri_proto_message_t **messages;
    actri_proto_enum_t **enums;
    actri_proto_field_t **extensions;
} actri_proto_scope_t;

typedef struct actri_proto_reserved {
    actri_proto_range_t **ranges;
    actri_proto_word_t **names;
} actri_proto_reserved_t;

/* proto_message.c, proto_field.c, proto_enum.c: behind their words. */
bool actri_proto_read_message(actri_proto_reader_t *reader, actri_proto_scope_t *scope);
bool actri_proto_read_body(actri_proto_reader_t *reader, actri_proto_message_t *message);
bool actri_proto_read_extend(actri_proto_reader_t *reader, actri_proto_scope_t *scope);
bool actri_proto_read_enum(actri_proto_reader_t *reader, actri_proto_scope_t *scope);
bool actri_proto_read_service(actri_proto_reader_t *reader, actri_proto_service_t ***tail);
bool actri_proto_read_reserved(actri_proto_reader_t *reader, actri_proto_reserved_t *reserved);
bool actri_proto_read_ranges(actri_proto_reader_t *reader, actri_proto_range_t ***tail);

/* What a field may look like where it stands. */
typedef enum actri_proto_place {
    ACTRI_PROTO_IN_MESSAGE,
    ACTRI_PROTO_IN_ONEOF,
    ACTRI_PROTO_IN_EXTEND,
} actri_proto_place_t;
/* A field; what its type declares (a group, a map's entry) goes to scope. NULL: failed. */
actri_proto_field_t *actri_proto_read_field(actri_proto_reader_t *reader, actri_proto_place_t place,
                                            actri_proto_scope_t *scope);

#endif
