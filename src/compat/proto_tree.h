/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a .proto file says, as a tree. Everything lives in the arena of the actri_proto_set_t that the file was read
 * into; lists keep the order of the text. One thread at a time.
 */
#ifndef ACTRI_PROTO_TREE_H
#define ACTRI_PROTO_TREE_H

#include "base/arena.h"
#include "base/map.h"

/* A text from somebody else costs at most this much. */
#define ACTRI_PROTO_TEXT_MAX ((size_t)1 << 20) /* bytes of one file */
#define ACTRI_PROTO_DEPTH_MAX 100              /* messages in messages, braces in option values */
#define ACTRI_PROTO_NAME_MAX 512               /* bytes of a full name */
#define ACTRI_PROTO_FIELD_MAX 536870911        /* what "max" stands for in a range */

typedef struct actri_proto_position {
    uint32_t line, column; /* from 1; 0: in no text */
} actri_proto_position_t;

/* Zero-terminated as well, but may hold zeros. */
typedef struct actri_proto_text {
    const char *data;
    size_t size;
} actri_proto_text_t;

typedef enum actri_proto_value_kind {
    ACTRI_PROTO_IDENT,
    ACTRI_PROTO_INTEGER, /* magnitude and sign */
    ACTRI_PROTO_FLOAT,
    ACTRI_PROTO_BOOL,
    ACTRI_PROTO_STRING,
    ACTRI_PROTO_AGGREGATE, /* { name: value ... } */
    ACTRI_PROTO_LIST,      /* [ value, ... ], only inside an aggregate */
} actri_proto_value_kind_t;

typedef struct actri_proto_option actri_proto_option_t;

typedef struct actri_proto_value {
    actri_proto_value_kind_t kind;
    actri_proto_position_t at;
    bool negative, boolean;
    uint64_t integer;
    double number;
    actri_proto_text_t text;       /* of an identifier or a string */
    actri_proto_option_t *members; /* of an aggregate; of a list, without names */
} actri_proto_value_t;

/* One component of an option's name: `deprecated`, or `(acme.note)`. */
typedef struct actri_proto_name_part {
    const char *name;
    bool extension;
    struct actri_proto_name_part *next;
} actri_proto_name_part_t;

struct actri_proto_option {
    actri_proto_name_part_t *name;
    actri_proto_position_t at;
    actri_proto_value_t value;
    actri_proto_option_t *next;
};

typedef enum actri_proto_label {
    ACTRI_PROTO_NO_LABEL,
    ACTRI_PROTO_OPTIONAL,
    ACTRI_PROTO_REQUIRED,
    ACTRI_PROTO_REPEATED,
} actri_proto_label_t;

typedef enum actri_proto_scalar {
    ACTRI_PROTO_NAMED, /* no scalar: a message or an enum */
    ACTRI_PROTO_TYPE_DOUBLE,
    ACTRI_PROTO_TYPE_FLOAT,
    ACTRI_PROTO_TYPE_INT32,
    ACTRI_PROTO_TYPE_INT64,
    ACTRI_PROTO_TYPE_UINT32,
    ACTRI_PROTO_TYPE_UINT64,
    ACTRI_PROTO_TYPE_SINT32,
    ACTRI_PROTO_TYPE_SINT64,
    ACTRI_PROTO_TYPE_FIXED32,
    ACTRI_PROTO_TYPE_FIXED64,
    ACTRI_PROTO_TYPE_SFIXED32,
    ACTRI_PROTO_TYPE_SFIXED64,
    ACTRI_PROTO_TYPE_BOOL,
    ACTRI_PROTO_TYPE_STRING,
    ACTRI_PROTO_TYPE_BYTES,
} actri_proto_scalar_t;

typedef struct actri_proto_message actri_proto_message_t;
typedef struct actri_proto_enum actri_proto_enum_t;

typedef struct actri_proto_field {
    const char *name;
    int32_t number;
    actri_proto_label_t label;
    actri_proto_scalar_t scalar;
    const char *type_text;                /* as written; NULL for scalars, maps and groups */
    const char *type_name;                /* "int32", or ".acme.Item"; known after linking when it is a written name */
    const actri_proto_message_t *message; /* one of the two, when not scalar */
    const actri_proto_enum_t *enumeration;
    bool group, map;
    int oneof; /* index, or -1 */
    actri_proto_text_t json_name;
    bool has_default;
    actri_proto_text_t default_text;
    const char *extendee_text, *extendee; /* of an extension: as written; ".acme.Base" */
    actri_proto_option_t *options;
    actri_proto_position_t at;
    struct actri_proto_field *next;
} actri_proto_field_t;

typedef struct actri_proto_oneof {
    const char *name;
    bool synthetic; /* of a proto3 `optional` */
    actri_proto_option_t *options;
    struct actri_proto_oneof *next;
} actri_proto_oneof_t;

typedef struct actri_proto_range {
    int64_t start, end; /* both belong to it */
    struct actri_proto_range *next;
} actri_proto_range_t;

typedef struct actri_proto_word {
    actri_proto_text_t text;
    struct actri_proto_word *next;
} actri_proto_word_t;

typedef struct actri_proto_enum_value {
    const char *name;
    int32_t number;
    actri_proto_option_t *options;
    actri_proto_position_t at;
    struct actri_proto_enum_value *next;
} actri_proto_enum_value_t;

