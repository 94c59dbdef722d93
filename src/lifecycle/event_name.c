/* SPDX-License-Identifier: Apache-2.0 */
#include <actr/system.h>

static const char *const names[] = {
    [ACTR_EVENT_SIGNALING_CONNECTED] = "signaling connected",
    [ACTR_EVENT_SIGNALING_DISCONNECTED] = "signaling disconnected",
    [ACTR_EVENT_PEER_CONNECTED] = "peer connected",
    [ACTR_EVENT_PEER_RECOVERING] = "peer recovering",
    [ACTR_EVENT_PEER_CLOSED] = "peer closed",
    [ACTR_EVENT_HANDLER_OVERTIME] = "handler overtime",
    [ACTR_EVENT_WORKLOAD_RESTARTED] = "workload restarted",
    [ACTR_EVENT_WORKLOAD_GIVEN_UP] = "workload given up",
    [ACTR_EVENT_SIGNALING_CONNECTING] = "signaling connecting",
    [ACTR_EVENT_PEER_CONNECTING] = "peer connecting",
    [ACTR_EVENT_CREDENTIAL_EXPIRING] = "credential expiring",
    [ACTR_EVENT_CREDENTIAL_RENEWED] = "credential renewed",
    [ACTR_EVENT_MAILBOX_BACKPRESSURE] = "mailbox back-pressure",
    [ACTR_EVENT_ERROR] = "error",
};

const char *actr_event_name(actr_event_kind_t kind)
{
    bool known = kind > 0 && (size_t)kind < sizeof names / sizeof names[0] && names[kind] != NULL;
    return known ? names[kind] : "unknown event";
}
