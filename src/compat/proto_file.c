/* SPDX-License-Identifier: Apache-2.0 */
/* A whole .proto file: its statements, its imports, then linking. Pure. */
#include "compat/proto_builtin.h"
#include "compat/proto_imports.h"
#include "compat/proto_linker.h"

#include "base/utf8.h"

#include <string.h>

/* The tails of what a file holds. */
typedef struct statements {
    actri_proto_reader_t *reader;
    actri_proto_file_t *file;
    const actri_proto_imports_t *paths;
    actri_proto_scope_t scope;
    actri_proto_import_t **imports;
    actri_proto_service_t **services;
    actri_proto_option_t **options;
} statements_t;

static bool read_syntax(actri_proto_reader_t *reader)
{
    actri_proto_text_t text;
    actri_proto_position_t at = reader->token.at;
    if (actri_proto_is_word(reader, "edition"))
        return actri_proto_refuse(reader, at, "editions are not known, only proto2 and proto3");
    if (!actri_proto_take_word(reader, "syntax")) return true;
    if (!actri_proto_need_symbol(reader, '=')) return false;
    at = reader->token.at;
    if (!actri_proto_need_string(reader, true, &text) || !actri_proto_need_symbol(reader, ';')) return false;
    reader->proto3 = text.size == 6 && memcmp(text.data, "proto3", 6) == 0;
    bool proto2 = text.size == 6 && memcmp(text.data, "proto2", 6) == 0;
    return reader->proto3 || proto2 || actri_proto_wrong(reader, at, "the syntax must be \"proto2\" or \"proto3\"");
}

static bool read_import(statements_t *s)
{
    actri_proto_import_t *import = actri_proto_new(s->reader, sizeof *import);
    if (import == NULL) return false;
    if (!actri_proto_take_word(s->reader, "public")) (void)actri_proto_take_word(s->reader, "weak");
    import->at = s->reader->token.at;
    if (!actri_proto_need_string(s->reader, true, &import->path) || !actri_proto_need_symbol(s->reader, ';'))
        return false;
    ACTRI_PROTO_APPEND(s->imports, import);
    return actri_proto_imports_check(s->reader, s->paths, import);
}

static bool read_package(statements_t *s)
{
    s->file->package = actri_proto_need_path(s->reader, false);
    return s->file->package != NULL && actri_proto_need_symbol(s->reader, ';');
}

static bool read_statement(statements_t *s)
{
    actri_proto_reader_t *reader = s->reader;
    if (actri_proto_take_symbol(reader, ';')) return true;
    if (actri_proto_take_word(reader, "import")) return read_import(s);
    if (actri_proto_take_word(reader, "package")) return read_package(s);
    if (actri_proto_take_word(reader, "option")) return actri_proto_read_option(reader, &s->options);
    if (actri_proto_take_word(reader, "message")) return actri_proto_read_message(reader, &s->scope);
    if (actri_proto_take_word(reader, "enum")) return actri_proto_read_enum(reader, &s->scope);
    if (actri_proto_take_word(reader, "extend")) return actri_proto_read_extend(reader, &s->scope);
    if (actri_proto_take_word(reader, "service")) return actri_proto_read_service(reader, &s->services);
    return actri_proto_expected(reader, "message, enum, service, extend, option, import or package");
}

static bool read_statements(actri_proto_reader_t *reader, const actri_proto_imports_t *paths, actri_proto_file_t *file)
{
    statements_t s = {
        .reader = reader,
        .file = file,
        .paths = paths,
        .scope = {&file->messages, &file->enums, &file->extensions},
        .imports = &file->imports,
        .services = &file->services,
        .options = &file->options,
    };
    while (reader->token.kind != ACTRI_PROTO_TOKEN_END) {
        if (!read_statement(&s)) return false;
    }
    return actri_proto_good(reader);
}

static bool sees(const actri_proto_file_t *file, const actri_proto_file_t *other)
{
    for (size_t i = 0; i < file->visible_count; i++) {
        if (file->visible[i] == other) return true;
    }
    return false;
}

