/* SPDX-License-Identifier: Apache-2.0 */
/* Lock files: the 30 recorded ones read and written as the reference does, and what tools do with one. */
#include "check.h"

#include "config/lock.h"
#include "oom.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set(json_t *object, const char *key, const char *value)
{
    if (value != NULL) json_object_set_new(object, key, json_string(value));
}

static json_t *entry_json(const actri_lock_entry_t *entry)
{
    json_t *out = json_object(), *files = json_array();
    set(out, "name", entry->name);
    set(out, "actr_type", entry->actr_type);
    set(out, "description", entry->description);
    set(out, "fingerprint", entry->fingerprint);
    set(out, "cached_at", entry->cached_at);
    if (entry->has_published_at) json_object_set_new(out, "published_at", json_integer(entry->published_at));
    if (entry->tags.count > 0) json_object_set_new(out, "tags", json_array());
    for (size_t i = 0; i < entry->tags.count; i++)
        json_array_append_new(json_object_get(out, "tags"), json_string(entry->tags.items[i]));
    for (size_t i = 0; i < entry->file_count; i++) {
        json_t *file = json_object();
        set(file, "package", entry->files[i].package);
        set(file, "path", entry->files[i].path);
        set(file, "content", entry->files[i].content);
        set(file, "fingerprint", entry->files[i].fingerprint);
        json_array_append_new(files, file);
    }
    json_object_set_new(out, "files", files);
    return out;
}

static json_t *lock_json(const actri_lock_t *lock)
{
    json_t *out = json_object();
    if (lock->has_metadata)
        json_object_set_new(
            out, "metadata",
            json_pack("{s:I, s:s}", "version", (json_int_t)lock->version, "generated_at", lock->generated_at));
    if (lock->count > 0 || lock->form == 'A') json_object_set_new(out, "dependency", json_array());
    for (size_t i = 0; i < lock->count; i++)
        json_array_append_new(json_object_get(out, "dependency"), entry_json(&lock->entries[i]));
    return out;
}

static void check_case(json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    char form = strcmp(json_string_value(json_object_get(row, "level")), "0.1.6") == 0 ? 'A' : 'B';
    json_t *expected = json_object_get(row, "expected");
    bool good = json_is_true(json_object_get(expected, "ok"));
    actri_config_source_t source = actri_config_source_real();
    actri_lock_t lock;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status =
        actri_lock_load(NULL, &source, form, json_string_value(json_object_get(row, "file")), &lock, &error);
    if ((status == ACTR_OK) != good) fail_msg("%s: %s: %s", name, actr_status_name(status), error.message);
    if (!good) return;
    json_t *got = lock_json(&lock);
    if (!json_equal(got, json_object_get(expected, "value"))) fail_msg("%s: another value", name);
    json_decref(got);
    actri_text_t text = {0};
    actri_lock_print(&lock, &text);
    const char *saved = json_string_value(json_object_get(expected, "saved_text"));
    if (saved != NULL) assert_string_equal(saved, text.data == NULL ? "" : text.data);
    actri_free(NULL, text.data);
    actri_lock_clear(&lock);
}

static void every_recorded_lock_file_is_read_and_written_alike(void **state)
{
    (void)state;
    json_error_t problem;
    size_t number;
    assert_int_equal(0, chdir(ACTR_VECTORS "/config"));
    json_t *all = json_load_file("cases.json", 0, &problem), *row;
    assert_non_null(all);
    json_array_foreach(json_object_get(all, "lock"), number, row) check_case(row);
    assert_int_equal(30, number);
    print_message("lock files: %zu run\n", number);
    json_decref(all);
}

static const char *const tags[] = {"stable", "v\"2\""};
static const actri_lock_file_t files[] = {{"p", "line \"\"\"one\"\"\"\n\\two\x01\n", NULL, "semantic:1"}};
static const actri_lock_entry_t entry = {.name = "b",
                                         .actr_type = "acme+b",
                                         .fingerprint = "f1",
                                         .cached_at = "now",
                                         .has_published_at = true,
                                         .published_at = -5,
                                         .tags = {tags, 2},
                                         .files = files,
                                         .file_count = 1};

