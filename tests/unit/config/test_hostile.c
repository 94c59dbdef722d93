/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests that were written to hurt, on a real disk: nothing outside their folder is opened (inotify says so),
 * nothing is written, and what is huge, deep, round or no file ends soon and with little memory.
 */
#include "check.h"

#include "config/manifest.h"
#include "peak.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEAK_MOST ((size_t)64 << 20)

/* <base>/secret, <base>/bad.proto (a link to it), <base>/in: the manifest's folder, with links that lead out. */
typedef struct scene {
    char base[64], inside[80], manifest[96], secret[80];
    int watch;
} scene_t;

static void put(const char *folder, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

static void tie(const scene_t *scene, const char *target, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", scene->inside, name);
    assert_int_equal(0, symlink(target, path));
}

static void begin(scene_t *scene)
{
    char path[160];
    (void)snprintf(scene->base, sizeof scene->base, "/tmp/actr-hostile-XXXXXX");
    assert_non_null(mkdtemp(scene->base));
    (void)snprintf(scene->inside, sizeof scene->inside, "%s/in", scene->base);
    (void)snprintf(scene->manifest, sizeof scene->manifest, "%s/Actr.toml", scene->inside);
    (void)snprintf(scene->secret, sizeof scene->secret, "%s/secret", scene->base);
    assert_int_equal(0, mkdir(scene->inside, 0700));
    put(scene->base, "secret", "the secret");
    put(scene->base, "shared.proto", "syntax = \"proto3\";");
    tie(scene, "../secret", "link.proto");
    tie(scene, "../secret", "link.toml");
    tie(scene, scene->secret, "absolute.proto");
    tie(scene, "..", "out");
    tie(scene, "loop.proto", "loop.proto");
    tie(scene, "../shared.proto", "shared.proto");
    (void)snprintf(path, sizeof path, "%s/pipe.proto", scene->inside);
    assert_int_equal(0, mkfifo(path, 0600));
    put(scene->inside, "huge.proto", "");
    (void)snprintf(path, sizeof path, "%s/huge.proto", scene->inside);
    assert_int_equal(0, truncate(path, (off_t)1 << 30)); /* 1 GiB of nothing */
    put(scene->inside, "huge.toml", "");
    (void)snprintf(path, sizeof path, "%s/huge.toml", scene->inside);
    assert_int_equal(0, truncate(path, (off_t)1 << 30));
    scene->watch = inotify_init1(IN_NONBLOCK);
    assert_true(scene->watch >= 0);
    assert_true(inotify_add_watch(scene->watch, scene->secret, IN_OPEN | IN_ACCESS | IN_MODIFY) >= 0);
    assert_true(inotify_add_watch(scene->watch, scene->base, IN_CREATE | IN_DELETE | IN_MOVE) >= 0);
}

static void end(const scene_t *scene)
{
    static const char *const names[] = {"link.proto", "link.toml",    "absolute.proto", "out",       "loop.proto",
                                        "pipe.proto", "shared.proto", "huge.proto",     "huge.toml", "Actr.toml"};
    char path[160];
    assert_int_equal(0, close(scene->watch));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", scene->inside, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(0, rmdir(scene->inside)); /* so nothing else came to be in it */
    assert_int_equal(0, unlink(scene->secret));
    (void)snprintf(path, sizeof path, "%s/shared.proto", scene->base);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(scene->base));
}

static actr_status_t load(const scene_t *scene, const char *first, actr_error_t *error)
{
    char text[1000];
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    peak_t peak;
    (void)snprintf(text, sizeof text,
                   "%s\n[package]\nname = \"x\"\n[package.actr_type]\nmanufacturer = \"acme\"\nname = \"x\"\n"
                   "[system.signaling]\nurl = \"ws://h/\"\n[system.deployment]\nrealm = 1\n",
                   first);
    put(scene->inside, "Actr.toml", text);
    peak_init(&peak);
    actr_status_t status = actri_manifest_load(&peak.env, &source, scene->manifest, &manifest, error);
    if (status == ACTR_OK) actri_manifest_clear(&manifest);
    assert_int_equal(0, peak.alive);
    assert_true(peak.most < PEAK_MOST);
    return status;
}

