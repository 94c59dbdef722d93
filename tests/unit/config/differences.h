/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded manifests that libactr answers differently on purpose; the reasons are in docs/configuration.md. */
{"url-idn", STRICTER, NULL}, {"url-host-port", STRICTER, NULL}, {"url-http", STRICTER, NULL},
    {"url-mailto", STRICTER, NULL}, {"url-file", STRICTER, NULL}, {"url-actr", STRICTER, NULL},
    {"acl-principals", STRICTER, NULL}, {"acl-principal-realm-negative", STRICTER, NULL},
    {"acl-principal-realm-wrap", STRICTER, NULL}, {"dependency-realm-string", STRICTER, NULL},
    {"dependency-realm-negative", STRICTER, NULL}, {"dependency-fingerprint-int", STRICTER, NULL},
    {"manufacturer-dot", LOOSER, NULL}, {"type-name-dot", LOOSER, NULL}, {"dependency-alias-dot", LOOSER, NULL},
    {"realm-id-key", LOOSER, NULL}, {"l0115-old-realm-key", LOOSER, NULL}, {"acl-type-plus", LOOSER, NULL},
    {"dependency-type-plus", LOOSER, NULL}, {"l0115-dependency-colon", LOOSER, NULL},
    {"l0115-acl-types-colon", LOOSER, NULL}, {"inherit-grand-relative-to-parent", LOOSER, NULL},
    {"dependency-no-fingerprint", VALUE, "dependencies_sorted_by_alias"},
    {"l0115-dependency-name-only", VALUE, "dependencies_sorted_by_alias"},
