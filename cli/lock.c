/* SPDX-License-Identifier: Apache-2.0 */
/* `actr lock`: the lock file, which says for which contract each dependency was written. */
#include "protos.h"
#include "verbs.h"

#include "config/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(
        out, "usage: actr lock [--form A|B] list LOCKFILE\n"
             "       actr lock [--form A|B] add LOCKFILE NAME TYPE CONTRACT\n"
             "       actr lock [--form A|B] remove LOCKFILE NAME\n\n"
             "  add     locks the dependency NAME of type TYPE (acme+pay) to CONTRACT: a .proto file, a folder of\n"
             "          them or an Actr.toml; makes the file when there is none, replaces an entry of that name\n"
             "  --form  A (default) holds the texts of the contract, B their paths; see docs/configuration.md\n");
    return status;
}

static int complain(const actr_error_t *error)
{
    (void)fprintf(stderr, "actr lock: %s\n", actr_error_message(error));
    return 1;
}

static const char *time_now(char out[40])
{
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts) == NULL || strftime(out, 40, "%Y-%m-%dT%H:%M:%S+00:00", &parts) == 0) out[0] = '\0';
    return out;
}

static int list(const actri_lock_t *lock)
{
    for (size_t i = 0; i < lock->count; i++) {
        const actri_lock_entry_t *entry = &lock->entries[i];
        (void)printf("%s  %s  %s  %zu file%s\n", entry->name, entry->actr_type, entry->fingerprint, entry->file_count,
                     entry->file_count == 1 ? "" : "s");
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static actr_status_t save(actri_lock_t *lock, const char *path, actr_error_t *error)
{
    char now[40];
    actr_status_t status = actri_lock_touch(lock, time_now(now), error);
    return status == ACTR_OK ? actri_lock_save(lock, path, error) : status;
}

static int remove_entry(actri_lock_t *lock, const char *path, const char *name)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (!actri_lock_remove(lock, name)) {
        (void)fprintf(stderr, "actr lock: %s: there is no dependency %s\n", path, name);
        return 1;
    }
    return save(lock, path, &error) == ACTR_OK ? 0 : complain(&error);
}

/* The entry of a contract; files has room for its files. */
static actr_status_t fill(actri_lock_entry_t *entry, actri_lock_file_t *files, const protos_t *contract,
                          actri_fingerprint_t *service, actri_fingerprint_t *own, actr_error_t *error)
{
    actr_status_t status = actri_fingerprint_service(NULL, contract->sources, contract->count, service, own, error);
    if (status != ACTR_OK) return status;
    for (size_t i = 0; i < contract->count; i++) {
        if (memchr(contract->files[i].text, '\0', contract->files[i].size) != NULL)
            return actri_fail(error, ACTR_STATUS_PROTO_UNSUPPORTED, "%s: holds a zero character",
                              contract->files[i].name);
        files[i] = (actri_lock_file_t){.package = contract->files[i].package,
                                       .content = contract->files[i].text,
                                       .path = contract->files[i].name,
                                       .fingerprint = own[i].text};
    }
    entry->fingerprint = service->text;
    entry->files = files;
    entry->file_count = contract->count;
    return ACTR_OK;
}

static actr_status_t add_contract(actri_lock_t *lock, const actri_lock_entry_t *entry, const protos_t *contract,
                                  actr_error_t *error)
{
    actri_lock_entry_t whole = *entry;
    actri_lock_file_t *files = calloc(contract->count, sizeof *files);
    actri_fingerprint_t *own = calloc(contract->count, sizeof *own), service;
    actr_status_t status =
        files == NULL || own == NULL ? actri_no_memory(error) : fill(&whole, files, contract, &service, own, error);
    if (status == ACTR_OK) status = actri_lock_add(lock, &whole, error);
    free(files);
    free(own);
    return status;
}

static int add(actri_lock_t *lock, char **words)
{
    protos_t contract;
    actr_type_t type;
    char now[40], text[ACTR_TYPE_TEXT_SIZE];
    actr_error_t error = ACTR_ERROR_INIT;
    protos_init(&contract);
    actr_status_t status = actr_type_parse(words[2], &type, &error);
    if (status == ACTR_OK) status = protos_add(&contract, words[3], &error);
    actri_lock_entry_t entry = {.name = words[1], .cached_at = time_now(now)};
    if (status == ACTR_OK) {
        entry.actr_type = actr_type_print(&type, text);
        status = add_contract(lock, &entry, &contract, &error);
    }
    if (status == ACTR_OK) status = save(lock, words[0], &error);
    protos_clear(&contract);
    return status == ACTR_OK ? 0 : complain(&error);
}

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file != NULL) (void)fclose(file);
    return file != NULL;
}

int verb_lock(int argc, char **argv)
{
    char form = 'A', now[40];
    actri_config_source_t source = actri_config_source_real();
    actri_lock_t lock;
    actr_error_t error = ACTR_ERROR_INIT;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc > 2 && strcmp(argv[1], "--form") == 0) {
        if (strcmp(argv[2], "A") != 0 && strcmp(argv[2], "B") != 0) return usage(stderr, 2);
        form = argv[2][0];
        argc -= 2;
        argv += 2;
    }
    const char *verb = argc < 3 ? "" : argv[1];
    bool lists = strcmp(verb, "list") == 0 && argc == 3, adds = strcmp(verb, "add") == 0 && argc == 6;
    bool removes = strcmp(verb, "remove") == 0 && argc == 4;
    if (!lists && !adds && !removes) return usage(stderr, 2);
    actr_status_t status = adds && !is_there(argv[2]) ? actri_lock_new(NULL, form, time_now(now), &lock, &error)
                                                      : actri_lock_load(NULL, &source, form, argv[2], &lock, &error);
    if (status != ACTR_OK) return complain(&error);
    int result = lists ? list(&lock) : adds ? add(&lock, argv + 2) : remove_entry(&lock, argv[2], argv[3]);
    actri_lock_clear(&lock);
    return result;
}
