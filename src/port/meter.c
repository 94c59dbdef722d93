/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind gives a share in use; a falling curve makes of it what is left, and the least is the reserve. Shares of
 * what only grows (ticks, packets) are of the time since the last reading: an average since boot would say nothing of
 * now.
 */
#include "port/meter.h"

#include "port/clock.h"
#include "port/machine.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_MAX 10.0
#define PROCESSES_MAX 4096.0
#define TICKS_LEAST 20.0    /* of all processors: else the share of before stands */
#define PACKETS_LEAST 500.0 /* one lost of ten says nothing */
#define DISK_MS_LEAST 200.0
#define ROUNDED 10000.0 /* to four decimals, as the reference */

static const char *test_root; /* atomic; NULL: / */

void actri_meter_root(const char *folder)
{
    __atomic_store_n(&test_root, folder, __ATOMIC_SEQ_CST);
}

static const char *root(void)
{
    const char *folder = __atomic_load_n(&test_root, __ATOMIC_SEQ_CST);
    return folder == NULL ? "" : folder;
}

static double share_since(actri_meter_window_t *w, double part, double whole, double least)
{
    double grown = whole - w->whole;
    if (grown >= 0 && grown < least) return w->share;
    if (grown > 0 && part >= w->part) w->share = fmin((part - w->part) / grown, 1.0);
    w->part = part;
    w->whole = whole;
    return w->share;
}

/* ---- the kinds; NAN: not to be had ---- */

/* user, nice, system, idle, iowait, ... of all processors; without the guests, which are in user already. */
static bool read_ticks(double ticks[8], double *total)
{
    char text[ACTRI_MACHINE_TEXT];
    *total = 0;
    if (!actri_machine_read(root(), "proc/stat", text)) return false;
    for (unsigned i = 0; i < 8; i++) {
        if (!actri_machine_value(text, "cpu ", i, &ticks[i])) return false;
        *total += ticks[i];
    }
    return true;
}

static double cpu_usage(actri_meter_t *meter, double now_ms)
{
    (void)now_ms;
    double ticks[8], total;
    return read_ticks(ticks, &total) ? share_since(&meter->busy, total - ticks[3], total, TICKS_LEAST) : NAN;
}

static double cpu_iowait(actri_meter_t *meter, double now_ms)
{
    (void)now_ms;
    double ticks[8], total;
    return read_ticks(ticks, &total) ? share_since(&meter->waiting, ticks[4], total, TICKS_LEAST) : NAN;
}

static unsigned count_cores(void)
{
    char text[ACTRI_MACHINE_TEXT];
    unsigned count = 0;
    if (!actri_machine_read(root(), "proc/stat", text)) return 1;
    for (const char *at = text; (at = strstr(at, "\ncpu")) != NULL; at++) count++;
    return count == 0 ? 1 : count;
}

static double cpu_load(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    char text[ACTRI_MACHINE_TEXT];
    double load;
    if (!actri_machine_read(root(), "proc/loadavg", text) || !actri_machine_value(text, "", 0, &load)) return NAN;
    return fmin(load / count_cores(), LOAD_MAX);
}

static double memory_usage(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    char text[ACTRI_MACHINE_TEXT];
    double total, available;
    if (!actri_machine_read(root(), "proc/meminfo", text) || !actri_machine_value(text, "MemTotal:", 0, &total) ||
        !actri_machine_value(text, "MemAvailable:", 0, &available) || total <= 0) {
        return NAN;
    }
    return available > total ? 0 : 1 - available / total;
}

static double memory_pressure(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    char text[ACTRI_MACHINE_TEXT];
    double percent;
    if (!actri_machine_read(root(), "proc/pressure/memory", text)) return NAN;
    return actri_machine_value(text, "some avg10=", 0, &percent) ? percent / 100 : NAN;
}

/* The window of the disk of this name; NULL: the table is full. */
static actri_meter_window_t *disk_window(actri_meter_t *meter, const char *name)
{
    for (size_t i = 0; i < ACTRI_METER_DISKS; i++) {
        if (meter->disks[i].name[0] == '\0') {
            (void)snprintf(meter->disks[i].name, sizeof meter->disks[i].name, "%s", name);
            meter->disks[i].busy.share = NAN;
        }
        if (strcmp(meter->disks[i].name, name) == 0) return &meter->disks[i].busy;
    }
    return NULL;
}

/* The busiest disk: the tenth figure behind a name is the time with a request under way. A part is at most as busy. */
static double disk_io(actri_meter_t *meter, double now_ms)
{
    char text[ACTRI_MACHINE_TEXT], name[32];
    double most = NAN, figure;
    if (!actri_machine_read(root(), "proc/diskstats", text)) return NAN;
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        int end = 0;
        if (sscanf(line, " %*9u %*9u %31s%n", name, &end) != 1) continue;
        bool used = actri_machine_value(line + end, "", 9, &figure) && figure > 0; /* else one of many empty loops */
        actri_meter_window_t *window = used ? disk_window(meter, name) : NULL;
        if (window != NULL) most = fmax(most, share_since(window, figure, now_ms, DISK_MS_LEAST));
    }
    return most;
}

