/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libactr: actors that talk peer to peer over WebRTC. The one header to include.
 *
 * NULL, in every header of this folder: what releases, frees, closes or cancels an object does nothing with NULL. What
 * reads one, without a status, reads nothing from NULL: NULL, 0, false, an empty text, counters that are all 0; but
 * NULL is closed, and is shutting down. What has a status gives ACTR_STATUS_INVALID_ARGUMENT. An error may be NULL
 * everywhere; what else may be says so.
 */
#ifndef ACTR_ACTR_H
#define ACTR_ACTR_H

#include <actr/base.h>
#include <actr/config.h>
#include <actr/context.h>
#include <actr/file.h>
#include <actr/lane.h>
#include <actr/mailbox.h>
#include <actr/media.h>
#include <actr/network.h>
#include <actr/status.h>
#include <actr/stream.h>
#include <actr/system.h>
#include <actr/transport.h>
#include <actr/uri.h>

#endif
