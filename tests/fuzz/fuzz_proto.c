/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a .proto text, or as two with a zero between: read, fingerprinted and compared both ways. A text equals
 * itself, the strict level is never the better one, and the fingerprint is the same each time.
 */
#include "compat/compatibility.h"
#include "compat/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_proto: %s\n", what);
    abort();
}

static bool fingerprint(const actri_compat_file_t *file, actri_fingerprint_t *out)
{
    actri_proto_source_t source = {"p.proto", file->text, file->size};
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_fingerprint_file(NULL, &source, out, &error) == ACTR_OK) return true;
    demand(strncmp(error.message, "p.proto:", 8) == 0, "an error without a place");
    return false;
}

static bool slips(const actri_compat_file_t *file)
{
    return memmem(file->text, file->size, "input.proto", 11) != NULL;
}

/* The level, or -1. */
static int level(const actri_compat_file_t *base, const actri_compat_file_t *candidate, bool strict)
{
    actri_compat_side_t from = {"a", base, 1}, to = {"b", candidate, 1};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = (strict ? actri_compat_strict : actri_compat_analyze)(NULL, &from, &to, &report, &error);
    demand(status == ACTR_OK || error.message[0] != '\0', "an error without words");
    if (status != ACTR_OK) return -1;
    int found = (int)report.level;
    demand(strict || report.finding_count == 0, "the reference's mode has findings");
    demand(!strict || (report.finding_count == 0) == (found == 0), "a level without a reason");
    actri_compat_clear(&report);
    return found;
}

static void compare(const actri_compat_file_t *base, const actri_compat_file_t *candidate)
{
    int loose = level(base, candidate, false), strict = level(base, candidate, true);
    if (strict >= 0 && !slips(base) && !slips(candidate)) demand(strict >= loose, "the strict level is the better one");
    (void)level(candidate, base, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *zero = size == 0 ? NULL : memchr(data, '\0', size);
    size_t first = zero == NULL ? size : (size_t)(zero - text);
    actri_compat_file_t one = {"p", "p.proto", text, first},
                        other = {"p", "p.proto", zero == NULL ? "" : zero + 1, zero == NULL ? 0 : size - first - 1};
    actri_fingerprint_t once, twice;
    if (!fingerprint(&one, &once)) return 0;
    demand(fingerprint(&one, &twice) && strcmp(once.text, twice.text) == 0, "another fingerprint the second time");
    if (first > 0) demand(level(&one, &one, false) <= 0, "a text differs from itself");
    if (first > 0 && !slips(&one)) demand(level(&one, &one, true) <= 0, "a text differs from itself");
    if (other.size > 0) compare(&one, &other);
    return 0;
}
