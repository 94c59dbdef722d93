// SPDX-License-Identifier: Apache-2.0
// toml++ behind a C face: the one C++ file of the library, without exceptions.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

extern "C" {
#include "config/toml.h"
}

#include <cstdio>
#include <new>
#include <string>

namespace
{
constexpr size_t most_entries = 10000;
constexpr int most_levels = 64;

struct walker {
    actri_arena_t *arena;
    actri_toml_t *out;
    size_t capacity;
    bool too_much;

    actri_toml_entry_t *add(const std::string &path, actri_toml_kind_t kind, const toml::node &node)
    {
        if (out->count == most_entries) too_much = true;
        if (too_much) return nullptr;
        if (out->count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            auto *grown =
                static_cast<actri_toml_entry_t *>(actri_arena_alloc(arena, capacity * sizeof(actri_toml_entry_t)));
            if (grown == nullptr) return nullptr;
            for (size_t i = 0; i < out->count; i++) grown[i] = out->entries[i];
            out->entries = grown;
        }
        actri_toml_entry_t *entry = &out->entries[out->count++];
        *entry = {};
        entry->path = actri_arena_strndup(arena, path.data(), path.size());
        entry->kind = kind;
        entry->line = node.source().begin.line;
        entry->column = node.source().begin.column;
        return entry;
    }

    void table(const std::string &path, const toml::table &node, int level)
    {
        for (auto &&[key, value] : node) {
            std::string name(key.str());
            visit(path.empty() ? name : path + "." + name, value, level + 1);
        }
    }

    void array(const std::string &path, const toml::array &node, int level)
    {
        size_t index = 0;
        for (auto &&value : node) visit(path + "[" + std::to_string(index++) + "]", value, level + 1);
    }

    void visit(const std::string &path, const toml::node &node, int level)
    {
        if (level > most_levels) too_much = true;
        if (too_much || arena->failed) return;
        if (const auto *text = node.as_string()) {
            if (auto *entry = add(path, ACTRI_TOML_STRING, node)) {
                entry->string = actri_arena_strndup(arena, text->get().data(), text->get().size());
            }
        } else if (const auto *number = node.as_integer()) {
            if (auto *entry = add(path, ACTRI_TOML_INTEGER, node)) entry->integer = number->get();
        } else if (const auto *flag = node.as_boolean()) {
            if (auto *entry = add(path, ACTRI_TOML_BOOLEAN, node)) entry->boolean = flag->get();
        } else if (const auto *list = node.as_array()) {
            if (auto *entry = add(path, ACTRI_TOML_ARRAY, node)) entry->count = list->size();
            array(path, *list, level);
        } else if (const auto *members = node.as_table()) {
            (void)add(path, ACTRI_TOML_TABLE, node);
            table(path, *members, level);
        } else {
            (void)add(path, ACTRI_TOML_OTHER, node);
        }
    }
};
} // namespace

extern "C" actr_status_t actri_toml_parse(actri_arena_t *arena, const char *name, const char *text, size_t size,
                                          actri_toml_t *out, actr_error_t *error)
{
    *out = {};
    toml::parse_result result = toml::parse(std::string_view(text, size));
    if (!result) {
        const auto &problem = result.error();
        std::string words(problem.description());
        return actri_fail(error, ACTR_STATUS_CONFIG_SYNTAX, "%.120s:%u:%u: %.230s", name,
                          static_cast<unsigned>(problem.source().begin.line),
                          static_cast<unsigned>(problem.source().begin.column), words.c_str());
    }
    walker walk{arena, out, 0, false};
    walk.table("", result.table(), 0);
    if (walk.too_much) {
        return actri_fail(error, ACTR_STATUS_CONFIG_SYNTAX, "%.120s: more than %zu values or %d levels", name,
                          most_entries, most_levels);
    }
    return arena->failed ? actri_no_memory(error) : ACTR_OK;
}
