/* SPDX-License-Identifier: Apache-2.0 */
/* STUN from anywhere: decode, verify, and an agent that takes it as coming from its peer. */
#include "wire/ice_core.h"
#include "wire/stun.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, unsigned local, const actri_address_t *to, const uint8_t *bytes, size_t count)
{
    (void)user, (void)local, (void)to, (void)bytes, (void)count;
}

static void ignore_state(void *user, actri_ice_state_t state)
{
    (void)user, (void)state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_stun_t message;
    static actri_ice_core_t core;
    actri_address_t from;
    if (actri_stun_decode(data, size, &message)) (void)actri_stun_verify(data, size, "VOkJxbRl1RmTxUk/WvJxBt");
    (void)actri_address_parse("192.0.2.1", 4000, &from);
    actri_ice_core_init(&core, NULL, false);
    core.send = ignore;
    core.on_state = ignore_state;
    (void)actri_ice_core_add_local(&core, &from);
    strcpy(core.ufrag, "evtj"); /* what the recorded messages were made with */
    strcpy(core.pwd, "VOkJxbRl1RmTxUk/WvJxBt");
    actri_ice_core_set_remote(&core, "h6vY", core.pwd, 0);
    (void)actri_ice_core_receive(&core, 0, &from, data, size, 1);
    (void)actri_ice_core_tick(&core, 2);
    return 0;
}
