/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libactr: actors that talk peer to peer over WebRTC. The one header to include.
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
