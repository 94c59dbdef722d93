/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness with a seam: tests may seed it. [any-thread] */
#ifndef ACTRI_RANDOM_H
#define ACTRI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills data with random bytes from the kernel (or, after actri_random_seed, from a fixed sequence). */
void actri_random(void *data, size_t size);
uint64_t actri_random_u64(void);

/* Tests only: from now on the whole process gets the sequence of this seed; 0 restores the kernel's. */
void actri_random_seed(uint64_t seed);

/* 36 characters of a random UUID, version 4, and a zero. */
#define ACTRI_UUID_SIZE 37
void actri_uuid_v4(char text[ACTRI_UUID_SIZE]);
/* The same from 16 given bytes; sets version and variant bits in the text only. */
void actri_uuid_print(const uint8_t bytes[16], char text[ACTRI_UUID_SIZE]);

#endif
