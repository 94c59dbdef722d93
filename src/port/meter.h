/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the machine is left, from 0 to 5, as heartbeats say it (lifecycle-and-rpc 16): processor, waiting for
 * disks, load, memory and its pressure, disks, dropped packets, open files, processes; and the battery, where the
 * machine runs on one. The scarcest counts. One user at a time; it reads small files of /proc and /sys and blocks no
 * longer.
 */
#ifndef ACTRI_METER_H
#define ACTRI_METER_H

#include <stdint.h>

#define ACTRI_METER_FULL 5.0f
#define ACTRI_METER_UNKNOWN 3.0f /* nothing can be measured */
#define ACTRI_METER_KINDS 10
#define ACTRI_METER_DISKS 32

/* A share of something that only grows: of what came since it was read before. */
typedef struct actri_meter_window {
    double part, whole;
    double share; /* the last one; NAN: none yet */
} actri_meter_window_t;

typedef struct actri_meter {
    struct {
        double midpoint, steepness;
    } curves[ACTRI_METER_KINDS];
    actri_meter_window_t busy, waiting, dropped;
    struct {
        char name[32];
        actri_meter_window_t busy;
    } disks[ACTRI_METER_DISKS];
} actri_meter_t;

/* Takes PWRZV_LINUX_<KIND>_MIDPOINT and _STEEPNESS from the environment where they are numbers. */
void actri_meter_init(actri_meter_t *meter);
float actri_meter_read(actri_meter_t *meter, int64_t now_ns);

/* Tests only: from now on the whole process reads proc and sys in this folder, which must stay; NULL: in /. */
void actri_meter_root(const char *folder);

#endif