static void entries_are_replaced_sorted_and_removed(void **state)
{
    (void)state;
    actri_lock_t lock;
    actri_lock_entry_t other = entry;
    assert_ok(actri_lock_new(NULL, 'A', "t0", &lock, NULL), NULL);
    assert_ok(actri_lock_add(&lock, &entry, NULL), NULL);
    other.name = "a";
    other.actr_type = "acme+c";
    other.fingerprint = "f2";
    assert_ok(actri_lock_add(&lock, &other, NULL), NULL);
    other.name = "b";
    other.fingerprint = "f3";
    assert_ok(actri_lock_add(&lock, &other, NULL), NULL);
    assert_int_equal(2, lock.count);
    assert_string_equal("a", lock.entries[0].name);
    assert_string_equal("f3", actri_lock_get(&lock, "b")->fingerprint);
    assert_true(actri_lock_remove(&lock, "b"));
    assert_false(actri_lock_remove(&lock, "b"));
    assert_null(actri_lock_get(&lock, "b"));
    for (int i = 0; i < 100; i++) { /* beyond the first room */
        char name[16];
        (void)snprintf(name, sizeof name, "n%02d", 99 - i);
        other.name = name;
        assert_ok(actri_lock_add(&lock, &other, NULL), NULL);
    }
    assert_string_equal("n99", lock.entries[100].name);
    actri_lock_clear(&lock);
}

static void a_fingerprint_is_found_by_name_and_then_by_type(void **state)
{
    (void)state;
    static const char *const names[] = {"acme/echo", "acme+echo", "echo"};
    actri_lock_t lock;
    assert_ok(actri_lock_new(NULL, 'B', "t0", &lock, NULL), NULL);
    actri_lock_entry_t by_type = {.name = "alias", .actr_type = "acme+echo", .fingerprint = "by type", .cached_at = ""};
    assert_null(actri_lock_fingerprint(&lock, "acme", "echo"));
    assert_ok(actri_lock_add(&lock, &by_type, NULL), NULL);
    assert_string_equal("by type", actri_lock_fingerprint(&lock, "acme", "echo"));
    for (size_t i = 3; i-- > 0;) {
        actri_lock_entry_t by_name = {.name = names[i], .actr_type = "", .fingerprint = names[i], .cached_at = ""};
        assert_ok(actri_lock_add(&lock, &by_name, NULL), NULL);
        assert_string_equal(names[i], actri_lock_fingerprint(&lock, "acme", "echo"));
    }
    actri_lock_clear(&lock);
}

static void what_is_saved_is_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/actr-lock-XXXXXX", path[64];
    actri_lock_t lock, again;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_config_source_t source = actri_config_source_real();
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/actr.lock.toml", folder);
    assert_ok(actri_lock_new(NULL, 'A', "t0", &lock, NULL), NULL);
    assert_ok(actri_lock_add(&lock, &entry, NULL), NULL);
    assert_ok(actri_lock_touch(&lock, "t1", NULL), NULL);
    assert_ok(actri_lock_save(&lock, path, &error), &error);
    assert_ok(actri_lock_load(NULL, &source, 'A', path, &again, &error), &error);
    assert_string_equal("t1", again.generated_at);
    assert_string_equal(files[0].content, again.entries[0].files[0].content);
    assert_string_equal(tags[1], again.entries[0].tags.items[1]);
    assert_true(again.entries[0].published_at == -5);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(folder)); /* nothing else was left */
    assert_status(ACTR_STATUS_IO, actri_lock_save(&lock, path, &error));
    actri_lock_clear(&lock);
    actri_lock_clear(&again);
}

static void memory_may_end_at_any_point(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_lock_t lock;
        actri_text_t text = {.env = &oom.env};
        if (actri_lock_new(&oom.env, 'A', "t0", &lock, NULL) == ACTR_OK) {
            if (actri_lock_add(&lock, &entry, NULL) != ACTR_OK) assert_int_equal(0, lock.count);
            actri_lock_print(&lock, &text);
            actri_free(&oom.env, text.data);
            actri_lock_clear(&lock);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_lock_file_is_read_and_written_alike),
        cmocka_unit_test(entries_are_replaced_sorted_and_removed),
        cmocka_unit_test(a_fingerprint_is_found_by_name_and_then_by_type),
        cmocka_unit_test(what_is_saved_is_read_back),
        cmocka_unit_test(memory_may_end_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
