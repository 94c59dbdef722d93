/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A producer (this process) and a consumer with its mailbox, killed again and again at an instant of the seed's choice:
 * after a time, after so many reports, or by its own hand at a place in the life of a request. The book over all lives
 * must be right: nothing that was accepted is lost, nothing is done again whose acknowledgement was committed, a
 * sender's requests of one priority come in order. test_kill [--full] [--cycles N] [--seed S]
 */
#include "fault/consumer.h"
#include "fault/scratch.h"
#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MOST_REQUESTS 160 /* of one life */
#define REPEATS 15        /* percent of what is sent */
#define RECENT 1000       /* requests back; well inside the duplicate window */
#define LIMIT_NS (60 * ACTRI_SECOND)
#define CYCLES 100
#define FULL_CYCLES 2000

typedef struct entry {
    numbered_t request;
    uint32_t sent_life, sent_after; /* how many ends were known when it was sent */
    uint32_t accepted_life, attempts, effects, effect_life;
    uint32_t end_life, end_number; /* 0: not ended; the how-manieth of its life */
    uint32_t due;                  /* repeats of this life that the stored reply must answer */
    bool accepted, gone;           /* gone: its acknowledgement is known to be committed */
    bool unordered;                /* sent again without knowing whether the first one had come: either may count */
    uint64_t nonce;                /* of its last effect: its reply */
} entry_t;

typedef struct book {
    entry_t *entries; /* [1 .. count] */
    uint32_t count, room;
    uint32_t life, ends; /* of this life */
    uint32_t due;        /* repeats to be answered in this life */
    uint64_t repeats, answers;
    uint32_t last[NUMBERED_SENDERS][2];
    off_t effects_read;
} book_t;

typedef enum end_kind { END_TIME, END_REPORTS, END_PLACE, END_ORDERLY } end_kind_t;

typedef struct life {
    end_kind_t end;
    uint32_t requests, reports; /* to send; END_REPORTS: to see */
    int64_t time_ns;            /* END_TIME: after the first request */
    uint32_t burst;
    consumer_plan_t plan;
} life_t;

static book_t book;
static char effects[120];
static uint64_t seed_now;

static const char *describe(const life_t *life)
{
    static char text[200];
    static const char *const ends[] = {"after a time", "after reports", "by its own hand", "in order"};
    (void)snprintf(text, sizeof text, "seed %llu, life %u (%u requests, ended %s, %s %u)", (unsigned long long)seed_now,
                   book.life, life->requests, ends[life->end], consumer_place_names[life->plan.place],
                   life->plan.kill_at);
    return text;
}

#define must(condition, life, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            char must_text[200];                                                                                       \
            (void)snprintf(must_text, sizeof must_text, __VA_ARGS__);                                                  \
            fail_msg("%s: %s", describe(life), must_text);                                                             \
        }                                                                                                              \
    } while (0)

/* ---- the book ---- */

static entry_t *new_entry(rng_t *rng)
{
    if (book.count + 1 >= book.room) {
        book.room = book.room * 2 + 1024;
        book.entries = realloc(book.entries, book.room * sizeof *book.entries);
        assert_non_null(book.entries);
    }
    entry_t *entry = &book.entries[++book.count];
    *entry = (entry_t){.sent_life = book.life, .sent_after = book.ends};
    entry->request.number = book.count;
    entry->request.sender = rng_below(rng, NUMBERED_SENDERS);
    entry->request.high = rng_chance(rng, 30);
    entry->request.size = rng_chance(rng, 3) ? 40000 : rng_below(rng, 600);
    return entry;
}

static void on_accepted(const life_t *life, entry_t *entry, uint32_t attempt)
{
    uint32_t n = entry->request.number, *last = &book.last[entry->request.sender][entry->request.high];
    must(!entry->gone, life, "%u came after its acknowledgement was committed", n);
    must(entry->accepted_life != book.life, life, "%u came twice in this life", n);
    must(n > *last || entry->unordered, life, "%u came after %u of the same sender and priority", n, *last);
    /* what was begun and did not end counts, nothing else does */
    must(attempt >= entry->attempts && attempt <= entry->attempts + 1, life, "attempt %u of %u came after attempt %u",
         attempt, n, entry->attempts);
    must(attempt > entry->effects, life, "attempt %u of %u, which had %u effects", attempt, n, entry->effects);
    if (n > *last) *last = n;
    entry->accepted = true;
    entry->accepted_life = book.life;
    entry->attempts = attempt;
    /* what had ended before this one was sent was committed with it or before it */
    for (uint32_t i = book.count; i > 0 && entry->sent_life == book.life; i--) {
        entry_t *other = &book.entries[i];
        if (other->end_life == book.life && other->end_number <= entry->sent_after) other->gone = true;
        if (i + 20 * MOST_REQUESTS < book.count) break;
    }
}