/* Reads the file unless it was, or nobody knows it. False: latched. */
static bool load_import(actri_proto_set_t *set, actri_proto_reader_t *reader, const actri_proto_import_t *import)
{
    actri_proto_text_t text;
    const actri_proto_file_t *file = set->files;
    while (file != NULL && strcmp(file->name, import->path.data) != 0) file = file->next;
    if (file != NULL && !file->linked) {
        return actri_proto_wrong(reader, import->at, "%.200s imports itself, by way of others", import->path.data);
    }
    if (file != NULL || !set->find(set->find_user, import->path.data, &text)) return true;
    if (set->file_count >= ACTRI_PROTO_FILES_MAX) {
        return actri_proto_refuse(reader, import->at, "more than %d imported files", ACTRI_PROTO_FILES_MAX);
    }
    if (text.size > ACTRI_PROTO_IMPORTS_MAX - set->imported) {
        return actri_proto_refuse(reader, import->at, "imports of more than %zu bytes", ACTRI_PROTO_IMPORTS_MAX);
    }
    set->imported += text.size;
    actr_status_t status =
        actri_proto_read(set, import->path.data, text.data, text.size, ACTRI_PROTO_AS_WRITTEN, &file, reader->error);
    if (status == ACTR_OK) return true;
    reader->status = status;
    reader->token.kind = ACTRI_PROTO_TOKEN_END;
    return false;
}

static void add_visible(actri_proto_file_t *file, const actri_proto_file_t *others)
{
    for (const actri_proto_file_t *other = others; other != NULL; other = other->next) {
        if (other->linked && !sees(file, other)) file->visible[file->visible_count++] = other;
    }
}

/* All that was read: whether an import leads there is the compiler's business, not that of whoever needs the types. */
static bool find_all(actri_proto_set_t *set, actri_proto_reader_t *reader, actri_proto_file_t *file)
{
    size_t count = 1;
    for (const actri_proto_import_t *import = file->imports; import != NULL; import = import->next) {
        bool builtin = actri_proto_builtin_text(&import->path) != NULL;
        if (builtin && actri_proto_load_builtin(set, reader, &import->path) == NULL) return false;
        if (!builtin && !load_import(set, reader, import)) return false;
    }
    for (const actri_proto_file_t *other = set->builtins; other != NULL; other = other->next) count++;
    for (const actri_proto_file_t *other = set->files; other != NULL; other = other->next) count++;
    file->visible = actri_proto_new(reader, count * sizeof *file->visible);
    if (file->visible == NULL) return false;
    file->visible[file->visible_count++] = file;
    add_visible(file, set->files);
    add_visible(file, set->builtins);
    return true;
}

#define VISIBLE_MAX 12 /* the file itself and the built-in ones */

static bool find_visible(actri_proto_set_t *set, actri_proto_reader_t *reader, actri_proto_file_t *file)
{
    if (set->find != NULL) return find_all(set, reader, file);
    file->visible = actri_proto_new(reader, VISIBLE_MAX * sizeof *file->visible);
    if (file->visible == NULL) return false;
    file->visible[file->visible_count++] = file;
    for (const actri_proto_import_t *import = file->imports; import != NULL; import = import->next) {
        if (actri_proto_builtin_text(&import->path) == NULL) continue;
        const actri_proto_file_t *other = actri_proto_load_builtin(set, reader, &import->path);
        if (other == NULL) return false;
        if (!sees(file, other) && file->visible_count < VISIBLE_MAX) file->visible[file->visible_count++] = other;
    }
    return true;
}

static actri_proto_file_t *new_file(actri_proto_set_t *set, actri_proto_file_t **list, const char *name)
{
    actri_proto_file_t *file = actri_arena_alloc(&set->arena, sizeof *file);
    if (file == NULL) return NULL;
    memset(file, 0, sizeof *file);
    file->name = name;
    actri_map_init(&file->symbols, set->arena.env);
    file->next = *list;
    *list = file;
    return file;
}

