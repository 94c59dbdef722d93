/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of /proc and /sys say, in numbers. Reads at most 32 KiB of each; needs no locale. [any-thread] */
#ifndef ACTRI_MACHINE_H
#define ACTRI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#define ACTRI_MACHINE_TEXT 32768
#define ACTRI_MACHINE_PATH 512

/* The file `path` beneath `root` into text, ended by a zero; false when there is none, or nothing in it. */
bool actri_machine_read(const char *root, const char *path, char text[ACTRI_MACHINE_TEXT]);
/* The number, of decimal digits with or without a point, that follows spaces at *at, which goes behind it. Never
 * negative. */
bool actri_machine_number(const char **at, double *out);
/* The number `index` of those that follow `key` in its line, counted from 0; a key stands first in its line. */
bool actri_machine_value(const char *text, const char *key, unsigned index, double *out);
/* What is left of the batteries, 0 to 1; false when the machine has none, is on mains, or does not say. */
bool actri_machine_battery(const char *root, double *left);

#endif
