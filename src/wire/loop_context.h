/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's GLib context, for ICE alone: nobody else speaks GLib. */
#ifndef ACTRI_LOOP_CONTEXT_H
#define ACTRI_LOOP_CONTEXT_H

#include "wire/loop.h"

#include <glib.h>

GMainContext *actri_loop_context(actri_loop_t *loop);

#endif
