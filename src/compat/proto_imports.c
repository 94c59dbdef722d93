/* SPDX-License-Identifier: Apache-2.0 */
/* The line scan for imports, without the file system. Pure. */
#include "compat/proto_imports.h"

#include "compat/proto_builtin.h"

#include <string.h>

#define PATH_LIMIT 1024
#define GOOGLE "google/protobuf/"

typedef struct line {
    const char *data;
    size_t size;
    actri_proto_position_t at;
} line_t;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool take(line_t *line, const char *prefix)
{
    size_t size = strlen(prefix);
    if (line->size < size || memcmp(line->data, prefix, size) != 0) return false;
    line->data += size;
    line->size -= size;
    return true;
}

/* `import "path";` and `import public "path";` alone on a line: leaves the path. */
static bool is_import(line_t *line)
{
    while (line->size > 0 && is_blank(line->data[0])) {
        line->data++;
        line->size--;
        line->at.column++;
    }
    while (line->size > 0 && is_blank(line->data[line->size - 1])) line->size--;
    if (!take(line, "import ")) return false;
    (void)take(line, "public ");
    if (!take(line, "\"") || line->size < 2 || memcmp(line->data + line->size - 2, "\";", 2) != 0) return false;
    line->size -= 2;
    return memchr(line->data, '"', line->size) == NULL;
}

/* The next component of a path; empty ones are skipped. False: no more. */
static bool component(const line_t *path, size_t *at, line_t *out)
{
    while (*at < path->size && path->data[*at] == '/') (*at)++;
    out->data = path->data + *at;
    out->size = 0;
    while (*at < path->size && path->data[*at] != '/') {
        (*at)++;
        out->size++;
    }
    return out->size > 0;
}

static bool equals(const line_t *line, const char *text)
{
    return line->size == strlen(text) && memcmp(line->data, text, line->size) == 0;
}

/* Where the reference would write: refuses what leaves the folder or is no file there. */
static bool look_at(actri_proto_reader_t *reader, const line_t *path, bool *own_name)
{
    size_t at = 0, depth = 0, names = 0;
    bool first_is_own = false;
    line_t name;
    if (path->size > PATH_LIMIT) return actri_proto_refuse(reader, path->at, "this import's path is too long");
    if (path->size > 0 && path->data[0] == '/')
        return actri_proto_refuse(reader, path->at, "the import of \"%.*s\" is an absolute path", (int)path->size,
                                  path->data);
    while (component(path, &at, &name)) {
        if (equals(&name, ".")) continue;
        if (equals(&name, "..")) {
            if (depth == 0)
                return actri_proto_refuse(reader, path->at, "the import of \"%.*s\" leaves the folder", (int)path->size,
                                          path->data);
            depth--;
            continue;
        }
        if (depth == 0) first_is_own = equals(&name, "input.proto");
        depth++;
        names++;
    }
    if (depth == 0 || names == 0 || path->data[path->size - 1] == '/')
        return actri_proto_refuse(reader, path->at, "the import of \"%.*s\" names no file", (int)path->size,
                                  path->data);
    if (first_is_own && depth > 1) return actri_proto_refuse(reader, path->at, "input.proto is no folder");
    *own_name |= first_is_own;
    return true;
}

static bool remember(actri_proto_reader_t *reader, actri_proto_imports_t *out, const line_t *path)
{
    static char present;
    if (!look_at(reader, path, &out->own_name)) return false;
    if (actri_map_get(&out->paths, path->data, path->size) != NULL) return true;
    if (actri_map_put(&out->paths, path->data, path->size, &present) == ACTR_OK) return true;
    reader->status = actri_no_memory(reader->error);
    return false;
}

bool actri_proto_imports_scan(actri_proto_reader_t *reader, actri_proto_imports_t *out)
{
    actri_map_init(&out->paths, reader->arena->env);
    out->own_name = false;
    uint32_t number = 1;
    for (size_t at = 0; at < reader->size; number++) {
        const char *begin = reader->text + at, *end = memchr(begin, '\n', reader->size - at);
        line_t line = {begin, end == NULL ? reader->size - at : (size_t)(end - begin), {number, 1}};
        at += line.size + 1;
        if (is_import(&line) && !remember(reader, out, &line)) return false;
    }
    return true;
}

void actri_proto_imports_clear(actri_proto_imports_t *imports)
{
    actri_map_clear(&imports->paths);
}

static bool has_odd_component(const line_t *path)
{
    if (path->size == 0 || path->data[0] == '/' || path->data[path->size - 1] == '/') return true;
    size_t begin = 0;
    for (size_t i = 0; i <= path->size; i++) {
        if (i < path->size && path->data[i] != '/') continue;
        line_t name = {path->data + begin, i - begin, {0, 0}};
        if (name.size == 0 || equals(&name, ".") || equals(&name, "..")) return true;
        begin = i + 1;
    }
    return false;
}

bool actri_proto_imports_check(actri_proto_reader_t *reader, const actri_proto_imports_t *imports,
                               const actri_proto_import_t *import)
{
    line_t path = {import->path.data, import->path.size, import->at}, rest = path;
    int shown = path.size > 100 ? 100 : (int)path.size;
    if (has_odd_component(&path))
        return actri_proto_refuse(reader, import->at, "the import of \"%.*s\" has an empty, \".\" or \"..\" component",
                                  shown, path.data);
    if (imports == NULL) return true;
    if (take(&rest, GOOGLE)) {
        if (actri_proto_builtin_text(&import->path) != NULL) return true;
        return actri_proto_refuse(reader, import->at, "there is no \"%.*s\" among the built-in files", shown,
                                  path.data);
    }
    if (actri_map_get(&imports->paths, path.data, path.size) != NULL) return true;
    return actri_proto_refuse(reader, import->at,
                              "the import of \"%.*s\" is not understood; write import \"path\"; alone on its line",
                              shown, path.data);
}
