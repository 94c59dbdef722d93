/* SPDX-License-Identifier: Apache-2.0 */
/* What the key table says, for people and editors. Written into a text; nothing is read. */
#ifndef ACTRI_CONFIG_DESCRIBE_H
#define ACTRI_CONFIG_DESCRIBE_H

#include "config/manifest.h"
#include "config/text.h"

/* A JSON schema (draft 07) of Actr.toml, for Taplo and VS Code. */
void actri_describe_schema(actri_text_t *out);
/* The reference section of docs/configuration.md: Markdown, one table for each table of the file. */
void actri_describe_reference(actri_text_t *out);

/* The effective values of a manifest, one line each with the place that it comes from; or JSON. */
void actri_show_manifest(const actri_manifest_t *manifest, bool json, actri_text_t *out);

#endif
