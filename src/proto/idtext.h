/* SPDX-License-Identifier: Apache-2.0 */
/* The text forms of level L6; those of L7 are public (actr_type_print, actr_id_print). Pure. */
#ifndef ACTRI_IDTEXT_H
#define ACTRI_IDTEXT_H

#include <actr/base.h>

/* "acme:echo"; returns text. */
const char *actri_type_print_l6(const actr_type_t *type, char text[ACTR_TYPE_TEXT_SIZE]);
/* "acme:echo@1a2b:101"; returns text. */
const char *actri_id_print_l6(const actr_id_t *id, char text[ACTR_ID_TEXT_SIZE]);

#endif
