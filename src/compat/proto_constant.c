/* SPDX-License-Identifier: Apache-2.0 */
/* Options: their names and values, as written. What they mean is proto_options.c's. Pure. */
#include "compat/proto_reader.h"

#include <math.h>
#include <string.h>

static bool read_value(actri_proto_reader_t *reader, actri_proto_value_t *value);

static actri_proto_name_part_t *name_part(actri_proto_reader_t *reader, const char *name, bool extension)
{
    actri_proto_name_part_t *part = name == NULL ? NULL : actri_proto_new(reader, sizeof *part);
    if (part == NULL) return NULL;
    part->name = name;
    part->extension = extension;
    return part;
}

/* `a`, `(b.c)`, `a.b`, `(b.c).d.(e)` */
static bool read_name(actri_proto_reader_t *reader, actri_proto_name_part_t **tail)
{
    do {
        actri_proto_name_part_t *part;
        if (actri_proto_take_symbol(reader, '(')) {
            part = name_part(reader, actri_proto_need_path(reader, true), true);
            if (part == NULL || !actri_proto_need_symbol(reader, ')')) return false;
        } else {
            part = name_part(reader, actri_proto_need_ident(reader), false);
            if (part == NULL) return false;
        }
        ACTRI_PROTO_APPEND(tail, part);
    } while (actri_proto_take_symbol(reader, '.'));
    return true;
}

/* Behind "{" or "[": members up to `end`, each with a name when `named`. */
static bool read_members(actri_proto_reader_t *reader, actri_proto_option_t **tail, char end, bool named);

static bool read_list(actri_proto_reader_t *reader, actri_proto_value_t *value)
{
    value->kind = ACTRI_PROTO_LIST;
    return read_members(reader, &value->members, ']', false);
}

static bool read_aggregate(actri_proto_reader_t *reader, actri_proto_value_t *value)
{
    value->kind = ACTRI_PROTO_AGGREGATE;
    return read_members(reader, &value->members, '}', true);
}

/* `name:`, `name {`, `[acme.note]:` */
static bool read_member_name(actri_proto_reader_t *reader, actri_proto_option_t *member)
{
    bool extension = actri_proto_take_symbol(reader, '[');
    const char *name = extension ? actri_proto_need_path(reader, false) : actri_proto_need_ident(reader);
    member->name = name_part(reader, name, extension);
    if (member->name == NULL) return false;
    if (extension && !actri_proto_need_symbol(reader, ']')) return false;
    if (actri_proto_take_symbol(reader, ':') || actri_proto_is_symbol(reader, '{')) return true;
    return actri_proto_expected(reader, "\":\"");
}

static bool read_members(actri_proto_reader_t *reader, actri_proto_option_t **tail, char end, bool named)
{
    if (!actri_proto_deeper(reader)) return false;
    while (!actri_proto_take_symbol(reader, end)) {
        actri_proto_option_t *member = actri_proto_new(reader, sizeof *member);
        if (member == NULL) return false;
        member->at = reader->token.at;
        if (named && !read_member_name(reader, member)) return false;
        if (!named && actri_proto_is_symbol(reader, '[')) return actri_proto_expected(reader, "a value");
        if (named && actri_proto_take_symbol(reader, '[')) {
            member->value.at = member->at;
            if (!read_list(reader, &member->value)) return false;
        } else if (!read_value(reader, &member->value)) {
            return false;
        }
        ACTRI_PROTO_APPEND(tail, member);
        if (actri_proto_take_symbol(reader, ',') || (named && actri_proto_take_symbol(reader, ';'))) continue;
        if (!named && !actri_proto_is_symbol(reader, end)) return actri_proto_expected(reader, "\",\" or \"]\"");
    }
    reader->depth--;
    return true;
}

