/* SPDX-License-Identifier: Apache-2.0 */
/* actr: one tool, a table of verbs. */
#include "verbs.h"

#include <actr/actr.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} verbs[] = {
    {"call", verb_call, "call a route of an actor, from JSON and to JSON"},
    {"compat", verb_compat, "say whether a new contract can stand in for an old one"},
    {"config", verb_config, "check an Actr.toml, or show what it says in the end"},
    {"discover", verb_discover, "list the actors of a type, or the types of a realm"},
    {"dlq", verb_dlq, "list, show, put back or delete dead letters"},
    {"fingerprint", verb_fingerprint, "print the fingerprints of .proto files and of their service"},
    {"gen", verb_gen, "make typed services from .proto files"},
    {"init", verb_init, "make a small project that builds and runs"},
    {"lock", verb_lock, "keep the lock file: the contracts that dependencies were written for"},
    {"mailbox", verb_mailbox, "look into a mailbox file"},
    {"signaling", verb_signaling, "run a signaling server for development"},
};

static void usage(FILE *out)
{
    (void)fprintf(out, "usage: actr VERB [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        (void)fprintf(out, "  %-12s %s\n", verbs[i].name, verbs[i].what);
    }
    (void)fprintf(out, "\n`actr VERB --help` tells more; `actr --version` prints the version.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("actr %s\n", actr_version());
        return 0;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "actr: there is no verb \"%s\"\n\n", argv[1]);
    usage(stderr);
    return 2;
}