static void what_leads_out_of_the_folder_is_not_opened(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"exports = [\"../secret\"]", "is outside this file's folder"},
        {"exports = [\"a/../../secret\"]", "is outside this file's folder"},
        {"exports = [\"./.././secret\"]", "is outside this file's folder"},
        {"exports = [\"link.proto\"]", "is outside this file's folder"},
        {"exports = [\"absolute.proto\"]", "is outside this file's folder"},
        {"exports = [\"out/secret\"]", "is outside this file's folder"},
        {"exports = [\"out/in/link.proto\"]", "is outside this file's folder"},
        {"exports = [\"/etc/passwd\"]", "is outside this file's folder"},
        {"exports = [\"loop.proto\"]", "Too many levels of symbolic links"},
        {"exports = [\"pipe.proto\"]", "is no regular file"},
        {"exports = [\"out\"]", "is outside this file's folder"},
        {"exports = [\"huge.proto\"]", "is larger than 1048576 bytes"},
        {"inherit = \"../secret\"", "is outside this file's folder"},
        {"inherit = \"link.toml\"", "is outside this file's folder"},
        {"inherit = \"out/secret\"", "is outside this file's folder"},
        {"inherit = \"/etc/passwd\"", "is outside this file's folder"},
        {"inherit = \"huge.toml\"", "is larger than 1048576 bytes"},
        {"inherit = \"Actr.toml\"", "a cycle"},
        {"inherit = \"out/in/Actr.toml\"", "more than 16 files"},
    };
    scene_t scene;
    char events[4096];
    begin(&scene);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        if (load(&scene, rows[i].line, &error) == ACTR_OK) fail_msg("%s was read", rows[i].line);
        if (strstr(error.message, rows[i].message) == NULL) fail_msg("%s: %s", rows[i].line, error.message);
        assert_int_equal(0, strncmp(error.message, scene.manifest, 20)); /* and where it is written */
    }
    ssize_t size = read(scene.watch, events, sizeof events);
    if (size > 0) fail_msg("%zd bytes of events: a file outside was touched", size);
    print_message("manifests that lead out: %zu, none opened the file outside\n", sizeof rows / sizeof rows[0]);
    end(&scene);
}

static void links_to_contracts_are_followed(void **state)
{
    (void)state;
    scene_t scene;
    actr_error_t error = ACTR_ERROR_INIT;
    begin(&scene);
    assert_ok(load(&scene, "exports = [\"shared.proto\", \"../shared.proto\"]", &error), &error);
    end(&scene);
}

/* `again` as often as it fits into a file. */
static void deep(const char *before, const char *again, const char *message)
{
    scene_t scene;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    peak_t peak;
    char *text = malloc(ACTRI_CONFIG_FILE_MAX + 1);
    size_t size = strlen(before), piece = strlen(again);
    assert_non_null(text);
    memcpy(text, before, size);
    while (size + piece <= ACTRI_CONFIG_FILE_MAX) {
        memcpy(text + size, again, piece);
        size += piece;
    }
    text[size] = '\0';
    begin(&scene);
    put(scene.inside, "Actr.toml", text);
    free(text);
    peak_init(&peak);
    assert_true(actri_manifest_load(&peak.env, &source, scene.manifest, &manifest, &error) != ACTR_OK);
    if (strstr(error.message, message) == NULL) fail_msg("%s...: %s", again, error.message);
    assert_int_equal(0, peak.alive);
    if (peak.most > PEAK_MOST) fail_msg("%s...: %zu bytes at a time", again, peak.most);
    end(&scene);
}

static void nesting_up_to_the_largest_file_is_refused(void **state)
{
    (void)state;
    deep("a = ", "[", "levels");
    deep("a = ", "{a=", "levels");
    deep("", "a.", "levels");
    deep("[", "a.", "levels");
    deep("a = \"\"\"", "x\n", "string");
    deep("a = [", "1,", ":");
    deep("", "[[a]]\n", ":");
    deep("", "# a comment\n", ":");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leads_out_of_the_folder_is_not_opened),
        cmocka_unit_test(links_to_contracts_are_followed),
        cmocka_unit_test(nesting_up_to_the_largest_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
