/* SPDX-License-Identifier: Apache-2.0 */
/* The host of a URL in its normal form: lower case, IPv4 in dots, IPv6 compressed in brackets. Pure. */
#ifndef ACTRI_CONFIG_URL_HOST_H
#define ACTRI_CONFIG_URL_HOST_H

#include "base/env.h"

#define ACTRI_HOST_MAX 255

ACTR_MUST_CHECK actr_status_t actri_url_host(const char *text, size_t size, char out[ACTRI_HOST_MAX + 1],
                                             actr_error_t *error);

#endif
