/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory behind SQLite's VFS seam, for tests: it remembers what was synced and what was not, loses power at
 * a chosen change, and fails chosen calls. Once installed it is the process's default VFS, so the library's own code
 * opens its database on it. One disk a process; its functions may be called while the mailbox's thread works on it.
 */
#ifndef ACTR_TESTS_DISK_H
#define ACTR_TESTS_DISK_H

#include "rng.h"

#include <stddef.h>

/* What a power cut leaves of the changes that no sync had confirmed. */
typedef enum disk_cut {
    DISK_CUT_DROP,   /* nothing */
    DISK_CUT_PREFIX, /* the first few; the last of them in part */
    DISK_CUT_SOME,   /* any of them: reordered */
    DISK_CUT_TORN,   /* any sector of any of them */
    DISK_CUT_KEEP,   /* all: as when only the process dies */
    DISK_CUTS
} disk_cut_t;

typedef enum disk_fault {
    DISK_EIO,         /* any call: an I/O error */
    DISK_ENOSPC,      /* a write: nothing is written */
    DISK_SHORT_WRITE, /* a write: half of it is written */
    DISK_LOST_SYNC,   /* a sync: an error, and what it should have saved never reaches the disk */
    DISK_FAULTS
} disk_fault_t;

extern const char *const disk_cut_names[DISK_CUTS];
extern const char *const disk_fault_names[DISK_FAULTS];

void disk_install(void);
/* An empty, sound disk; the counts begin at 0. Nothing may be open. */
void disk_clear(void);
/* A synced file. */
void disk_load(const char *name, const void *data, size_t size);

/* Power fails at the change number `at` (1 is the first; 0 never): a write, truncation, sync or removal. */
void disk_cut_at(unsigned long at);
unsigned long disk_changes(void);
/* From the call number `at` (1 is the first; 0: never) on, `count` calls fail. Counted are the calls that the fault can
 * hit. */
void disk_fail_at(disk_fault_t fault, unsigned long at, unsigned long count);
unsigned long disk_failed(void); /* calls that failed so */

bool disk_is_dead(void);
/* Power returns after a cut, or fails now and returns. Nothing may be open. */
void disk_power_on(disk_cut_t cut, rng_t *rng);

#endif
