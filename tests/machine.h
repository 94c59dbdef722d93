/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of files: a temporary folder that stands for / before the meter of load. One a program. */
#ifndef ACTR_TESTS_MACHINE_H
#define ACTR_TESTS_MACHINE_H

#include "check.h"

#include "port/meter.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char machine_folder[64];

/* A file, and the folders on its way. */
static inline void machine_says(const char *path, const char *text)
{
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s/%s", machine_folder, path);
    for (char *slash = strchr(whole + strlen(machine_folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

/* Of the battery or mains `name`. */
static inline void machine_supply(const char *name, const char *file, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "sys/class/power_supply/%s/%s", name, file);
    machine_says(path, text);
}

static inline int machine_remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

/* One with nothing in it. */
static inline void machine_open(void)
{
    (void)snprintf(machine_folder, sizeof machine_folder, "/tmp/actr-machine-XXXXXX");
    assert_non_null(mkdtemp(machine_folder));
    actri_meter_root(machine_folder);
}

static inline void machine_close(void)
{
    actri_meter_root(NULL);
    assert_int_equal(0, nftw(machine_folder, machine_remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

/* Two cores without work, and half of the memory. */
static inline void machine_idle(void)
{
    machine_says("proc/stat", "cpu  0 0 0 1000 0 0 0 0 0 0\ncpu0 0 0 0 500 0 0 0 0 0 0\ncpu1 0 0 0 500 0 0 0 0 0 0\n");
    machine_says("proc/loadavg", "0.00 0.00 0.00 1/100 1\n");
    machine_says("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 500 kB\n");
}

#endif
