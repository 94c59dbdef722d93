/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How deep a message is nested, before protobuf-c is let at it: its parser recurses without a limit, so a few kilobytes
 * of nesting from a peer would use up the stack. Pure. [any-thread]
 */
#ifndef ACTRI_PB_DEPTH_H
#define ACTRI_PB_DEPTH_H

#include <actr/base.h>

struct ProtobufCMessageDescriptor;

#define ACTRI_PB_DEPTH_MAX 100 /* what Google's parsers allow */

/* False when some message in `bytes` lies deeper than `limit` (1: none may be nested). Broken bytes end the look: they
 * are the parser's to refuse, and it gets no deeper into them than this did. */
bool actri_pb_depth_ok(const struct ProtobufCMessageDescriptor *descriptor, actr_bytes_t bytes, unsigned limit);

#endif