/* Behind a sign: a number, inf or nan. */
static bool read_signed(actri_proto_reader_t *reader, actri_proto_value_t *value, bool negative)
{
    actri_proto_token_t token = reader->token;
    value->negative = negative;
    if (token.kind == ACTRI_PROTO_TOKEN_INTEGER) {
        if (negative && token.integer > (uint64_t)INT64_MAX + 1)
            return actri_proto_wrong(reader, token.at, "this number has more than 64 bits");
        value->kind = ACTRI_PROTO_INTEGER;
        value->integer = token.integer;
    } else if (token.kind == ACTRI_PROTO_TOKEN_FLOAT) {
        value->kind = ACTRI_PROTO_FLOAT;
        value->number = negative ? -token.number : token.number;
    } else if (actri_proto_is_word(reader, "inf") || actri_proto_is_word(reader, "nan")) {
        value->kind = ACTRI_PROTO_FLOAT;
        value->number = token.data[0] == 'n' ? (double)NAN : negative ? (double)-INFINITY : (double)INFINITY;
    } else {
        return actri_proto_expected(reader, "a number");
    }
    actri_proto_next(reader);
    return true;
}

static bool read_word(actri_proto_reader_t *reader, actri_proto_value_t *value)
{
    bool yes = actri_proto_is_word(reader, "true");
    if (yes || actri_proto_is_word(reader, "false")) {
        value->kind = ACTRI_PROTO_BOOL;
        value->boolean = yes;
        actri_proto_next(reader);
        return true;
    }
    const char *path = actri_proto_need_path(reader, true);
    if (path == NULL) return false;
    value->kind = ACTRI_PROTO_IDENT;
    value->text = (actri_proto_text_t){path, strlen(path)};
    return true;
}

static bool read_value(actri_proto_reader_t *reader, actri_proto_value_t *value)
{
    value->at = reader->token.at;
    switch (reader->token.kind) {
    case ACTRI_PROTO_TOKEN_IDENT: return read_word(reader, value);
    case ACTRI_PROTO_TOKEN_STRING:
        value->kind = ACTRI_PROTO_STRING;
        return actri_proto_need_string(reader, false, &value->text);
    case ACTRI_PROTO_TOKEN_INTEGER:
    case ACTRI_PROTO_TOKEN_FLOAT: return read_signed(reader, value, false);
    default: break;
    }
    if (actri_proto_take_symbol(reader, '{')) return read_aggregate(reader, value);
    if (actri_proto_take_symbol(reader, '-')) return read_signed(reader, value, true);
    if (actri_proto_take_symbol(reader, '+')) return read_signed(reader, value, false);
    return actri_proto_expected(reader, "a value");
}

static actri_proto_option_t *read_assignment(actri_proto_reader_t *reader)
{
    actri_proto_option_t *option = actri_proto_new(reader, sizeof *option);
    if (option == NULL) return NULL;
    option->at = reader->token.at;
    if (!read_name(reader, &option->name) || !actri_proto_need_symbol(reader, '=') ||
        !read_value(reader, &option->value))
        return NULL;
    return option;
}

bool actri_proto_read_option(actri_proto_reader_t *reader, actri_proto_option_t ***tail)
{
    actri_proto_option_t *option = read_assignment(reader);
    if (option == NULL || !actri_proto_need_symbol(reader, ';')) return false;
    ACTRI_PROTO_APPEND(*tail, option);
    return true;
}

bool actri_proto_read_brackets(actri_proto_reader_t *reader, actri_proto_option_t **list)
{
    if (!actri_proto_take_symbol(reader, '[')) return actri_proto_good(reader);
    do {
        actri_proto_option_t *option = read_assignment(reader);
        if (option == NULL) return false;
        ACTRI_PROTO_APPEND(list, option);
    } while (actri_proto_take_symbol(reader, ','));
    return actri_proto_need_symbol(reader, ']');
}

const actri_proto_value_t *actri_proto_option(const actri_proto_option_t *options, const char *name)
{
    bool first = strcmp(name, "default") == 0 || strcmp(name, "json_name") == 0;
    const actri_proto_value_t *found = NULL;
    for (; options != NULL && !(first && found != NULL); options = options->next) {
        const actri_proto_name_part_t *part = options->name;
        if (!part->extension && part->next == NULL && strcmp(part->name, name) == 0) found = &options->value;
    }
    return found;
}
