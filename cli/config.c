/* SPDX-License-Identifier: Apache-2.0 */
/* `actr config`: checks an Actr.toml, shows its effective values, and prints what the key table knows. */
#include "verbs.h"

#include "config/describe.h"

#include <stdio.h>
#include <string.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(
        out, "usage: actr config check FILE     all errors, warnings and hints; status 1 when there is an error\n"
             "       actr config show FILE [--json]\n"
             "                                  the effective values and where each comes from: file with line and\n"
             "                                  column, an inherited file, the environment, or the default\n"
             "       actr config schema         a JSON schema of Actr.toml for editors\n"
             "       actr config reference      all keys as Markdown\n\n"
             "Environment variables such as ACTR_SYSTEM__SIGNALING__URL override keys of the file.\n");
    return status;
}

static void print_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)area;
    const char *what = level == ACTR_LOG_ERROR ? "error" : level == ACTR_LOG_WARN ? "warning" : "hint";
    (void)fprintf(user, "%s: %s\n", what, line);
}

static int print_text(actri_text_t *text)
{
    bool good = !text->failed && (text->size == 0 || fwrite(text->data, text->size, 1, stdout) == 1);
    actri_free(NULL, text->data);
    if (good && fflush(stdout) == 0) return 0;
    (void)fprintf(stderr, "actr config: %s\n", text->failed ? "out of memory" : "the output can not be written");
    return 1;
}

/* `check` says everything; `show` only what went wrong. */
static int with_file(const char *path, bool check, bool json)
{
    actri_env_t env = {
        .log = print_line, .log_user = check ? stdout : stderr, .log_level = check ? ACTR_LOG_INFO : ACTR_LOG_ERROR};
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_manifest_load(&env, &source, path, &manifest, &error);
    if (status == ACTR_STATUS_NO_MEMORY) (void)fprintf(stderr, "actr config: %s\n", actr_error_message(&error));
    if (status != ACTR_OK) return 1;
    int result = 0;
    if (check) {
        (void)printf("%s: fine%s\n", path, manifest.warnings > 0 ? ", with warnings" : "");
    } else {
        actri_text_t text = {0};
        actri_show_manifest(&manifest, json, &text);
        result = print_text(&text);
    }
    actri_manifest_clear(&manifest);
    return result;
}

int verb_config(int argc, char **argv)
{
    actri_text_t text = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc == 3 && strcmp(argv[1], "check") == 0) return with_file(argv[2], true, false);
    if (argc == 3 && strcmp(argv[1], "show") == 0) return with_file(argv[2], false, false);
    if (argc == 4 && strcmp(argv[1], "show") == 0) {
        int flag = strcmp(argv[2], "--json") == 0 ? 2 : 3;
        if (strcmp(argv[flag], "--json") == 0) return with_file(argv[5 - flag], false, true);
    }
    if (argc == 2 && strcmp(argv[1], "schema") == 0) {
        actri_describe_schema(&text);
        return print_text(&text);
    }
    if (argc == 2 && strcmp(argv[1], "reference") == 0) {
        actri_describe_reference(&text);
        return print_text(&text);
    }
    return usage(stderr, 2);
}
