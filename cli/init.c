/* SPDX-License-Identifier: Apache-2.0 */
/* `actr init NAME`: a small project that builds and runs. Its files are the templates of cli/init/. */
#include "init.h"
#include "verbs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_LONGEST 25 /* with "-client" behind it a name of an actor: 32 bytes */

typedef struct names {
    const char *name;               /* my-app */
    char package[NAME_LONGEST + 1]; /* my_app */
    char camel[NAME_LONGEST + 1];   /* MyApp, as protobuf-c makes it */
    char upper[NAME_LONGEST + 1];   /* MY_APP */
} names_t;

static int usage(FILE *out, int status)
{
    (void)fprintf(out,
                  "usage: actr init NAME\n\n"
                  "Makes the folder NAME: a contract (.proto), a service, a client, and what builds and configures\n"
                  "them. NAME has lower-case letters and digits, with single hyphens between, %d at most.\n",
                  NAME_LONGEST);
    return status;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > NAME_LONGEST || !is_lower(name[0]) || name[size - 1] == '-') return false;
    for (size_t i = 1; i < size; i++) {
        bool good = is_lower(name[i]) || (name[i] >= '0' && name[i] <= '9') || (name[i] == '-' && name[i - 1] != '-');
        if (!good) return false;
    }
    return true;
}

static char to_upper(char c)
{
    return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static void derive(names_t *names, const char *name)
{
    size_t camel = 0;
    memset(names, 0, sizeof *names);
    names->name = name;
    for (size_t i = 0; name[i] != '\0'; i++) {
        bool hyphen = name[i] == '-', begins = i == 0 || name[i - 1] == '-';
        names->package[i] = hyphen ? '_' : name[i];
        names->upper[i] = hyphen ? '_' : to_upper(name[i]);
        if (!hyphen) names->camel[camel++] = begins ? to_upper(name[i]) : name[i];
    }
}

/* What stands for @KEY@ at `at`; *size is its length. NULL: nothing does. */
static const char *value_of(const names_t *names, const char *at, size_t *size)
{
    const struct {
        const char *key, *value;
    } table[] = {
        {"@NAME@", names->name}, {"@PACKAGE@", names->package}, {"@CAMEL@", names->camel}, {"@UPPER@", names->upper}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        *size = strlen(table[i].key);
        if (strncmp(at, table[i].key, *size) == 0) return table[i].value;
    }
    return NULL;
}

static void print_filled(FILE *out, const char *text, const names_t *names)
{
    for (const char *at = text; *at != '\0';) {
        size_t size = 1;
        const char *value = *at == '@' ? value_of(names, at, &size) : NULL;
        if (value != NULL) {
            (void)fputs(value, out);
            at += size;
        } else {
            (void)fputc(*at++, out);
        }
    }
}

/* The template of the contract is "service.proto"; its file has the package's name. */
static int write_file(const init_template_t *template, const names_t *names)
{
    char path[2 * NAME_LONGEST + 40];
    if (strcmp(template->name, "service.proto") == 0)
        (void)snprintf(path, sizeof path, "%s/%s.proto", names->name, names->package);
    else
        (void)snprintf(path, sizeof path, "%s/%s", names->name, template->name);
    FILE *out = fopen(path, "wx");
    bool good = out != NULL;
    if (good) {
        print_filled(out, template->text, names);
        good = ferror(out) == 0;
        if (fclose(out) != 0) good = false;
    }
    if (good)
        (void)printf("  %s\n", path);
    else
        (void)fprintf(stderr, "actr init: %s: %s\n", path, strerror(errno));
    return good ? 0 : 1;
}

int verb_init(int argc, char **argv)
{
    names_t names;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc != 2) return usage(stderr, 2);
    if (!is_name(argv[1])) {
        (void)fprintf(stderr, "actr init: \"%s\" is not a name that I take\n\n", argv[1]);
        return usage(stderr, 2);
    }
    derive(&names, argv[1]);
    if (mkdir(argv[1], 0777) != 0) {
        (void)fprintf(stderr, "actr init: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (const init_template_t *template = init_templates; template->name != NULL; template ++) {
        if (write_file(template, &names) != 0) return 1;
    }
    (void)printf("\nNext: cd %s; README.md says how to build and run it.\n", argv[1]);
    return 0;
}