static void on_repeated(const life_t *life, entry_t *entry, uint64_t nonce)
{
    must(entry->effects > 0 || entry->nonce != 0, life, "%u was answered before it was done", entry->request.number);
    must(nonce == entry->nonce, life, "the stored reply of %u is not its reply", entry->request.number);
    book.answers++;
    if (entry->due == 0) return;
    entry->due--;
    book.due--;
}

static void on_report(const life_t *life, const report_t *report)
{
    must(report->number > 0 && report->number <= book.count, life, "%u was never sent", report->number);
    entry_t *entry = &book.entries[report->number];
    if (report->kind == REPORT_ACCEPTED) on_accepted(life, entry, report->attempt);
    if (report->kind == REPORT_ENDED) {
        entry->end_life = book.life;
        entry->end_number = ++book.ends;
    }
    if (report->kind == REPORT_REPLY) entry->nonce = report->nonce;
    if (report->kind == REPORT_REPEATED) on_repeated(life, entry, report->nonce);
    must(report->kind != REPORT_REFUSED, life, "%u was refused", report->number);
}

/* The effects of the life that is over. */
static void read_effects(const life_t *life)
{
    effect_t effect;
    int fd = open(effects, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return; /* it died before it made the file */
    while (pread(fd, &effect, sizeof effect, book.effects_read) == sizeof effect) {
        book.effects_read += (off_t)sizeof effect;
        must(effect.number > 0 && effect.number <= book.count, life, "an effect of %u, never sent", effect.number);
        entry_t *entry = &book.entries[effect.number];
        must(entry->effect_life != effect.life, life, "%u was done twice in one life", effect.number);
        must(!entry->gone || entry->end_life == effect.life, life,
             "%u was done after its acknowledgement was committed", effect.number);
        entry->effects++;
        entry->effect_life = effect.life;
        entry->nonce = effect.nonce;
    }
    (void)close(fd);
}

/* After an orderly life without held ones: all that was accepted has had its effect, and is gone. */
static void check_nothing_is_left(const life_t *life)
{
    for (uint32_t i = 1; i <= book.count; i++) {
        must(!book.entries[i].accepted || book.entries[i].effects > 0, life, "%u was accepted and is lost", i);
        if (book.entries[i].end_life == book.life) book.entries[i].gone = true;
    }
}

static bool all_done(void)
{
    if (book.due > 0) return false;
    for (uint32_t i = 1; i <= book.count; i++) {
        const entry_t *entry = &book.entries[i];
        bool here = entry->sent_life == book.life || (entry->accepted && entry->end_life == 0);
        if (here && entry->end_life != book.life) return false;
    }
    return true;
}

/* ---- a life ---- */

static pid_t start(life_t *life, int *out)
{
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(sockets[0]);
        life->plan.socket = sockets[1];
        consumer_run(&life->plan);
    }
    (void)close(sockets[1]);
    *out = sockets[0];
    return child;
}

/* Reads the reports that are there, or waits for one; false when the consumer is gone, or its time is up. */
static bool read_reports(const life_t *life, int fd, int wait_ms, uint32_t *seen)
{
    struct pollfd poller = {fd, POLLIN, 0};
    report_t report;
    if (poll(&poller, 1, wait_ms) <= 0) return true;
    for (;;) {
        ssize_t size = recv(fd, &report, sizeof report, MSG_DONTWAIT);
        if (size < 0 && errno == ECONNRESET) continue; /* it died with requests unread; its reports come behind this */
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        if (size != sizeof report) return false;
        on_report(life, &report);
        (*seen)++;
    }
}

