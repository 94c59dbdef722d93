/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of the machine's addresses; the test says which there are, and plays the kernel that says "look". */
#include "check.h"

#include "port/clock.h"
#include "port/waiter.h"
#include "wire/address.h"
#include "wire/net_watch.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 4

static struct {
    const char *addresses[MOST];
    bool down, fails, examined; /* examined: IPv6 addresses, by the kernel, and not to be used before its end */
    struct ifaddrs entries[MOST];
    struct sockaddr_storage names[MOST];
    unsigned told;
    actri_net_change_t last;
    actri_net_watch_t watch;
    actri_loop_t *loop;
    actr_status_t status;
} stage;

int getifaddrs(struct ifaddrs **list)
{
    if (stage.fails) {
        errno = ENOMEM;
        return -1;
    }
    *list = NULL;
    for (int i = 0; i < MOST; i++) {
        actri_address_t address;
        if (stage.addresses[i] == NULL || !actri_address_parse(stage.addresses[i], 0, &address)) continue;
        (void)actri_address_to_socket(&address, &stage.names[i]);
        stage.entries[i] = (struct ifaddrs){
            .ifa_next = *list, .ifa_flags = stage.down ? 0 : IFF_UP, .ifa_addr = (struct sockaddr *)&stage.names[i]};
        *list = &stage.entries[i];
    }
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    (void)list;
}

int bind(int fd, const struct sockaddr *name, socklen_t size)
{
    if (name->sa_family != AF_INET6) return (int)syscall(SYS_bind, fd, name, size);
    if (stage.examined) errno = EADDRNOTAVAIL;
    return stage.examined ? -1 : 0;
}

static void on_change(void *user, actri_net_change_t change)
{
    assert_ptr_equal(user, &stage);
    stage.told++;
    stage.last = change;
}

typedef struct job {
    actri_task_t task;
    void (*run)(void);
    actri_waiter_t waiter;
} job_t;

static void run_job(actri_task_t *task)
{
    job_t *job = ACTRI_CONTAINER(task, job_t, task);
    job->run();
    actri_waiter_wake(&job->waiter);
}

static void on_loop(void (*run)(void))
{
    job_t job = {.task = {.run = run_job}, .run = run};
    actri_waiter_init(&job.waiter);
    actri_loop_post(stage.loop, &job.task);
    assert_true(actri_waiter_wait_until(&job.waiter, actri_now_ns() + 20 * ACTRI_SECOND));
}

static void start(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    stage.status = actri_net_watch_start(&stage.watch, stage.loop, on_change, &stage, &error);
}

static void stop(void)
{
    actri_net_watch_stop(&stage.watch);
    actri_net_watch_stop(&stage.watch);
}

static void kernel_speaks(void)
{
    stage.watch.watch.ready(&stage.watch.watch);
}

static void expect(actri_net_change_t change, const char *first, const char *second, const char *third)
{
    unsigned before = stage.told;
    stage.addresses[0] = first;
    stage.addresses[1] = second;
    stage.addresses[2] = third;
    on_loop(kernel_speaks);
    assert_int_equal(stage.told, before + (change != ACTRI_NET_SAME));
    if (change != ACTRI_NET_SAME) assert_int_equal(stage.last, change);
    on_loop(kernel_speaks); /* said again: nothing new */
    assert_int_equal(stage.told, before + (change != ACTRI_NET_SAME));
}

static void changes_are_told_once_and_only_those_that_count(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    memset(&stage, 0, sizeof stage);
    assert_ok(actri_loop_acquire(&stage.loop, &error), &error);
    stage.addresses[0] = "192.0.2.1";
    on_loop(start);
    assert_status(ACTR_OK, stage.status);
    expect(ACTRI_NET_SAME, "192.0.2.1", NULL, NULL);
    expect(ACTRI_NET_SAME, "127.0.0.1", "192.0.2.1", "fe80::1"); /* loopback and link-local */
    expect(ACTRI_NET_CHANGED, "192.0.2.1", "2001:db8::1", NULL);
    expect(ACTRI_NET_SAME, "2001:db8::1", "192.0.2.1", NULL); /* in another order */
    expect(ACTRI_NET_CHANGED, "198.51.100.7", NULL, NULL);
    stage.fails = true; /* it can not be read now: nothing is made of that */
    expect(ACTRI_NET_SAME, NULL, NULL, NULL);
    stage.fails = false;
    expect(ACTRI_NET_LOST, "127.0.0.1", NULL, NULL);
    expect(ACTRI_NET_AVAILABLE, "198.51.100.7", "127.0.0.1", NULL);
    stage.examined = true;
    expect(ACTRI_NET_SAME, "198.51.100.7", "2001:db8::1", NULL);
    expect(ACTRI_NET_LOST, "2001:db8::1", NULL, NULL);
    stage.examined = false; /* the same addresses, and news */
    expect(ACTRI_NET_AVAILABLE, "2001:db8::1", NULL, NULL);
    expect(ACTRI_NET_CHANGED, "198.51.100.7", NULL, NULL);
    stage.down = true;
    expect(ACTRI_NET_LOST, "198.51.100.7", NULL, NULL);
    on_loop(stop);
    actri_loop_release(stage.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_once_and_only_those_that_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
