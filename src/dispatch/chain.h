/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actors that wait for a request, each holding its turn: the text of the metadata entry "actr-chain", ids with
 * spaces between; a Shell is its node's id after '~'. Who is in it must not be waited for. Pure. design 4.
 */
#ifndef ACTRI_CHAIN_H
#define ACTRI_CHAIN_H

#include "proto/span.h"

#include <actr/base.h>

#define ACTRI_CHAIN_SIZE 1024 /* longest chain: 12 actors or more */
#define ACTRI_CHAIN_ENTRY_SIZE (ACTR_ID_TEXT_SIZE + 1)

/* Writes the entry of an actor, or of its Shell. */
const char *actri_chain_entry(const actr_id_t *id, bool shell, char text[ACTRI_CHAIN_ENTRY_SIZE]);
bool actri_chain_has(actri_span_t chain, const char *entry);
/* Writes chain and entry; the size written, 0 when it does not fit. */
size_t actri_chain_join(actri_span_t chain, const char *entry, char out[ACTRI_CHAIN_SIZE]);

#endif
