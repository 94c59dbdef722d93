/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for Ctrl-C: the only place of libactr that touches signal handlers. They are installed for the wait and
 * put back before the shutdown begins, so that a second Ctrl-C ends the process the hard way.
 */
#include "lifecycle/node.h"

#include "port/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURNS 64 /* between two looks at the signals */

static int signal_fd = -1; /* atomic; the eventfd of the one wait that is under way */

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    uint64_t one = 1;
    int fd = __atomic_load_n(&signal_fd, __ATOMIC_ACQUIRE);
    if (fd >= 0 && write(fd, &one, sizeof one) < 0) errno = saved;
    errno = saved;
}

/* Waits for a signal or for the node's wake-up; runs turns, when they are this thread's to run. */
static void wait_either(int fd, int wake_fd, actri_pool_t *pool)
{
    struct pollfd fds[3] = {{.fd = fd, .events = POLLIN},
                            {.fd = wake_fd, .events = POLLIN},
                            {.fd = actri_pool_is_mine(pool) ? actri_pool_fd(pool) : -1, .events = POLLIN}};
    for (;;) {
        int ready = poll(fds, 3, -1);
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && (fds[0].revents != 0 || fds[1].revents != 0)) break;
        if (ready > 0) (void)actri_pool_dispatch(pool, TURNS, ACTRI_NEVER);
    }
    uint64_t signals;
    if (read(fd, &signals, sizeof signals) < 0) return; /* the node's: nothing was written to ours */
}

actr_status_t actr_ref_wait_for_ctrl_c_and_shutdown(actr_ref_t *ref, actr_error_t *error)
{
    if (ref == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ref is NULL");
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) return actri_fail_errno(error, ACTR_STATUS_IO, errno, "waiting for Ctrl-C");
    int none = -1;
    if (!__atomic_compare_exchange_n(&signal_fd, &none, fd, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)close(fd);
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "another thread waits for Ctrl-C already");
    }
    struct sigaction action = {.sa_handler = on_signal}, old_int, old_term;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, &old_int);
    (void)sigaction(SIGTERM, &action, &old_term);
    wait_either(fd, ref->node->wake_fd, ref->node->system->pool);
    (void)sigaction(SIGINT, &old_int, NULL);
    (void)sigaction(SIGTERM, &old_term, NULL);
    __atomic_store_n(&signal_fd, -1, __ATOMIC_RELEASE);
    (void)close(fd);
    actri_node_shutdown(ref->node);
    return actr_ref_wait_for_shutdown(ref, -1, error);
}
