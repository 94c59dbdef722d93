/* SPDX-License-Identifier: Apache-2.0 */
/* `actr gen`: protoc with protoc-gen-actr, found beside this program. */
#include "verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(out,
                  "usage: actr gen [--out DIR] [-I DIR ...] FILE.proto ...\n\n"
                  "Makes FILE.pb-c.h and FILE.pb-c.c (messages) and FILE.actr.h and FILE.actr.c (typed services).\n"
                  "  --out DIR  where to (default: here); made if it is not there\n"
                  "  -I DIR     where .proto files and their imports are looked up (default: here)\n\n"
                  "Runs protoc and protoc-gen-c; Debian has them in protobuf-compiler and protobuf-c-compiler.\n");
    return status;
}

/* "<where this program is>/<what>", or "" when there is no such file. */
static void beside(const char *what, char *path, size_t size)
{
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = length > 0 ? strrchr(self, '/') : NULL;
    if (slash != NULL) *slash = '\0';
    int written = slash == NULL ? -1 : snprintf(path, size, "%s/%s", self, what);
    if (written < 0 || (size_t)written >= size || access(path, R_OK) != 0) path[0] = '\0';
}

typedef struct command {
    char plugin[PATH_MAX + 40], out[PATH_MAX + 40], options[PATH_MAX], include[PATH_MAX + 40];
    char **words;
    size_t count;
} command_t;

static void add(command_t *command, char *word)
{
    command->words[command->count++] = word;
}

/* The installed plugin, and the folder of actr/options.proto. */
static void add_installed(command_t *command)
{
    char path[PATH_MAX];
    beside("protoc-gen-actr", path, sizeof path);
    if (path[0] != '\0') {
        (void)snprintf(command->plugin, sizeof command->plugin, "--plugin=protoc-gen-actr=%s", path);
        add(command, command->plugin);
    }
    beside("../include/actr/options.proto", command->options, sizeof command->options);
    if (command->options[0] == '\0') return;
    command->options[strlen(command->options) - strlen("/actr/options.proto")] = '\0';
    (void)snprintf(command->include, sizeof command->include, "-I%s", command->options);
    add(command, command->include);
}

/* 0, or the exit status. */
static int parse(command_t *command, int argc, char **argv)
{
    static char here[] = "-I.", dash_i[] = "-I";
    const char *out = ".";
    bool looked_up = false, files = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, -1);
        if (strcmp(argv[i], "--out") == 0 && i + 1 < argc) {
            out = argv[++i];
        } else if (strcmp(argv[i], "-I") == 0 && i + 1 < argc) {
            add(command, dash_i);
            add(command, argv[++i]);
            looked_up = true;
        } else if (strncmp(argv[i], "-I", 2) == 0 && argv[i][2] != '\0') {
            add(command, argv[i]);
            looked_up = true;
        } else if (argv[i][0] == '-') {
            return usage(stderr, 2);
        } else {
            add(command, argv[i]);
            files = true;
        }
    }
    if (!files) return usage(stderr, 2);
    if (!looked_up) add(command, here);
    if (mkdir(out, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "actr gen: %s: %s\n", out, strerror(errno));
        return 1;
    }
    int size = snprintf(command->out, sizeof command->out, "--actr_out=messages:%s", out);
    if (size < 0 || (size_t)size >= sizeof command->out) return usage(stderr, 2);
    add(command, command->out);
    return 0;
}

int verb_gen(int argc, char **argv)
{
    static char protoc[] = "protoc";
    command_t *command = calloc(1, sizeof *command);
    if (command != NULL) command->words = calloc((size_t)argc + 8, sizeof *command->words);
    int status = 1;
    if (command == NULL || command->words == NULL) {
        (void)fprintf(stderr, "actr gen: out of memory\n");
    } else {
        add(command, protoc);
        status = parse(command, argc, argv);
    }
    if (status == 0) {
        add_installed(command);
        (void)execvp(protoc, command->words);
        (void)fprintf(stderr, "actr gen: protoc does not start: %s; Debian has it in protobuf-compiler\n",
                      strerror(errno));
        status = 1;
    }
    if (command != NULL) free(command->words);
    free(command);
    return status < 0 ? 0 : status;
}