static double network_dropped(actri_meter_t *meter, double now_ms)
{
    (void)now_ms;
    char text[ACTRI_MACHINE_TEXT];
    double dropped = 0, packets = 0, rx, rx_drop, tx, tx_drop;
    if (!actri_machine_read(root(), "proc/net/dev", text)) return NAN;
    for (const char *at = text; (at = strchr(at, ':')) != NULL; at++) {
        const char *line = at + 1;
        if (!actri_machine_value(line, "", 1, &rx) || !actri_machine_value(line, "", 3, &rx_drop) ||
            !actri_machine_value(line, "", 9, &tx) || !actri_machine_value(line, "", 11, &tx_drop)) {
            continue;
        }
        dropped += rx_drop + tx_drop;
        packets += rx + rx_drop + tx + tx_drop;
    }
    return share_since(&meter->dropped, dropped, packets, PACKETS_LEAST);
}

static double open_files(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    char text[ACTRI_MACHINE_TEXT];
    double open, most;
    if (!actri_machine_read(root(), "proc/sys/fs/file-nr", text) || !actri_machine_value(text, "", 0, &open) ||
        !actri_machine_value(text, "", 2, &most) || most <= 0) {
        return NAN;
    }
    return open / most;
}

static double processes(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    char path[ACTRI_MACHINE_PATH];
    double count = 0;
    int length = snprintf(path, sizeof path, "%s/proc", root());
    DIR *folder = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
    if (folder == NULL) return NAN;
    for (struct dirent *entry; count < PROCESSES_MAX && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') count++;
    }
    (void)closedir(folder);
    return count == 0 ? NAN : count / PROCESSES_MAX;
}

static double battery(actri_meter_t *meter, double now_ms)
{
    (void)meter;
    (void)now_ms;
    double left;
    return actri_machine_battery(root(), &left) ? 1 - left : NAN;
}

static const struct {
    const char *name; /* in the environment */
    double (*read)(actri_meter_t *meter, double now_ms);
    double midpoint, steepness;
} kinds[ACTRI_METER_KINDS] = {
    {"CPU_USAGE", cpu_usage, 0.65, 8},
    {"CPU_IOWAIT", cpu_iowait, 0.20, 20},
    {"CPU_LOAD", cpu_load, 1.2, 5},
    {"MEMORY_USAGE", memory_usage, 0.85, 18},
    {"MEMORY_PRESSURE", memory_pressure, 0.30, 12},
    {"DISK_IO", disk_io, 0.70, 10},
    {"NETWORK_DROPPED", network_dropped, 0.02, 100},
    {"FD", open_files, 0.90, 25},
    {"PROCESS", processes, 0.80, 12},
    {"BATTERY", battery, 0.80, 15}, /* ours: half a charge is nearly full, a fifth is half */
};

/* ---- */

static void override(const char *kind, const char *what, double *value)
{
    char name[64];
    (void)snprintf(name, sizeof name, "PWRZV_LINUX_%s_%s", kind, what);
    const char *at = getenv(name); // NOLINT(concurrency-mt-unsafe): nothing of ours sets the environment
    double given;
    if (at != NULL && actri_machine_number(&at, &given) && *at == '\0') *value = given;
}

void actri_meter_init(actri_meter_t *meter)
{
    *meter = (actri_meter_t){.busy = {.share = NAN}, .waiting = {.share = NAN}, .dropped = {.share = NAN}};
    for (size_t i = 0; i < ACTRI_METER_KINDS; i++) {
        meter->curves[i].midpoint = kinds[i].midpoint;
        meter->curves[i].steepness = kinds[i].steepness;
        override(kinds[i].name, "MIDPOINT", &meter->curves[i].midpoint);
        override(kinds[i].name, "STEEPNESS", &meter->curves[i].steepness);
    }
}

float actri_meter_read(actri_meter_t *meter, int64_t now_ns)
{
    double least = NAN;
    int64_t now_ms = now_ns / ACTRI_MS;
    for (size_t i = 0; i < ACTRI_METER_KINDS; i++) {
        double used = kinds[i].read(meter, (double)now_ms);
        double left = 1 - 1 / (1 + exp(-meter->curves[i].steepness * (used - meter->curves[i].midpoint)));
        least = fmin(least, left); /* what is NAN does not count */
    }
    return isnan(least) ? ACTRI_METER_UNKNOWN : (float)(round(ACTRI_METER_FULL * least * ROUNDED) / ROUNDED);
}