struct actri_proto_enum {
    const char *name, *full_name; /* full names begin with a dot: ".acme.Color" */
    actri_proto_enum_value_t *values;
    size_t value_count;
    const actri_proto_enum_value_t **by_name; /* sorted; after linking */
    actri_proto_range_t *reserved;
    actri_proto_word_t *reserved_names;
    actri_proto_option_t *options;
    actri_proto_position_t at;
    actri_proto_enum_t *next;
};

/* A field under its name, and once more under its json name when that is another. */
typedef struct actri_proto_field_name {
    actri_proto_text_t text;
    const actri_proto_field_t *field;
} actri_proto_field_name_t;

struct actri_proto_message {
    const char *name, *full_name;
    actri_proto_field_t *fields;
    size_t field_count;
    actri_proto_field_name_t *by_name; /* sorted; after linking */
    size_t by_name_count;
    const actri_proto_field_t **by_number; /* field_count of them, sorted; after linking */
    actri_proto_message_t *messages;
    actri_proto_enum_t *enums;
    actri_proto_oneof_t *oneofs;
    int oneof_count;
    actri_proto_field_t *extensions;
    actri_proto_range_t *reserved, *extension_ranges;
    actri_proto_word_t *reserved_names;
    bool map_entry; /* made for a map field */
    actri_proto_option_t *options;
    actri_proto_position_t at;
    actri_proto_message_t *next;
};

typedef struct actri_proto_method {
    const char *name;
    const char *input_text, *output_text; /* as written */
    const char *input, *output;           /* ".acme.Item" */
    bool client_streaming, server_streaming;
    actri_proto_option_t *options;
    actri_proto_position_t at;
    struct actri_proto_method *next;
} actri_proto_method_t;

typedef struct actri_proto_service {
    const char *name, *full_name;
    actri_proto_method_t *methods;
    actri_proto_option_t *options;
    actri_proto_position_t at;
    struct actri_proto_service *next;
} actri_proto_service_t;

typedef struct actri_proto_import {
    actri_proto_text_t path;
    actri_proto_position_t at;
    struct actri_proto_import *next;
} actri_proto_import_t;

typedef struct actri_proto_file {
    const char *name; /* for messages; a built-in's import path */
    bool proto3;
    const char *package; /* NULL: none */
    actri_proto_import_t *imports;
    actri_proto_message_t *messages;
    actri_proto_enum_t *enums;
    actri_proto_service_t *services;
    actri_proto_field_t *extensions;
    actri_proto_option_t *options;
    /* after linking */
    bool linked;
    actri_map_t symbols;                     /* full name -> actri_proto_symbol_t */
    const struct actri_proto_file **visible; /* itself first, then the files whose names it may use */
    size_t visible_count;
    struct actri_proto_file *next; /* in its set */
} actri_proto_file_t;

/* What a full name stands for; more than one when the text is careless. */
typedef struct actri_proto_symbol {
    actri_proto_message_t *message;
    actri_proto_enum_t *enumeration;
    actri_proto_field_t *extension;
    actri_proto_service_t *service;
    const char *full_name;
} actri_proto_symbol_t;

#define ACTRI_PROTO_FILES_MAX 256                 /* that one set takes through imports */
#define ACTRI_PROTO_IMPORTS_MAX ((size_t)4 << 20) /* bytes of them */

/* Files that were read together: the built-in ones are read once. */
typedef struct actri_proto_set {
    actri_arena_t arena;
    actri_proto_file_t *builtins;
    actri_proto_file_t *files; /* the last one first */
    /*
     * The text of an imported file; false: it is not known, nor are its names. NULL: no import is, as in the reference.
     * With it texts are read for their types alone: options of any name are taken.
     */
    bool (*find)(void *user, const char *path, actri_proto_text_t *out);
    void *find_user;
    unsigned file_count;
    size_t imported; /* bytes */
} actri_proto_set_t;

void actri_proto_set_init(actri_proto_set_t *set, const actri_env_t *env);
void actri_proto_set_clear(actri_proto_set_t *set);

/* How a text is taken. */
typedef enum actri_proto_mode {
    ACTRI_PROTO_AS_REFERENCE, /* with the reference's slips that have an answer: `import "input.proto"` */
    ACTRI_PROTO_AS_WRITTEN,   /* without */
} actri_proto_mode_t;

/*
 * Reads one file. It opens no file: an import gives names only when it is one of google/protobuf/'s, or the set finds
 * it. `name` is for messages. Errors "name:line:column: ...": PROTO_SYNTAX, or PROTO_UNSUPPORTED for what
 * parses elsewhere; else NO_MEMORY. *out lives as long as the set.
 * spec: naming-and-compat 5.1.
 */
ACTR_MUST_CHECK actr_status_t actri_proto_read(actri_proto_set_t *set, const char *name, const char *text, size_t size,
                                               actri_proto_mode_t mode, const actri_proto_file_t **out,
                                               actr_error_t *error);

/* "int32"; NULL for ACTRI_PROTO_NAMED. */
const char *actri_proto_scalar_name(actri_proto_scalar_t scalar);
/* The value of a built-in option; the last one written, but the first `default` and `json_name`. NULL: not written. */
const actri_proto_value_t *actri_proto_option(const actri_proto_option_t *options, const char *name);
/* Bytewise. */
int actri_proto_text_compare(const actri_proto_text_t *a, const actri_proto_text_t *b);

#endif
