/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NATS client, as little as it takes: one stream with JetStream's file store that drops what was acknowledged,
 * `producers` publications on their way at a time, one pull consumer that acknowledges each message. A producer goes on
 * when its publication was confirmed and one message was acknowledged.
 */
#include "mailbox_bench.h"

#include "port/clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (1u << 20)
#define PULL 512 /* messages asked for at a time */

typedef struct client {
    int fd;
    char in[ROOM], out[ROOM];
    size_t in_size, in_at, out_size;
} client_t;

/* One "MSG subject sid [reply] size". */
typedef struct message {
    char subject[100], reply[200];
    const char *data;
    size_t size;
} message_t;

static void die(const char *what)
{
    (void)fprintf(stderr, "mailbox-bench: nats: %s\n", what);
    exit(1);
}

static void flush(client_t *c)
{
    for (size_t at = 0; at < c->out_size;) {
        ssize_t sent = send(c->fd, c->out + at, c->out_size - at, MSG_NOSIGNAL);
        if (sent <= 0) die("the connection is gone");
        at += (size_t)sent;
    }
    c->out_size = 0;
}

static void put(client_t *c, const void *data, size_t size)
{
    if (c->out_size + size > ROOM) flush(c);
    memcpy(c->out + c->out_size, data, size);
    c->out_size += size;
}

static void publish(client_t *c, const char *subject, const char *reply, const void *data, size_t size)
{
    char line[400];
    int length = snprintf(line, sizeof line, "PUB %s %s %zu\r\n", subject, reply, size);
    put(c, line, (size_t)length);
    put(c, data, size);
    put(c, "\r\n", 2);
}

static void receive_more(client_t *c)
{
    flush(c);
    memmove(c->in, c->in + c->in_at, c->in_size - c->in_at);
    c->in_size -= c->in_at;
    c->in_at = 0;
    if (c->in_size == ROOM) die("a message is too large");
    ssize_t got = recv(c->fd, c->in + c->in_size, ROOM - c->in_size, 0);
    if (got <= 0) die("the connection is gone");
    c->in_size += (size_t)got;
}

/* A line without its end, and its length with it. */
static char *read_line(client_t *c, size_t *length)
{
    for (;;) {
        char *begin = c->in + c->in_at, *end = memchr(begin, '\n', c->in_size - c->in_at);
        if (end != NULL) {
            *length = (size_t)(end - begin) + 1;
            return begin;
        }
        receive_more(c);
    }
}

/* "MSG subject sid reply size" or without reply; HMSG (with headers: an answer without data) has two sizes. */
static bool parse(char *line, message_t *out)
{
    char *words[6], *save = NULL;
    int count = 0;
    for (char *word = strtok_r(line, " \r\n", &save); word != NULL && count < 6;
         word = strtok_r(NULL, " \r\n", &save)) {
        words[count++] = word;
    }
    bool headers = count > 0 && strcmp(words[0], "HMSG") == 0;
    int sizes = headers ? 2 : 1;
    if (count < 3 + sizes) return false;
    out->size = (size_t)strtoull(words[count - 1], NULL, 10);
    (void)snprintf(out->subject, sizeof out->subject, "%s", words[1]);
    (void)snprintf(out->reply, sizeof out->reply, "%s", count > 3 + sizes ? words[3] : "");
    return true;
}

/* The next message; its data lives until the next call. */
static message_t next(client_t *c)
{
    message_t message;
    for (;;) {
        size_t length;
        char *line = read_line(c, &length), copy[500];
        (void)snprintf(copy, sizeof copy, "%.*s", (int)length, line);
        if (strncmp(copy, "-ERR", 4) == 0) die(copy);
        if (strncmp(copy, "PING", 4) == 0) put(c, "PONG\r\n", 6);
        bool wanted = (strncmp(copy, "MSG ", 4) == 0 || strncmp(copy, "HMSG", 4) == 0) && parse(copy, &message);
        while (wanted && c->in_size - c->in_at < length + message.size + 2) receive_more(c);
        if (wanted) message.data = c->in + c->in_at + length;
        c->in_at += wanted ? length + message.size + 2 : length;
        if (wanted) return message;
    }
}

static void request(client_t *c, const char *subject, const char *json)
{
    publish(c, subject, "r.api", json, strlen(json));
    message_t answer = next(c);
    if (strcmp(answer.subject, "r.api") == 0 && memmem(answer.data, answer.size, "\"error\"", 7) == NULL) return;
    (void)fprintf(stderr, "%.*s\n", (int)answer.size, answer.data);
    die(subject);
}

static void set_up(client_t *c, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) die("no server");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    static const char hello[] = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":false}\r\nSUB r.> 1\r\n";
    put(c, hello, sizeof hello - 1);
    char stream[300], consumer[300], name[40];
    (void)snprintf(name, sizeof name, "S%ld", (long)getpid());
    (void)snprintf(stream, sizeof stream,
                   "{\"name\":\"%s\",\"subjects\":[\"box.%s\"],\"retention\":\"workqueue\",\"storage\":\"file\"}", name,
                   name);
    (void)snprintf(consumer, sizeof consumer,
                   "{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"d\",\"ack_policy\":\"explicit\","
                   "\"max_ack_pending\":10000}}",
                   name);
    char subject[100];
    (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.%s", name);
    request(c, subject, stream);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DURABLE.CREATE.%s.d", name);
    request(c, subject, consumer);
}

static void pull(client_t *c)
{
    char subject[100], json[40];
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S%ld.d", (long)getpid());
    (void)snprintf(json, sizeof json, "{\"batch\":%d}", PULL);
    publish(c, subject, "r.msg", json, strlen(json));
}

double bench_nats(const bench_run_t *run)
{
    static client_t c;
    uint64_t published = 0, confirmed = 0, acknowledged = 0, asked = PULL;
    char subject[40];
    set_up(&c, run->port);
    (void)snprintf(subject, sizeof subject, "box.S%ld", (long)getpid());
    pull(&c);
    int64_t started = actri_now_ns(), end = started + run->duration_ns, now = started;
    while (now < end || acknowledged < published) {
        /* the slower of the two ways counts */
        uint64_t ended = confirmed < acknowledged ? confirmed : acknowledged;
        while (now < end && published - ended < run->producers) {
            publish(&c, subject, "r.pub", run->payload, run->size);
            published++;
        }
        message_t message = next(&c);
        if (strcmp(message.subject, "r.pub") == 0) {
            confirmed++;
        } else if (message.reply[0] != '\0') {
            publish(&c, message.reply, "", "+ACK", 4);
            acknowledged++;
        }
        if (acknowledged + PULL / 2 > asked) {
            pull(&c);
            asked += PULL;
        }
        now = actri_now_ns();
    }
    flush(&c);
    (void)close(c.fd);
    return (double)acknowledged / ((double)(now - started) / 1e9);
}
