/* SPDX-License-Identifier: Apache-2.0 */
/* Batches over real sockets: with segments and without, nothing joined or cut that was not so before. */
#include "check.h"

#include "wire/udp.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 200
#define ROOM 1500

typedef struct received {
    size_t count, sizes[MOST];
    uint8_t data[MOST][ROOM];
    actri_address_t from;
} received_t;

static void on_datagram(void *user, const actri_address_t *from, const uint8_t *data, size_t size)
{
    received_t *in = user;
    assert_true(in->count < MOST && size <= ROOM);
    memcpy(in->data[in->count], data, size);
    in->sizes[in->count++] = size;
    in->from = *from;
}

static void receive(int fd, received_t *in, size_t count)
{
    while (in->count < count) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        assert_true(actri_udp_receive(fd, on_datagram, in) > 0);
    }
}

/* Sends datagrams of these sizes from one socket to another and compares. */
static void exchange(const char *ip, bool plain, const size_t *sizes, size_t count)
{
    static received_t in;
    static uint8_t bytes[MOST][ROOM];
    actri_datagram_t out[MOST];
    actri_address_t address, here, there;
    assert_true(actri_address_parse(ip, 0, &address));
    int from = actri_udp_open(&address, &here), to = actri_udp_open(&address, &there);
    assert_true(from >= 0 && to >= 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizes[i]; k++) bytes[i][k] = (uint8_t)(i * 7 + k);
        out[i] = (actri_datagram_t){bytes[i], sizes[i]};
    }
    memset(&in, 0, sizeof in);
    assert_int_equal(actri_udp_send(from, &plain, &there, out, count), count);
    receive(to, &in, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(in.sizes[i], sizes[i]);
        assert_memory_equal(in.data[i], bytes[i], sizes[i]);
    }
    assert_true(actri_address_equal(&in.from, &here));
    assert_int_equal(actri_udp_receive(to, on_datagram, &in), 0);
    (void)close(from);
    (void)close(to);
}

static void test_equal_sizes(void **state)
{
    (void)state;
    size_t sizes[MOST];
    for (size_t count = 1; count <= 150; count += count < 4 ? 1 : 29) {
        for (size_t i = 0; i < count; i++) sizes[i] = 1200;
        exchange("127.0.0.1", false, sizes, count);
        exchange("127.0.0.1", true, sizes, count);
    }
}

static void test_mixed_sizes(void **state)
{
    (void)state;
    size_t sizes[MOST];
    for (unsigned seed = 1; seed <= 30; seed++) {
        srand(seed);
        for (size_t i = 0; i < 100; i++) sizes[i] = (size_t)(rand() % 3 != 0 ? 900 : 1 + rand() % 1400);
        exchange(seed % 2 == 0 ? "127.0.0.1" : "::1", seed % 3 == 0, sizes, 100);
    }
}

/* A destination to which the kernel sends nothing: no endless loop, and the memory of it is not wrong for the next. */
static void test_what_can_not_be_sent(void **state)
{
    (void)state;
    actri_address_t address, bound, nowhere;
    static const uint8_t bytes[100];
    const actri_datagram_t out[2] = {{bytes, 100}, {bytes, 100}};
    bool plain = false;
    assert_true(actri_address_parse("127.0.0.1", 0, &address) && actri_address_parse("127.0.0.1", 0, &nowhere));
    int fd = actri_udp_open(&address, &bound);
    assert_true(fd >= 0);
    assert_int_equal(actri_udp_send(fd, &plain, &nowhere, out, 2), 0); /* port 0: EINVAL */
    assert_int_equal(actri_udp_send(fd, &plain, &bound, out, 2), 2);
    received_t *in = calloc(1, sizeof *in);
    receive(fd, in, 2);
    free(in);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_sizes),
        cmocka_unit_test(test_mixed_sizes),
        cmocka_unit_test(test_what_can_not_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
