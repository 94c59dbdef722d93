/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance suite against the two implementations that ship and against a third, small one. */
#include "check.h"
#include "conformance/mailbox_suite.h"
#include "conformance/small_mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/actr-conform.XXXXXX";
static char path[200];

static void remove_file(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[240];
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static actr_status_t open_sqlite(void *user, bool fresh, const actr_store_options_t *options, actr_mailbox_t **mailbox,
                                 actr_dlq_t **letters, actr_error_t *error)
{
    actr_store_options_t here = *options;
    (void)user;
    if (fresh) remove_file();
    here.path = path;
    here.durability = ACTR_DURABILITY_OFF;
    return actr_sqlite_store_open(&here, mailbox, letters, error);
}

static actr_status_t open_memory(void *user, bool fresh, const actr_store_options_t *options, actr_mailbox_t **mailbox,
                                 actr_dlq_t **letters, actr_error_t *error)
{
    (void)user;
    (void)fresh;
    return actr_memory_store_open(options, mailbox, letters, error);
}

static actr_status_t open_small(void *user, bool fresh, const actr_store_options_t *options, actr_mailbox_t **mailbox,
                                actr_dlq_t **letters, actr_error_t *error)
{
    (void)user;
    (void)fresh;
    (void)letters;
    (void)error;
    *mailbox = small_mailbox_new(options);
    return *mailbox != NULL ? ACTR_OK : ACTR_STATUS_NO_MEMORY;
}

static void report(void *user, const char *factory, const char *test, const char *failure)
{
    unsigned *cases = user;
    ++*cases;
    if (failure != NULL) print_message("%s: %s: %s\n", factory, test, failure);
}

static void check(const actr_mailbox_factory_t *factory)
{
    unsigned cases = 0;
    assert_int_equal(actr_mailbox_conformance(factory, report, &cases), 0);
    assert_true(cases > 30);
}

static void test_sqlite(void **state)
{
    (void)state;
    check(&(actr_mailbox_factory_t){.name = "sqlite", .open = open_sqlite, .durable = true, .knows_duplicates = true});
}

static void test_memory(void **state)
{
    (void)state;
    check(&(actr_mailbox_factory_t){.name = "memory", .open = open_memory, .knows_duplicates = true});
}

static void test_small(void **state)
{
    (void)state;
    check(&(actr_mailbox_factory_t){.name = "small", .open = open_small});
}

/* A suite that nothing can fail proves nothing. */
static actr_mailbox_t *broken_small(const actr_store_options_t *options)
{
    static actr_mailbox_ops_t ops;
    actr_mailbox_t *mailbox = small_mailbox_new(options);
    if (mailbox == NULL) return NULL;
    ops = *mailbox->ops;
    ops.nack = NULL;
    mailbox->ops = &ops;
    return mailbox;
}

static actr_status_t open_broken(void *user, bool fresh, const actr_store_options_t *options, actr_mailbox_t **mailbox,
                                 actr_dlq_t **letters, actr_error_t *error)
{
    (void)user;
    (void)fresh;
    (void)letters;
    (void)error;
    *mailbox = broken_small(options);
    return *mailbox != NULL ? ACTR_OK : ACTR_STATUS_NO_MEMORY;
}

static void ignore(void *user, const char *factory, const char *test, const char *failure)
{
    (void)user;
    (void)factory;
    (void)test;
    (void)failure;
}

static void test_the_suite_finds_a_fault(void **state)
{
    (void)state;
    const actr_mailbox_factory_t factory = {.name = "broken", .open = open_broken};
    assert_true(actr_mailbox_conformance(&factory, ignore, NULL) >= 4);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/mailbox.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove_file();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_the_suite_finds_a_fault),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
