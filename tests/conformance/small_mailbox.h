/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest mailbox that the suite accepts: an array and a mutex. An example of one's own (docs/mailbox.md). */
#ifndef ACTR_SMALL_MAILBOX_H
#define ACTR_SMALL_MAILBOX_H

#include <actr/mailbox.h>

/* NULL when memory is out. Holds at most 1024 messages. Closed like any mailbox. */
actr_mailbox_t *small_mailbox_new(const actr_store_options_t *options);

#endif