static bool finish(actri_proto_set_t *set, actri_proto_reader_t *reader, const actri_proto_imports_t *paths,
                   actri_proto_file_t *file)
{
    actri_proto_linker_t linker = {.reader = reader, .set = set, .file = file};
    file->proto3 = reader->proto3;
    file->linked = read_statements(reader, paths, file) && find_visible(set, reader, file) && actri_proto_link(&linker);
    return file->linked;
}

const actri_proto_file_t *actri_proto_load_builtin(actri_proto_set_t *set, actri_proto_reader_t *reader,
                                                   const actri_proto_text_t *path)
{
    static const actri_proto_imports_t none = {.own_name = false};
    const char *name = actri_proto_builtin_name(path), *text = actri_proto_builtin_text(path);
    for (actri_proto_file_t *file = set->builtins; file != NULL; file = file->next) {
        if (file->name == name) return file;
    }
    actri_proto_reader_t inner;
    actri_proto_reader_init(&inner, &set->arena, name, text, strlen(text), reader->error);
    inner.proto3 = true;
    actri_proto_file_t *file = new_file(set, &set->builtins, name);
    if (file != NULL) file->package = "google.protobuf";
    if (file != NULL && finish(set, &inner, &none, file)) return file;
    if (reader->status == ACTR_OK) reader->status = file == NULL ? actri_no_memory(reader->error) : inner.status;
    reader->token.kind = ACTRI_PROTO_TOKEN_END;
    return NULL;
}

void actri_proto_set_init(actri_proto_set_t *set, const actri_env_t *env)
{
    memset(set, 0, sizeof *set);
    actri_arena_init(&set->arena, env);
}

void actri_proto_set_clear(actri_proto_set_t *set)
{
    for (actri_proto_file_t *file = set->builtins; file != NULL; file = file->next) actri_map_clear(&file->symbols);
    for (actri_proto_file_t *file = set->files; file != NULL; file = file->next) actri_map_clear(&file->symbols);
    set->builtins = set->files = NULL;
    actri_arena_clear(&set->arena);
}

static bool check_text(actri_proto_reader_t *reader)
{
    for (size_t at = 0; at < reader->size;) {
        size_t length = actri_utf8_length((const uint8_t *)reader->text + at, reader->size - at);
        if (length == 0)
            return actri_proto_wrong(reader, (actri_proto_position_t){1, 1}, "the text is not UTF-8 (byte %zu)", at);
        at += length;
    }
    return true;
}

static bool read_all(actri_proto_set_t *set, actri_proto_reader_t *reader, actri_proto_mode_t mode,
                     actri_proto_file_t *file)
{
    actri_proto_imports_t paths = {.own_name = false};
    if (set->find != NULL) return check_text(reader) && read_syntax(reader) && finish(set, reader, NULL, file);
    bool good = check_text(reader) && actri_proto_imports_scan(reader, &paths);
    if (good && paths.own_name && mode == ACTRI_PROTO_AS_REFERENCE) {
        file->proto3 = true; /* and empty: what the reference reads after it has overwritten its own copy */
        good = find_visible(set, reader, file);
    } else if (good) {
        good = read_syntax(reader) && finish(set, reader, &paths, file);
    }
    actri_proto_imports_clear(&paths);
    return good;
}

actr_status_t actri_proto_read(actri_proto_set_t *set, const char *name, const char *text, size_t size,
                               actri_proto_mode_t mode, const actri_proto_file_t **out, actr_error_t *error)
{
    actri_proto_reader_t reader;
    *out = NULL;
    if (size > ACTRI_PROTO_TEXT_MAX)
        return actri_fail(error, ACTR_STATUS_PROTO_UNSUPPORTED, "%.200s: larger than %zu bytes", name,
                          ACTRI_PROTO_TEXT_MAX);
    char *copy = actri_arena_strndup(&set->arena, name, strlen(name));
    actri_proto_file_t *file = copy == NULL ? NULL : new_file(set, &set->files, copy);
    if (file == NULL) return actri_no_memory(error);
    set->file_count++;
    actri_proto_reader_init(&reader, &set->arena, copy, text, size, error);
    (void)read_all(set, &reader, mode, file);
    if (reader.status == ACTR_OK) *out = file;
    return reader.status;
}
