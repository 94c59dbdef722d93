/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin socket says about a mailbox; the commands are in docs/mailbox.md. */
#ifndef ACTRI_MAILBOX_ADMIN_H
#define ACTRI_MAILBOX_ADMIN_H

#include "mailbox/mailbox.h"
#include "observe/admin.h"

/* Their user is the actri_mailbox_t. */
extern const actri_admin_command_t actri_mailbox_commands[];

#endif
