/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a libwebsockets context without its side effects on the process: SIGPIPE's disposition stays what it was, and
 * nothing is written to stderr (its log is one for the process, and its lines would hold URLs with tokens).
 * [any-thread]
 */
#ifndef ACTRI_SIGNALING_LWS_H
#define ACTRI_SIGNALING_LWS_H

#include <libwebsockets.h>

struct lws_context *actri_lws_create(const struct lws_context_creation_info *info);

#endif
