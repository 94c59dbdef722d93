/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h" /* SipHash */

#include <actr/mailbox.h>
#include <string.h>

#define LONGEST_REQUEST_ID 256 /* beyond: no key */

/* Public constants: whoever looks for two requests with one key needs 2^64 tries, and finds only his own sender's. */
void actr_message_key(actr_bytes_t sender, actr_bytes_t request_id, uint8_t key[ACTR_KEY_SIZE])
{
    static const uint8_t secrets[2][16] = {"actr-known-key1", "actr-known-key2"};
    uint8_t text[1 + 128 + LONGEST_REQUEST_ID];
    memset(key, 0, ACTR_KEY_SIZE);
    if (request_id.size == 0 || request_id.size > LONGEST_REQUEST_ID) return;
    size_t from = sender.size < 128 ? sender.size : 128;
    text[0] = (uint8_t)from; /* so that the two can not run into each other */
    if (from > 0) memcpy(text + 1, sender.data, from);
    memcpy(text + 1 + from, request_id.data, request_id.size);
    for (int i = 0; i < 2; i++) {
        uint64_t half = actri_siphash(secrets[i], text, 1 + from + request_id.size);
        memcpy(key + (size_t)i * sizeof half, &half, sizeof half);
    }
}
