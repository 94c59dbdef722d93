/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sentences of the status codes, and the version. */
#include <actr/base.h>

static const struct {
    actr_status_t status;
    const char *name;
    const char *sentence;
} statuses[] = {
    {ACTR_OK, "ACTR_OK", "success"},
    {ACTR_DEFERRED, "ACTR_DEFERRED", "the reply comes later"},
    {ACTR_STATUS_NO_MEMORY, "ACTR_STATUS_NO_MEMORY", "out of memory"},
    {ACTR_STATUS_INVALID_ARGUMENT, "ACTR_STATUS_INVALID_ARGUMENT", "an argument is not valid"},
    {ACTR_STATUS_INVALID_STATE, "ACTR_STATUS_INVALID_STATE", "not possible in this state"},
    {ACTR_STATUS_TIMEOUT, "ACTR_STATUS_TIMEOUT", "the time limit passed"},
    {ACTR_STATUS_CANCELLED, "ACTR_STATUS_CANCELLED", "cancelled"},
    {ACTR_STATUS_SHUTTING_DOWN, "ACTR_STATUS_SHUTTING_DOWN", "the node is shutting down"},
    {ACTR_STATUS_LIMIT_REACHED, "ACTR_STATUS_LIMIT_REACHED", "a limit is reached, try again later"},
    {ACTR_STATUS_NOT_FOUND, "ACTR_STATUS_NOT_FOUND", "not found"},
    {ACTR_STATUS_NOT_SUPPORTED, "ACTR_STATUS_NOT_SUPPORTED", "not supported"},
    {ACTR_STATUS_INTERNAL, "ACTR_STATUS_INTERNAL", "internal error"},
    {ACTR_STATUS_IO, "ACTR_STATUS_IO", "input or output failed"},
    {ACTR_STATUS_CONFIG_SYNTAX, "ACTR_STATUS_CONFIG_SYNTAX", "the configuration is not TOML"},
    {ACTR_STATUS_CONFIG_INVALID, "ACTR_STATUS_CONFIG_INVALID", "the configuration is not valid"},
    {ACTR_STATUS_INVALID_NAME, "ACTR_STATUS_INVALID_NAME", "a name is not valid"},
    {ACTR_STATUS_SIGNALING_UNAVAILABLE, "ACTR_STATUS_SIGNALING_UNAVAILABLE", "the signaling server can not be reached"},
    {ACTR_STATUS_SIGNALING_REJECTED, "ACTR_STATUS_SIGNALING_REJECTED", "the signaling server refused"},
    {ACTR_STATUS_SIGNALING_PROTOCOL, "ACTR_STATUS_SIGNALING_PROTOCOL", "the signaling server's answer makes no sense"},
    {ACTR_STATUS_TARGET_NOT_FOUND, "ACTR_STATUS_TARGET_NOT_FOUND", "no such actor is registered"},
    {ACTR_STATUS_UNAVAILABLE, "ACTR_STATUS_UNAVAILABLE", "the peer can not be reached"},
    {ACTR_STATUS_DELIVERY_UNCERTAIN, "ACTR_STATUS_DELIVERY_UNCERTAIN", "sent, but the peer went before it answered"},
    {ACTR_STATUS_TOO_LARGE, "ACTR_STATUS_TOO_LARGE", "the message is too large"},
    {ACTR_STATUS_WOULD_BLOCK, "ACTR_STATUS_WOULD_BLOCK", "not now"},
    {ACTR_STATUS_WIRE_PROTOCOL, "ACTR_STATUS_WIRE_PROTOCOL", "the peer's bytes make no sense"},
    {ACTR_STATUS_UNKNOWN_ROUTE, "ACTR_STATUS_UNKNOWN_ROUTE", "no handler for this route"},
    {ACTR_STATUS_PERMISSION_DENIED, "ACTR_STATUS_PERMISSION_DENIED", "permission denied"},
    {ACTR_STATUS_DECODE, "ACTR_STATUS_DECODE", "a message does not decode"},
    {ACTR_STATUS_HANDLER_ERROR, "ACTR_STATUS_HANDLER_ERROR", "the handler reported an error"},
    {ACTR_STATUS_HANDLER_PANIC, "ACTR_STATUS_HANDLER_PANIC", "the handler panicked"},
    {ACTR_STATUS_WOULD_DEADLOCK, "ACTR_STATUS_WOULD_DEADLOCK", "the call would wait for itself"},
    {ACTR_STATUS_REMOTE, "ACTR_STATUS_REMOTE", "the peer answered with an error"},
    {ACTR_STATUS_MAILBOX_FULL, "ACTR_STATUS_MAILBOX_FULL", "the mailbox is full"},
    {ACTR_STATUS_MAILBOX_BUSY, "ACTR_STATUS_MAILBOX_BUSY", "another process owns the mailbox"},
    {ACTR_STATUS_MAILBOX_CORRUPT, "ACTR_STATUS_MAILBOX_CORRUPT", "the mailbox file is damaged"},
    {ACTR_STATUS_MAILBOX_IO, "ACTR_STATUS_MAILBOX_IO", "the mailbox's disk failed"},
    {ACTR_STATUS_MAILBOX_VERSION, "ACTR_STATUS_MAILBOX_VERSION", "the mailbox was written by a newer version"},
    {ACTR_STATUS_PROTO_SYNTAX, "ACTR_STATUS_PROTO_SYNTAX", "the .proto file does not parse"},
    {ACTR_STATUS_PROTO_UNSUPPORTED, "ACTR_STATUS_PROTO_UNSUPPORTED", "the .proto file uses what is not supported"},
};

const char *actr_status_name(actr_status_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status) return statuses[i].name;
    }
    return "ACTR_STATUS_UNKNOWN";
}

const char *actr_status_str(actr_status_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status) return statuses[i].sentence;
    }
    return "unknown status";
}

const char *actr_error_message(const actr_error_t *error)
{
    if (error == NULL) return "";
    return error->message[0] != '\0' ? error->message : actr_status_str(error->status);
}

int actr_version_number(void)
{
    return ACTR_VERSION_NUMBER;
}

const char *actr_version(void)
{
    return ACTR_VERSION_STRING;
}