/* Any of the recent requests once more, as a sender does that has not seen the reply. */
static bool send_again(int fd, rng_t *rng)
{
    entry_t *entry = &book.entries[book.count - rng_below(rng, book.count < RECENT ? book.count : RECENT)];
    if (send(fd, &entry->request, sizeof entry->request, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return false;
    entry->unordered = entry->unordered || !entry->accepted;
    entry->due += entry->gone ? 1 : 0;
    book.due += entry->gone ? 1 : 0;
    book.repeats++;
    return true;
}

static bool send_new(int fd, rng_t *rng)
{
    entry_t *entry = new_entry(rng);
    if (send(fd, &entry->request, sizeof entry->request, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) return true;
    book.count--; /* it was never sent */
    return false;
}

/* Sends a burst, as far as the socket takes it. */
static uint32_t send_burst(const life_t *life, int fd, rng_t *rng, uint32_t most)
{
    uint32_t sent = 0;
    while (sent < life->burst && sent < most) {
        bool again = book.count > 0 && rng_chance(rng, REPEATS);
        if (!(again ? send_again(fd, rng) : send_new(fd, rng))) break;
        sent++;
    }
    return sent;
}

static bool is_over(const life_t *life, uint32_t sent, uint32_t seen, int64_t begun)
{
    switch (life->end) {
    case END_TIME: return actri_now_ns() >= begun + life->time_ns;
    case END_REPORTS:
        if (seen >= life->reports) return true;
        break;
    case END_PLACE:
    case END_ORDERLY: break;
    }
    return sent >= life->requests && all_done(); /* also when it never came so far */
}

static void live(life_t *life, rng_t *rng)
{
    int fd, status;
    uint32_t sent = 0, seen = 0;
    pid_t child = start(life, &fd);
    int64_t begun = actri_now_ns();
    bool alive = true;
    while (alive && !is_over(life, sent, seen, begun)) {
        if (sent < life->requests) sent += send_burst(life, fd, rng, life->requests - sent);
        alive = read_reports(life, fd, life->end == END_TIME || sent < life->requests ? 0 : 10, &seen);
        must(actri_now_ns() < begun + LIMIT_NS, life, "it does not go on");
    }
    if (life->end == END_ORDERLY) {
        consumer_request_t stop = {0, 0, 0, 0};
        must(send(fd, &stop, sizeof stop, MSG_NOSIGNAL) > 0, life, "it has died");
    } else {
        (void)kill(child, SIGKILL);
    }
    while (alive && actri_now_ns() < begun + LIMIT_NS) alive = read_reports(life, fd, 1000, &seen); /* its last words */
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(fd);
    must(life->end == END_ORDERLY ? WIFEXITED(status) && WEXITSTATUS(status) == 0 : WIFSIGNALED(status), life,
         "it ended with %d", status);
    read_effects(life);
    if (life->end == END_ORDERLY) check_nothing_is_left(life);
}

static life_t plan_life(rng_t *rng, bool orderly)
{
    life_t life = {.end = orderly ? END_ORDERLY : (end_kind_t)rng_below(rng, 3)};
    life.requests = rng_below(rng, MOST_REQUESTS);
    life.reports = rng_below(rng, 3 * life.requests + 1);
    life.time_ns = rng_below(rng, 15000) * (ACTRI_MS / 1000);
    life.burst = 1 + rng_below(rng, rng_chance(rng, 50) ? 4 : 64);
    life.plan = (consumer_plan_t){.path = scratch_path, .effects = effects, .life = book.life};
    if (life.end == END_PLACE) {
        life.plan.place = (consumer_place_t)(1 + rng_below(rng, CONSUMER_PLACES - 1));
        life.plan.kill_at = 1 + rng_below(rng, life.requests + 1);
    }
    if ((life.end == END_TIME || life.end == END_REPORTS) && rng_chance(rng, 50)) {
        life.plan.hold_modulo = 2 + rng_below(rng, 5);
        life.end = END_TIME; /* so few reports may never come */
    }
    return life;
}

static void test_lives(void **state)
{
    (void)state;
    unsigned long cycles = scratch_cycles != 0 ? scratch_cycles : scratch_full ? FULL_CYCLES : CYCLES, killed = 0;
    uint64_t done = 0, repeated = 0;
    rng_t rng = {scratch_seed};
    seed_now = scratch_seed;
    for (unsigned long cycle = 1; cycle <= cycles; cycle++) {
        book.life++;
        book.ends = book.due = 0;
        for (uint32_t i = 1; i <= book.count; i++) book.entries[i].due = 0;
        memset(book.last, 0, sizeof book.last);
        life_t life = plan_life(&rng, cycle % 10 == 0 || cycle == cycles);
        if (cycle == cycles) life.requests += 20; /* some of each priority, behind all that was left */
        killed += life.end != END_ORDERLY;
        live(&life, &rng);
    }
    for (uint32_t i = 1; i <= book.count; i++) {
        done += book.entries[i].effects > 0;
        repeated += book.entries[i].effects > 1;
    }
    print_message(
        "%lu lives, %lu killed: %u requests, %llu done, %llu of them again because no acknowledgement had been "
        "committed; %llu sent again, %llu answered from the stored reply\n",
        cycles, killed, book.count, (unsigned long long)done, (unsigned long long)repeated,
        (unsigned long long)book.repeats, (unsigned long long)book.answers);
    scratch_check_sound();
    assert_int_equal(scratch_number("SELECT count(*) FROM message"), 0);
    free(book.entries);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    (void)snprintf(effects, sizeof effects, "%s.effects", scratch_path);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
    };
    return scratch_end(cmocka_run_group_tests(tests, NULL, NULL));
}
