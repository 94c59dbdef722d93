/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket: what it answers, what it refuses, and that it ends. */
#include "check.h"

#include "observe/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/actr-admin.XXXXXX";
static char path[200];

static actr_status_t say(void *user, int count, const char *const *arguments, char *members, size_t size,
                         actr_error_t *error)
{
    if (strcmp(arguments[0], "no") == 0) return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "not \"now\"");
    (void)snprintf(members, size, "\"count\":%d,\"last\":\"%s\",\"user\":\"%s\"", count, arguments[count - 1],
                   (const char *)user);
    return ACTR_OK;
}

static const actri_admin_command_t commands[] = {{"say", 1, 3, say}, {NULL, 0, 0, NULL}};

static actri_admin_t *open_admin(void)
{
    actri_admin_t *admin = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    static char user[] = "u";
    assert_ok(actri_admin_open(NULL, path, commands, user, &admin, &error), &error);
    return admin;
}

static void check(const char *request, const char *expected)
{
    char reply[ACTRI_ADMIN_REPLY];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_admin_ask(path, request, reply, sizeof reply, &error), &error);
    assert_string_equal(reply, expected);
}

static void test_answers(void **state)
{
    (void)state;
    struct stat info;
    actri_admin_t *admin = open_admin();
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    check("say\ta", "{\"ok\":true,\"count\":1,\"last\":\"a\",\"user\":\"u\"}");
    check("say\ta\tb b\tc", "{\"ok\":true,\"count\":3,\"last\":\"c\",\"user\":\"u\"}");
    check("say\tno", "{\"ok\":false,\"status\":\"ACTR_STATUS_LIMIT_REACHED\",\"error\":\"not \\\"now\\\"\"}");
    actri_admin_close(admin);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_refusals(void **state)
{
    (void)state;
    actri_admin_t *admin = open_admin();
    check("", "{\"ok\":false,\"status\":\"ACTR_STATUS_NOT_FOUND\",\"error\":\"there is no such command\"}");
    check("say", "{\"ok\":false,\"status\":\"ACTR_STATUS_INVALID_ARGUMENT\",\"error\":\"say takes 1 to 3 arguments\"}");
    check("say\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\t13\t14\t15\t16\t17\t18",
          "{\"ok\":false,\"status\":\"ACTR_STATUS_INVALID_ARGUMENT\",\"error\":\"too many arguments\"}");
    char *longest = calloc(1, 2 * ACTRI_ADMIN_REQUEST), reply[100];
    memset(longest, 'x', 2 * ACTRI_ADMIN_REQUEST - 1);
    assert_status(ACTR_STATUS_IO, actri_admin_ask(path, longest, reply, sizeof reply, NULL)); /* hung up */
    free(longest);
    check("say\tstill", "{\"ok\":true,\"count\":1,\"last\":\"still\",\"user\":\"u\"}");
    actri_admin_close(admin);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    char reply[100];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_NOT_FOUND, actri_admin_ask(path, "say\ta", reply, sizeof reply, &error));
}

/* A client that says nothing does not hold up the end; what lies at the path from before is replaced. */
static void test_a_silent_client_does_not_hold_up_the_end(void **state)
{
    (void)state;
    FILE *stale = fopen(path, "w");
    assert_non_null(stale);
    (void)fclose(stale);
    actri_admin_t *admin = open_admin();
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(send(fd, "sa", 2, 0), 2);
    actri_admin_close(admin);
    (void)close(fd);
}

/* A socket's own name has room for 107 bytes. */
static void test_long_folders(void **state)
{
    (void)state;
    char deep[400], before[200];
    (void)snprintf(before, sizeof before, "%s", path);
    (void)snprintf(deep, sizeof deep, "%s/%0150d", folder, 7);
    assert_int_equal(mkdir(deep, 0700), 0);
    char reply[200];
    (void)snprintf(reply, sizeof reply, "%.180s/s", deep);
    (void)snprintf(path, sizeof path, "%s", reply);
    actri_admin_t *admin = open_admin();
    check("say\ta", "{\"ok\":true,\"count\":1,\"last\":\"a\",\"user\":\"u\"}");
    actri_admin_close(admin);
    (void)rmdir(deep);
    (void)snprintf(path, sizeof path, "%s", before);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/s", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_a_silent_client_does_not_hold_up_the_end),
        cmocka_unit_test(test_long_folders),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
