/* SPDX-License-Identifier: Apache-2.0 */
/* The reference's calls to the own workload, and its counters. [any-thread] */
#include "lifecycle/node.h"

#include <string.h>

actr_status_t actr_ref_call(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_buf_t **reply, actr_error_t *error)
{
    actr_dest_t local = actr_dest_local();
    return actr_ctx_call(actr_ref_ctx(ref), &local, route, payload, options, reply, error);
}

actr_status_t actr_ref_call_async(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_reply, void *user,
                                  actr_error_t *error)
{
    actr_dest_t local = actr_dest_local();
    return actr_ctx_call_async(actr_ref_ctx(ref), &local, route, payload, options, on_reply, user, error);
}

actr_status_t actr_ref_tell(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_error_t *error)
{
    actr_dest_t local = actr_dest_local();
    return actr_ctx_tell(actr_ref_ctx(ref), &local, route, payload, options, error);
}

actr_status_t actr_ref_discover(actr_ref_t *ref, const actr_type_t *type, uint32_t timeout_ms, actr_id_t *ids,
                                size_t *count, actr_error_t *error)
{
    return actr_ctx_discover(actr_ref_ctx(ref), type, timeout_ms, ids, count, error);
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void fill_path(actri_state_path_t *path, actr_node_stats_t *out)
{
    const actri_state_path_stats_t *stats = actri_state_path_stats(path);
    out->requests_received = load(&stats->received);
    out->requests_handled = load(&stats->handled);
    out->requests_refused = load(&stats->refused);
    out->tells_received = load(&stats->tells);
    out->dropped_replies = load(&stats->dropped);
    out->handlers_overtime = load(&stats->overtime);
    out->requests_expired = load(&stats->expired);
    out->requests_repeated = load(&stats->repeated);
    out->turns_here = load(&stats->here);
    out->deferred_replies = actri_state_path_deferred(path);
}

static void add_local(actri_state_path_t *path, actr_node_stats_t *out)
{
    const actri_state_path_stats_t *stats = actri_state_path_stats(path);
    uint64_t from_peers = load(&stats->from_peers); /* before the sum: it is never larger */
    out->local_served += load(&stats->handled) - from_peers;
    out->local_failed += load(&stats->local_failed);
    out->local_timed_out += load(&stats->local_timed_out);
    out->local_refused += load(&stats->local_refused);
}

static void fill_gate(actri_peer_gate_t *gate, actr_node_stats_t *out)
{
    const actri_gate_stats_t *stats = actri_peer_gate_stats(gate);
    out->calls_started = load(&stats->calls_started);
    out->calls_repeated = load(&stats->calls_repeated);
    out->calls_answered = load(&stats->calls_answered);
    out->calls_failed = load(&stats->calls_failed);
    out->calls_timed_out = load(&stats->calls_timed_out);
    out->late_replies = load(&stats->late_replies);
    out->bad_messages = load(&stats->bad_messages);
    out->peers_connected = load(&stats->peers_connected);
    out->peers_closed = load(&stats->peers_closed);
    out->pending_calls = (uint32_t)actri_peer_gate_pending(gate);
    out->peers = actri_outproc_peer_count(actri_peer_gate_outproc(gate));
    actri_peer_gate_reply_counts(gate, &out->replies_sent, &out->replies_dropped);
}

static void fill_timers(actri_timers_t *timers, actr_node_stats_t *out)
{
    actri_lock(&timers->mutex);
    out->timers = timers->count;
    out->timer_turns_skipped = timers->skipped;
    actri_unlock(&timers->mutex);
}

static void fill(actr_node_t *node, actr_node_stats_t *all)
{
    actri_mailbox_stats_t mailbox;
    actri_mailbox_stats(node->system->mailbox, &mailbox);
    all->mailbox_queued = mailbox.queued;
    all->mailbox_in_flight = mailbox.in_flight;
    all->mailbox_stored = mailbox.stored;
    all->mailbox_redelivered = mailbox.redelivered;
    all->mailbox_duplicates = mailbox.duplicates;
    all->mailbox_refused = mailbox.refused;
    all->mailbox_dead = mailbox.dead;
    all->mailbox_commits = mailbox.commits;
    all->workload_restarts = load(&node->restarts);
    all->events_dropped = load(&node->events_dropped);
    actri_lock(&node->mutex);
    if (node->state == ACTRI_NODE_RUNNING) { /* while it stops its parts are going away */
        fill_path(node->path, all);
        add_local(node->path, all);
        if (node->shell != NULL) add_local(node->shell, all);
        fill_gate(node->gate, all);
        fill_timers(&node->timers, all);
        all->executor_wakeups = actri_serial_wakeups(node->serial);
    }
    actri_unlock(&node->mutex);
}

void actr_ref_stats(actr_ref_t *ref, actr_node_stats_t *stats)
{
    actr_node_stats_t all = {.struct_size = stats->struct_size};
    if (ref != NULL) fill(ref->node, &all);
    memcpy(stats, &all, stats->struct_size < sizeof all ? stats->struct_size : sizeof all);
}
