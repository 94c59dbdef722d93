/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts of one file, compared: as the reference does, and strictly. Between the files of the analysis. */
#ifndef ACTRI_COMPAT_PAIR_H
#define ACTRI_COMPAT_PAIR_H

#include "compat/compatibility.h"

/* The two files' scopes, ".acme" or "", and the memory of the comparison. */
typedef struct actri_compat_pair {
    const actri_proto_file_t *base, *candidate;
    actri_compat_report_t *report;
} actri_compat_pair_t;

/* The reference's rule for what differs: ACTRI_COMPAT_BACKWARD or ACTRI_COMPAT_BREAKING. False: out of memory. */
bool actri_compat_compare(const actri_compat_pair_t *pair, actri_compat_level_t *level);
/* Adds a finding for every difference; `differs`: the fingerprints do, so there is one. False: out of memory. */
bool actri_compat_find(const actri_compat_pair_t *pair, bool differs);

/* What stands under a full name in a file: scope ".acme", name "Item". NULL: nothing. */
const actri_proto_symbol_t *actri_compat_symbol(const actri_proto_file_t *file, const char *scope, const char *name);
/* ".acme", or "" without a package; from the report's arena. NULL: out of memory. */
const char *actri_compat_scope(const actri_compat_pair_t *pair, const actri_proto_file_t *file);
/* The services' methods sorted by name, input and output; *count of them. NULL: out of memory. */
const actri_proto_method_t **actri_compat_methods(const actri_compat_pair_t *pair, const actri_proto_service_t *service,
                                                  size_t *count);

#endif
