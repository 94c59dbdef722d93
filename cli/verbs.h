/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `actr`, one file each; main.c has the table. A verb gets its own name as argv[0]; returns the exit
 * status. */
#ifndef ACTR_CLI_VERBS_H
#define ACTR_CLI_VERBS_H

int verb_call(int argc, char **argv);
int verb_compat(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_discover(int argc, char **argv);
int verb_fingerprint(int argc, char **argv);
int verb_dlq(int argc, char **argv);
int verb_gen(int argc, char **argv);
int verb_init(int argc, char **argv);
int verb_lock(int argc, char **argv);
int verb_mailbox(int argc, char **argv);
int verb_signaling(int argc, char **argv);

#endif
