/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_BUFFER (1 << 20)
#define SENDS 32         /* a system call */
#define READS 16         /* a system call; each may hold many datagrams */
#define SEGMENTS 60      /* the kernel's limit is 64 */
#define JOINED_MAX 65000 /* bytes of one send */
#define READ_ROOM 65536

typedef union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
} control_t;

static struct { /* [loop] one batch at a time; only what is used becomes resident */
    uint8_t data[READS][READ_ROOM];
    struct mmsghdr headers[READS];
    struct iovec vectors[READS];
    struct sockaddr_storage from[READS];
    control_t controls[READS];
} in;

int actri_udp_open(const actri_address_t *address, actri_address_t *bound)
{
    struct sockaddr_storage name;
    socklen_t size = actri_address_to_socket(address, &name);
    const int buffer = SOCKET_BUFFER, on = 1;
    int fd = socket(address->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (address->family == 6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on); /* an older kernel: one at a time */
    if (bind(fd, (struct sockaddr *)&name, size) != 0 || getsockname(fd, (struct sockaddr *)&name, &size) != 0 ||
        !actri_address_from_socket(&name, bound)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* ---- sending ---- */

/* How many of them, from the first on, can be one send: all of one size, but for a shorter last one. */
static size_t joined(const actri_datagram_t *datagrams, size_t count)
{
    size_t bytes = datagrams[0].size, some = 1;
    while (some < count && some < SEGMENTS && datagrams[some].size <= datagrams[0].size &&
           bytes + datagrams[some].size <= JOINED_MAX) {
        bytes += datagrams[some].size;
        if (datagrams[some++].size < datagrams[0].size) break;
    }
    return some;
}

static void set_segment(struct msghdr *message, control_t *control, size_t size)
{
    uint16_t segment = (uint16_t)size;
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof segment);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(header), &segment, sizeof segment);
}

/* One sendmmsg; how many datagrams went, 0 and errno when none. */
static size_t send_some(int fd, bool plain, struct sockaddr *to, socklen_t to_size, const actri_datagram_t *datagrams,
                        size_t count)
{
    struct mmsghdr messages[SENDS];
    struct iovec vectors[SENDS * 2];
    control_t controls[SENDS];
    size_t parts[SENDS], sends = 0, used = 0;
    for (; used < count && used < sizeof vectors / sizeof vectors[0] && sends < SENDS; sends++) {
        size_t room = sizeof vectors / sizeof vectors[0] - used, left = count - used;
        size_t some = plain ? 1 : joined(datagrams + used, left < room ? left : room);
        for (size_t i = used; i < used + some; i++) {
            vectors[i] = (struct iovec){(void *)(uintptr_t)datagrams[i].data, datagrams[i].size};
        }
        messages[sends].msg_hdr =
            (struct msghdr){.msg_name = to, .msg_namelen = to_size, .msg_iov = &vectors[used], .msg_iovlen = some};
        if (some > 1) set_segment(&messages[sends].msg_hdr, &controls[sends], datagrams[used].size);
        parts[sends] = some;
        used += some;
    }
    int went = sendmmsg(fd, messages, (unsigned)sends, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t sent = 0;
    for (size_t i = 0; i < sends && (ssize_t)i < went; i++) sent += parts[i];
    return sent;
}

size_t actri_udp_send(int fd, bool *plain, const actri_address_t *to, const actri_datagram_t *datagrams, size_t count)
{
    struct sockaddr_storage address;
    socklen_t size = actri_address_to_socket(to, &address);
    size_t sent = 0;
    while (sent < count) {
        size_t some = send_some(fd, *plain, (struct sockaddr *)&address, size, datagrams + sent, count - sent);
        sent += some;
        if (some > 0) continue;
        if (*plain || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) break;
        *plain = true; /* no segments here: an older kernel, or a path with a small MTU */
    }
    return sent;
}

/* ---- receiving ---- */

static int read_batch(int fd)
{
    for (int i = 0; i < READS; i++) {
        in.vectors[i] = (struct iovec){in.data[i], READ_ROOM};
        in.headers[i].msg_hdr = (struct msghdr){.msg_name = &in.from[i],
                                                .msg_namelen = sizeof in.from[i],
                                                .msg_iov = &in.vectors[i],
                                                .msg_iovlen = 1,
                                                .msg_control = in.controls[i].bytes,
                                                .msg_controllen = sizeof in.controls[i].bytes};
    }
    return recvmmsg(fd, in.headers, READS, MSG_DONTWAIT, NULL);
}

/* The size of the datagrams that were joined, 0 when it is one. */
static size_t segment_of(struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        int size = 0;
        if (at->cmsg_level != IPPROTO_UDP || at->cmsg_type != UDP_GRO) continue;
        memcpy(&size, CMSG_DATA(at), sizeof size);
        return size > 0 ? (size_t)size : 0;
    }
    return 0;
}

size_t actri_udp_receive(int fd, actri_udp_fn fn, void *user)
{
    size_t received = 0;
    int count = read_batch(fd);
    for (int i = 0; i < count; i++) {
        actri_address_t from;
        size_t left = in.headers[i].msg_len, segment = segment_of(&in.headers[i].msg_hdr);
        if (left == 0 || !actri_address_from_socket(&in.from[i], &from)) continue;
        if (segment == 0) segment = left;
        for (const uint8_t *at = in.data[i]; left > 0; received++) {
            size_t size = left < segment ? left : segment;
            fn(user, &from, at, size);
            at += size;
            left -= size;
        }
    }
    return received;
}
