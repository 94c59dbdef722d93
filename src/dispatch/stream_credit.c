/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/stream_credit.h"

#include "proto/datastream.h"

#include <string.h>

#define MAX_ACCOUNTS 256 /* of a connection; those of calls, whose ids do not come again, push others out */

/* What is in hand of a stream whose registration is over. */
typedef struct account {
    actri_link_t link;
    int64_t chunks, bytes;
    size_t id_size;
    uint8_t id[];
} account_t;

static uint32_t as_u32(int64_t number)
{
    return number <= 0 ? 0 : number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static void grant(actri_stream_t *stream, actri_stream_sender_t *sender, int64_t chunks, int64_t bytes)
{
    actri_credit_t credit = {.kind = ACTRI_CREDIT_GRANT,
                             .chunks = as_u32(chunks),
                             .bytes = as_u32(bytes),
                             .stream_id = actri_span_text(stream->spec.id)};
    sender->room_chunks += credit.chunks;
    sender->room_bytes += credit.bytes;
    actri_streams_say(stream->owner, &sender->session, &credit);
}

void actri_credit_begin(actri_stream_sender_t *sender)
{
    sender->room_chunks = sender->first_chunks = ACTRI_CREDIT_CHUNKS;
    sender->room_bytes = sender->first_bytes = ACTRI_CREDIT_BYTES;
}

/* ---- between two registrations ---- */

static void free_account(const actri_env_t *env, actri_credit_accounts_t *accounts, account_t *account)
{
    actri_list_remove(&account->link);
    accounts->count--;
    actri_free(env, account);
}

static account_t *find_account(const actri_credit_accounts_t *accounts, actri_span_t id)
{
    for (actri_link_t *at = accounts->list.next; at != &accounts->list; at = at->next) {
        account_t *account = ACTRI_CONTAINER(at, account_t, link);
        if (actri_span_equal(actri_span(account->id, account->id_size), id)) return account;
    }
    return NULL;
}

void actri_credit_forget_locked(const actri_env_t *env, actri_credit_accounts_t *accounts, actri_span_t stream_id)
{
    account_t *account = find_account(accounts, stream_id);
    if (account != NULL) free_account(env, accounts, account);
}

void actri_credit_forget_all(const actri_env_t *env, actri_credit_accounts_t *accounts)
{
    while (!actri_list_empty(&accounts->list)) {
        free_account(env, accounts, ACTRI_CONTAINER(accounts->list.next, account_t, link));
    }
}

/* Without memory it is forgotten: then the sender has more than is known here. */
static void remember(const actri_stream_t *stream, const actri_stream_sender_t *sender)
{
    actri_credit_accounts_t *accounts = sender->accounts;
    actri_span_t id = actri_span(stream->spec.id, strlen(stream->spec.id));
    actri_credit_forget_locked(stream->env, accounts, id);
    account_t *account = actri_alloc(stream->env, sizeof *account + id.size);
    if (account == NULL) return;
    account->chunks = sender->room_chunks;
    account->bytes = sender->room_bytes;
    account->id_size = id.size;
    memcpy(account->id, id.data, id.size);
    actri_list_append(&accounts->list, &account->link);
    accounts->count++;
    if (accounts->count <= MAX_ACCOUNTS) return;
    free_account(stream->env, accounts, ACTRI_CONTAINER(accounts->list.next, account_t, link));
}

void actri_credit_enter_locked(const actri_stream_t *stream, actri_stream_sender_t *sender)
{
    account_t *account =
        stream->spec.id == NULL ? NULL : find_account(sender->accounts, actri_span_text(stream->spec.id));
    actri_credit_begin(sender);
    if (account == NULL) return;
    sender->room_chunks = sender->first_chunks = account->chunks;
    sender->room_bytes = sender->first_bytes = account->bytes;
    free_account(stream->env, sender->accounts, account);
}

/* ---- a registration's ---- */

/* More than a sender can have that keeps within its credit, also when it has just forgotten the stream: what it holds
   begins anew then, while what it sent before still waits here. */
static bool holds_too_much(const actri_stream_t *stream, const actri_stream_sender_t *sender)
{
    return sender->held_chunks >= (int64_t)stream->spec.max_items + sender->first_chunks + ACTRI_CREDIT_CHUNKS ||
           sender->held_bytes >= (int64_t)stream->spec.max_bytes + sender->first_bytes + ACTRI_CREDIT_BYTES;
}

bool actri_credit_arrive_locked(const actri_stream_t *stream, actri_stream_sender_t *sender, size_t size)
{
    if (!sender->session.credit || stream->spec.id == NULL) return false;
    if (sender->room_chunks <= 0 || sender->room_bytes <= 0 || holds_too_much(stream, sender)) return false;
    sender->room_chunks--;
    sender->room_bytes -= (int64_t)size;
    sender->held_chunks++;
    sender->held_bytes += (int64_t)size;
    return true;
}

/* A sender's share of a bound; never nothing. */
static int64_t share(const actri_stream_t *stream, uint32_t bound)
{
    size_t senders = stream->senders.count > 0 ? stream->senders.count : 1;
    return bound / senders > 0 ? (int64_t)(bound / senders) : 1;
}

void actri_credit_taken_locked(actri_stream_t *stream, const actri_stream_item_t *item)
{
    actri_stream_sender_t *sender = item->sender;
    if (!item->credited) return;
    sender->held_chunks--;
    sender->held_bytes -= (int64_t)actr_buf_size(item->buf);
    if (stream->closed || sender->gone || sender->failed) return;
    int64_t most_chunks = share(stream, stream->spec.max_items), most_bytes = share(stream, stream->spec.max_bytes);
    int64_t chunks = sender->room_chunks + sender->held_chunks, bytes = sender->room_bytes + sender->held_bytes;
    if (chunks > most_chunks / 2 && bytes > most_bytes / 2) return;
    grant(stream, sender, most_chunks - chunks, most_bytes - bytes);
}

void actri_credit_leave_locked(actri_stream_t *stream, actri_stream_sender_t *sender)
{
    int64_t chunks = ACTRI_CREDIT_CHUNKS - sender->room_chunks, bytes = ACTRI_CREDIT_BYTES - sender->room_bytes;
    if (!sender->session.credit || stream->spec.id == NULL || sender->gone || sender->failed) return;
    if (chunks > 0 || bytes > 0) grant(stream, sender, chunks, bytes);
    if (chunks < 0 || bytes < 0) remember(stream, sender);
}

/* ---- without an account ---- */

void actri_credit_flush(actri_streams_t *streams, actri_credit_gathered_t *gathered)
{
    if (gathered->credit.chunks > 0) actri_streams_say(streams, &gathered->session, &gathered->credit);
    gathered->credit.chunks = 0;
}

void actri_credit_gather(actri_streams_t *streams, actri_credit_gathered_t *gathered, const actri_session_t *session,
                         actri_span_t stream_id, size_t size)
{
    if (!session->credit || stream_id.size == 0 || stream_id.size > ACTR_STREAM_ID_MAX) return;
    actri_credit_t *credit = &gathered->credit;
    bool same = gathered->session.number == session->number && actri_span_equal(credit->stream_id, stream_id);
    if (!same || credit->chunks == 0) {
        actri_credit_flush(streams, gathered);
        memcpy(gathered->id, stream_id.data, stream_id.size);
        gathered->session = *session;
        *credit = (actri_credit_t){.kind = ACTRI_CREDIT_GRANT, .stream_id = actri_span(gathered->id, stream_id.size)};
    }
    credit->chunks++;
    credit->bytes = as_u32((int64_t)credit->bytes + (int64_t)size);
}

void actri_credit_give_back(actri_stream_t *stream, const actri_stream_item_t *items, unsigned count)
{
    actri_credit_gathered_t gathered = {.credit.chunks = 0};
    for (unsigned i = 0; i < count; i++) {
        const actri_stream_item_t *item = &items[i];
        actri_datastream_t chunk;
        if (item->sender == NULL || !item->sender->session.credit || item->lane != ACTR_STREAM_RELIABLE) continue;
        if (actri_datastream_decode(actr_buf_data(item->buf), actr_buf_size(item->buf), &chunk, NULL) != ACTR_OK) {
            continue; /* it decoded when it came in, so it does now */
        }
        actri_credit_gather(stream->owner, &gathered, &item->sender->session, chunk.stream_id,
                            actr_buf_size(item->buf));
    }
    actri_credit_flush(stream->owner, &gathered);
}
