/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call. Pure. spec: lifecycle-and-rpc 9, signaling 4.4. */
#ifndef ACTRI_ACL_H
#define ACTRI_ACL_H

#include <actr/config.h>

#define ACTRI_ACL_REASON 80

/* caller NULL: the Shell, always allowed. An actor whose id is not known must be refused before. reason (may be NULL)
 * gets why not, for people. */
bool actri_acl_allows(const actr_config_t *config, const actr_id_t *caller, char reason[ACTRI_ACL_REASON]);

#endif
