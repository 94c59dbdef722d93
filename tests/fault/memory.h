/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at a chosen allocation: SQLite's (for the whole test program) and ours, through an environment.
 */
#ifndef ACTR_TESTS_MEMORY_H
#define ACTR_TESTS_MEMORY_H

#include "base/env.h"

typedef enum memory_whose { MEMORY_SQLITE, MEMORY_OURS } memory_whose_t;

extern const actri_env_t memory_env;

/* Before SQLite is used. */
void memory_install(void);
/* From the allocation number `at` (1 is the first; 0: never) on, `count` fail. */
void memory_fail_at(memory_whose_t whose, unsigned long at, unsigned long count);
unsigned long memory_failed(void); /* since the last `at` above 0 */
/* What is allocated now, by both. */
long memory_alive(void);

#endif
