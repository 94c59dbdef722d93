/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one C++ file of the library: toml++ read into the plain tree of toml.h. Its parser reports syntax errors as a
 * result, not by throwing; what can still be thrown is bad_alloc, from its own containers (they use operator new, not
 * our hook), and it ends here.
 */
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 128
#include <toml++/toml.h>

extern "C" {
#include "config/toml.h"
#include "config/toml_depth.h"
}

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

namespace
{

struct builder {
    actri_arena_t *arena;
    const char *file;
    actr_error_t *error;
    actr_status_t status;
};

actri_toml_t *build_value(builder &to, const toml::node &from);

bool has_zero(builder &to, std::string_view text, const toml::source_region &at)
{
    if (text.find('\0') == std::string_view::npos) return false;
    to.status = actri_fail(to.error, ACTR_STATUS_CONFIG_SYNTAX, "%s:%u:%u: a text may not hold a zero character",
                           to.file, at.begin.line, at.begin.column);
    return true;
}

void append(actri_toml_t *parent, actri_toml_t **&tail, actri_toml_t *child)
{
    *tail = child;
    tail = &child->next;
    parent->count++;
}

bool before(const toml::source_position &a, const toml::source_position &b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* toml++ sorts by key; people read in the order of the file. */
bool build_table(builder &to, actri_toml_t *parent, const toml::table &table)
{
    std::vector<std::pair<const toml::key *, const toml::node *>> rows;
    for (auto &&[key, value] : table) rows.emplace_back(&key, &value);
    std::stable_sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) {
        return before(a.first->source().begin, b.first->source().begin);
    });
    actri_toml_t **tail = &parent->first;
    for (const auto &[key, value] : rows) {
        if (has_zero(to, key->str(), key->source())) return false;
        actri_toml_t *child = build_value(to, *value);
        if (child == nullptr) return false;
        child->key = actri_arena_strndup(to.arena, key->str().data(), key->str().size());
        if (child->key == nullptr) return false;
        child->key_line = key->source().begin.line;
        child->key_column = key->source().begin.column;
        append(parent, tail, child);
    }
    return true;
}

bool build_array(builder &to, actri_toml_t *parent, const toml::array &array)
{
    actri_toml_t **tail = &parent->first;
    for (auto &&value : array) {
        actri_toml_t *child = build_value(to, value);
        if (child == nullptr) return false;
        append(parent, tail, child);
    }
    return true;
}

bool build_scalar(builder &to, actri_toml_t *node, const toml::node &from)
{
    if (const auto *text = from.as_string()) {
        node->kind = ACTRI_TOML_STRING;
        const std::string &value = text->get();
        if (has_zero(to, value, from.source())) return false;
        node->text = actri_arena_strndup(to.arena, value.data(), value.size());
        return node->text != nullptr;
    }
    if (const auto *number = from.as_integer()) {
        node->kind = ACTRI_TOML_INTEGER;
        node->integer = number->get();
    } else if (const auto *real = from.as_floating_point()) {
        node->kind = ACTRI_TOML_FLOAT;
        node->real = real->get();
    } else if (const auto *truth = from.as_boolean()) {
        node->kind = ACTRI_TOML_BOOL;
        node->truth = truth->get();
    } else {
        node->kind = ACTRI_TOML_DATE;
    }
    return true;
}

actri_toml_t *build_value(builder &to, const toml::node &from)
{
    auto *node = static_cast<actri_toml_t *>(actri_arena_alloc(to.arena, sizeof(actri_toml_t)));
    if (node == nullptr) return nullptr;
    memset(node, 0, sizeof *node);
    node->file = to.file;
    node->line = from.source().begin.line;
    node->column = from.source().begin.column;
    bool good;
    if (const toml::table *table = from.as_table()) {
        node->kind = ACTRI_TOML_TABLE;
        good = build_table(to, node, *table);
    } else if (const toml::array *array = from.as_array()) {
        node->kind = ACTRI_TOML_ARRAY;
        good = build_array(to, node, *array);
    } else {
        good = build_scalar(to, node, from);
    }
    return good ? node : nullptr;
}

actr_status_t syntax_error(const char *file, const toml::parse_error &problem, actr_error_t *error)
{
    std::string_view what = problem.description();
    const toml::source_position at = problem.source().begin;
    return actri_fail(error, ACTR_STATUS_CONFIG_SYNTAX, "%s:%u:%u: %.*s", file, at.line, at.column,
                      static_cast<int>(what.size()), what.data());
}

} // namespace

extern "C" actr_status_t actri_toml_parse(actri_arena_t *arena, const char *file, const char *text, size_t size,
                                          actri_toml_t **out, actr_error_t *error)
{
    unsigned line;
    if (!actri_toml_depth_ok(text, size, &line)) {
        return actri_fail(error, ACTR_STATUS_CONFIG_SYNTAX, "%s:%u:1: nested deeper than %d levels", file, line,
                          ACTRI_TOML_NESTING);
    }
    try {
        toml::parse_result result = toml::parse(std::string_view(text, size));
        if (!result) return syntax_error(file, result.error(), error);
        builder to = {arena, actri_arena_strndup(arena, file, strlen(file)), error, ACTR_OK};
        *out = to.file == nullptr ? nullptr : build_value(to, result.table());
        if (to.status != ACTR_OK) return to.status;
        return *out == nullptr ? actri_no_memory(error) : ACTR_OK;
    } catch (const std::bad_alloc &) {
        return actri_no_memory(error);
    }
}

extern "C" const actri_toml_t *actri_toml_get(const actri_toml_t *table, const char *key)
{
    if (table == nullptr || table->kind != ACTRI_TOML_TABLE) return nullptr;
    for (const actri_toml_t *child = table->first; child != nullptr; child = child->next) {
        if (strcmp(child->key, key) == 0) return child;
    }
    return nullptr;
}

extern "C" const char *actri_toml_kind_name(actri_toml_kind_t kind)
{
    static const char *const names[] = {"a table",          "a list",        "a string",      "an integer",
                                        "a decimal number", "true or false", "a date or time"};
    return names[kind];
}
