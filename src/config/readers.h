/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a manifest that are more than one value. Each reads from a loaded chain, reports to its diag and fills
 * its members of the manifest, from whose arena it takes memory.
 */
#ifndef ACTRI_CONFIG_READERS_H
#define ACTRI_CONFIG_READERS_H

#include "config/chain.h"

void actri_read_exports(actri_chain_t *chain, actri_manifest_t *manifest);
void actri_read_dependencies(actri_chain_t *chain, actri_manifest_t *manifest);
void actri_read_scripts(actri_chain_t *chain, actri_manifest_t *manifest);
void actri_read_methods(actri_chain_t *chain, actri_manifest_t *manifest);
void actri_read_acl(actri_chain_t *chain, actri_manifest_t *manifest);
void actri_read_trust(actri_chain_t *chain, actri_manifest_t *manifest);

/* SHA-256 as certificates' fingerprints are written, "AB:CD:..". */
bool actri_is_fingerprint(const char *text);

/* "manufacturer+name", "manufacturer:name" (with a hint) or "name" (manufacturer ""), by the name rule. False: an
   error was reported, or memory is out. */
bool actri_read_type_text(actri_chain_t *chain, const actri_toml_t *at, const char *text, const char **manufacturer,
                          const char **name);

#endif
