/* SPDX-License-Identifier: Apache-2.0 */
/* `actr fingerprint`: what the contract of .proto files is called. */
#include "protos.h"
#include "verbs.h"

#include "compat/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(out,
                  "usage: actr fingerprint [--json] FILE.proto|FOLDER|Actr.toml|LOCKFILE#NAME ...\n"
                  "       actr fingerprint --canonical FILE.proto\n\n"
                  "One line a file, and one for the service that all of them make; comments, blanks and order of\n"
                  "declarations do not count. --canonical prints the text that is hashed, for people who ask why.\n"
                  "Status 0; 1 when a file has no fingerprint, and why on standard error; 2 usage.\n");
    return status;
}

static int complain(const actr_error_t *error)
{
    (void)fprintf(stderr, "actr fingerprint: %s\n", actr_error_message(error));
    return 1;
}

static void print_json(const protos_t *contract, const actri_fingerprint_t *service, const actri_fingerprint_t *files)
{
    actri_json_t json;
    actri_json_init(&json, SIZE_MAX, protos_write, stdout);
    actri_json_open(&json, NULL, '{');
    actri_json_text(&json, "service", service->text);
    actri_json_open(&json, "files", '[');
    for (size_t i = 0; i < contract->count; i++) {
        actri_json_open(&json, NULL, '{');
        actri_json_text(&json, "file", contract->files[i].name);
        actri_json_text(&json, "package", contract->files[i].package);
        actri_json_text(&json, "fingerprint", files[i].text);
        actri_json_close(&json, '{');
    }
    actri_json_close(&json, '[');
    actri_json_close(&json, '{');
    actri_json_flush(&json);
    (void)putchar('\n');
}

static int print_all(const protos_t *contract, bool json)
{
    actri_fingerprint_t service, *files = calloc(contract->count, sizeof *files);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status =
        files == NULL ? actri_no_memory(&error)
                      : actri_fingerprint_service(NULL, contract->sources, contract->count, &service, files, &error);
    if (status == ACTR_OK && json) print_json(contract, &service, files);
    if (status == ACTR_OK && !json) {
        for (size_t i = 0; i < contract->count; i++) (void)printf("%s  %s\n", files[i].text, contract->files[i].name);
        (void)printf("%s\n", service.text);
    }
    free(files);
    return status == ACTR_OK ? 0 : complain(&error);
}

static int print_canonical(const protos_t *contract)
{
    char *text;
    size_t size;
    actr_error_t error = ACTR_ERROR_INIT;
    if (contract->count != 1) return usage(stderr, 2);
    if (actri_canonical_text(NULL, contract->sources, &text, &size, &error) != ACTR_OK) return complain(&error);
    (void)fwrite(text, 1, size, stdout);
    (void)putchar('\n');
    actri_free(NULL, text);
    return 0;
}

int verb_fingerprint(int argc, char **argv)
{
    bool json = false, canonical = false;
    protos_t contract;
    actr_error_t error = ACTR_ERROR_INIT;
    protos_init(&contract);
    int status = 0;
    for (int i = 1; i < argc && status == 0; i++) {
        if (strcmp(argv[i], "--help") == 0 && argc == 2) return usage(stdout, 0);
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--canonical") == 0)
            canonical = true;
        else if (argv[i][0] == '-')
            status = usage(stderr, 2);
        else if (protos_add(&contract, argv[i], &error) != ACTR_OK)
            status = complain(&error);
    }
    if (status == 0 && contract.count == 0) status = usage(stderr, 2);
    if (status == 0) status = canonical ? print_canonical(&contract) : print_all(&contract, json);
    if (fflush(stdout) != 0 && status == 0) status = 1;
    protos_clear(&contract);
    return status;
}
