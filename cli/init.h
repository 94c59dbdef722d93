/* SPDX-License-Identifier: Apache-2.0 */
/* The templates of `actr init`, made from cli/init/ by CMake. */
#ifndef ACTR_CLI_INIT_H
#define ACTR_CLI_INIT_H

typedef struct init_template {
    const char *name; /* NULL ends the table */
    const char *text;
} init_template_t;

extern const init_template_t init_templates[];

#endif
