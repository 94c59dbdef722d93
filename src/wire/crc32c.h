/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (RFC 9260 appendix A) by the processor's own instruction, where it has one. Pure. */
#ifndef ACTRI_CRC32C_H
#define ACTRI_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool actri_crc32c_available(void);
/* Only where it is available. */
uint32_t actri_crc32c(const void *data, size_t size);

#endif
