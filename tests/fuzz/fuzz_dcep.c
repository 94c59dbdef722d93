/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_dcep_open_t open;
    actr_payload_type_t lane;
    if (actri_dcep_decode_open(data, size, &open, NULL) == ACTR_OK) {
        (void)actri_lane_from_label(open.label, open.label_size, &lane);
    }
    return 0;
}
