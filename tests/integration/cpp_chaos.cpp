// SPDX-License-Identifier: Apache-2.0
/*
 * Whole nodes used by many threads in every way at once, while nodes end and begin anew and connections are closed
 * under them. What has to hold: nothing crashes, leaks or waits for ever, every call that was started ends once, every
 * function that was given is let go of, chunks of one sender stay in order, and no failure is one that makes no sense.
 * ACTR_CHAOS_MS: for how long; ACTR_CHAOS_SEED: which choices (threads still run as they like).
 */
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <unistd.h>

#include "cpp.hpp"
#include "rng.h"
#include "streams.actr.h"

#include <actr/file.hpp>

using mirror = codegen_streams_streams_method_mirror;
using number = Codegen__Streams__Number;
using sum = Codegen__Streams__Sum;
using std::chrono::milliseconds;

namespace
{

enum { NODES = 3, THREADS = 5, STREAMS = 6 };

// Lives in a function that was given away: gone when that is.
class token
{
  public:
    struct tally {
        std::atomic<unsigned> made{0}, gone{0};
    };
    explicit token(tally &all) : all_(all)
    {
        all_.made++;
    }
    ~token()
    {
        all_.gone++;
    }
    token(const token &) = delete;
    token &operator=(const token &) = delete;

  private:
    tally &all_;
};

// What a chunk carries. `epoch` changes when a send has failed: the next one may go over another connection.
struct mark {
    uint32_t life, thread, epoch, zero; // no padding: all of it is sent
    uint64_t number;
};

// One node after the other under one name.
struct place {
    std::mutex mutex; // guards the first three
    std::optional<actr::ref> self;
    std::unique_ptr<actr::file_receiver> files;
    std::optional<actr_id_t> id; // of the node that is or was there last
    std::atomic<uint32_t> life{0};
    std::atomic<uint32_t> epochs[NODES][STREAMS]{}; // of what it sends
};

struct world {
    server signaling;
    std::string folder;
    place places[NODES];
    std::atomic<bool> over{false};
    token::tally functions, calls; // a streaming call has a token until its end has been told
    std::atomic<unsigned> done{0}, failed{0}, chunks{0}, out_of_order{0}, restarts{0};
    std::mutex mutex; // guards the rest
    std::vector<actr::reply> later;
    std::string nonsense; // the first failure that must not be
};

void note(world &w, const char *what, const actr_error_t &failure)
{
    w.failed++;
    switch (failure.status) {
    case ACTR_STATUS_INVALID_ARGUMENT:
    case ACTR_STATUS_DECODE:
    case ACTR_STATUS_NO_MEMORY:
    case ACTR_STATUS_NOT_SUPPORTED:
    case ACTR_STATUS_INVALID_NAME: break;
    default: return;
    }
    std::lock_guard<std::mutex> guard(w.mutex);
    if (w.nonsense.empty())
        w.nonsense = std::string(what) + ": " + actr_status_name(failure.status) + ": " + failure.message;
}

template <class Function> bool attempt(world &w, const char *what, Function function)
{
    try {
        function();
        w.done++;
        return true;
    } catch (const actr::error &failure) {
        note(w, what, failure.detail());
        return false;
    }
}

/* ---- what the nodes do ---- */

actr_dest_t somebody(world &w, rng_t &rng)
{
    place &at = w.places[rng_below(&rng, NODES)];
    std::lock_guard<std::mutex> guard(at.mutex);
    return at.id ? actr::to(*at.id) : actr::to_self();
}

// Calls on until the depth is used up: cycles of nodes that wait for each other come of it.
std::string chain(world &w, actr::context &ctx, std::string_view text)
{
    const unsigned depth = text.empty() ? 0 : static_cast<unsigned>(text[0] - '0');
    if (depth == 0 || depth > 9) return "end";
    rng_t rng{std::hash<std::string>{}(ctx.request_id())};
    actr::call_options options;
    options.timeout = milliseconds(200);
    return ctx.call(somebody(w, rng), "w.Chain", std::string(1, static_cast<char>('0' + depth - 1)), options).str();
}

void serve_streams(world &w, actr::workload &work)
{
    work.on_stream<mirror>([&w](actr::context &, actr::reply_stream<mirror> &stream) {
        auto held = std::make_shared<token>(w.calls);
        actr::reply_events<mirror> events;
        events.on_message = [](auto &side, const number &message) {
            sum answer = CODEGEN__STREAMS__SUM__INIT;
            answer.total = message.value;
            side.send(answer);
        };
        events.on_last = [](auto &side) { side.end(); };
        events.on_end = [held](const auto &) {};
        stream.listen(std::move(events));
    });
}

actr::workload work_of(world &w, unsigned index)
{
    actr::workload work;
    work.on("w.Echo", [](actr::context &, std::string_view text) { return std::string(text); });
    work.on("w.Fail", [](actr::context &, std::string_view) -> std::string {
        throw actr::error(ACTR_STATUS_NOT_FOUND, "as asked");
    });
    work.on("w.Panic", [](actr::context &, std::string_view) -> std::string { throw 1; });
    work.on("w.Slow", [](actr::context &, std::string_view) {
        std::this_thread::sleep_for(milliseconds(2)); // takes time, waits for nothing
        return "slow";
    });
    work.on("w.Later", [&w](actr::context &ctx, std::string_view) {
        actr::reply reply = ctx.defer();
        std::lock_guard<std::mutex> guard(w.mutex);
        w.later.push_back(std::move(reply));
        return "";
    });
    work.on("w.Chain", [&w](actr::context &ctx, std::string_view text) { return chain(w, ctx, text); });
    work.on("w.Shell",
            [](actr::context &ctx, std::string_view text) { return ctx.call(actr::to_shell(), "s.Echo", text).str(); });
    work.on_shell("s.Echo", [](actr::context &, std::string_view text) { return std::string(text); });
    work.on_event([&w](const actr_event_t &event) { w.restarts += event.kind == ACTR_EVENT_WORKLOAD_RESTARTED; });
    serve_streams(w, work);
    if (index == 1) {
        work.key_of([](const actr_request_t &request) -> std::optional<std::string_view> {
            if (request.payload.size == 0) return std::nullopt;
            return std::string_view(static_cast<const char *>(request.payload.data), 1);
        });
        actr_supervision_t supervision{};
        supervision.action = ACTR_ON_FAILURE_RESTART;
        supervision.failures = 5;
        supervision.restarts = 63;
        supervision.restarts_within_ms = 100;
        work.supervise(supervision);
    }
    return work;
}

void begin(world &w, unsigned index)
{
    place &at = w.places[index];
    const std::string name = "n" + std::to_string(index), mailbox = w.folder + "/" + name + ".db";
    actr_config_t config = actr::config();
    config.signaling_url = harness_server_url(w.signaling.c());
    config.manufacturer = "acme";
    config.name = name.c_str();
    config.realm = 1;
    config.drain_timeout_ms = 300;
    if (index == 1) config.handler_limit_ms = 500;
    if (index == 2) config.affinity = ACTR_AFFINITY_THREAD;
    if (index == 0) config.mailbox_path = mailbox.c_str();
    std::optional<actr::system> system;
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!system) { // the file is another's until the last handle on the node before has gone
        try {
            system.emplace(config);
        } catch (const actr::error &) {
            if (std::chrono::steady_clock::now() > until) throw;
            std::this_thread::yield();
        }
    }
    actr::ref self = system->attach(work_of(w, index)).start();
    actr::receive_options receive;
    receive.overwrite = true;
    auto files = std::make_unique<actr::file_receiver>(self, "files", w.folder, receive);
    std::lock_guard<std::mutex> guard(at.mutex);
    at.life++;
    at.id = self.id();
    at.files = std::move(files);
    at.self = std::move(self);
}

void end(world &w, unsigned index)
{
    place &at = w.places[index];
    std::optional<actr::ref> self;
    std::unique_ptr<actr::file_receiver> files;
    std::lock_guard<std::mutex> guard(at.mutex);
    files = std::move(at.files);
    self = std::move(at.self);
    at.self.reset();
    if (self) self->shutdown(); // who still has a handle releases it in time
}

/* ---- what threads do with them ---- */

struct worker {
    world &w;
    rng_t rng;
    uint32_t number;
    uint64_t sent = 0;
    std::vector<actr::future<actr::buffer>> calls{};
    std::vector<actr::future<void>> sends{};
    std::vector<actr::future<actr::answer>> by_type{};
    std::vector<actr::future<actr_network_result_t>> events{};
    std::vector<actr::timer> timers{};
    std::optional<actr::cancel> cancel{};
};

actr::call_options options_of(worker &t)
{
    actr::call_options options;
    options.timeout = milliseconds(rng_chance(&t.rng, 20) ? 1 + rng_below(&t.rng, 20) : 200);
    if (rng_chance(&t.rng, 20)) options.payload_type = ACTR_RPC_SIGNAL;
    if (rng_chance(&t.rng, 20)) options.metadata = {{"k", "v"}};
    if (t.cancel && rng_chance(&t.rng, 30)) options.cancel = t.cancel;
    return options;
}

actr_dest_t dest_of(worker &t)
{
    return rng_chance(&t.rng, 40) ? actr::to_self() : somebody(t.w, t.rng);
}

const char *route_of(worker &t)
{
    static const char *const routes[] = {"w.Echo",  "w.Echo",  "w.Echo",  "w.Fail", "w.Slow",
                                         "w.Later", "w.Chain", "w.Shell", "w.None"};
    return rng_chance(&t.rng, 2) ? "w.Panic" : routes[rng_below(&t.rng, sizeof routes / sizeof routes[0])];
}

void call(worker &t, const actr::ref &self)
{
    const std::string text(1 + rng_below(&t.rng, 2000), static_cast<char>('0' + rng_below(&t.rng, 4)));
    const std::string route = route_of(t);
    attempt(t.w, "call", [&] {
        const actr::buffer reply = self.ctx().call(dest_of(t), route, text, options_of(t));
        if (route == "w.Echo" && reply.view() != text) throw actr::error(ACTR_STATUS_DECODE, "another reply");
    });
}

void tell(worker &t, const actr::ref &self)
{
    attempt(t.w, "tell", [&] { self.ctx().tell(dest_of(t), route_of(t), "1", options_of(t)); });
}

void start_call(worker &t, const actr::ref &self)
{
    attempt(t.w, "call_async",
            [&] { t.calls.push_back(self.ctx().call_async(dest_of(t), route_of(t), "12", options_of(t))); });
    if (!rng_chance(&t.rng, 10)) return;
    const actr_type_t type = actr::type("acme+n" + std::to_string(rng_below(&t.rng, NODES)));
    attempt(t.w, "call_type_async",
            [&] { t.by_type.push_back(self.ctx().call_type_async(type, "w.Echo", "x", options_of(t))); });
}

void use_token(worker &t, const actr::ref &self)
{
    if (t.cancel) t.cancel->all();
    attempt(t.w, "cancel", [&] { t.cancel = self.ctx().new_cancel(); });
}

void use_timer(worker &t, const actr::ref &self)
{
    auto held = std::make_shared<token>(t.w.functions);
    const bool periodic = rng_chance(&t.rng, 30), fails = rng_chance(&t.rng, 5);
    const milliseconds delay(1 + rng_below(&t.rng, 20));
    attempt(t.w, "timer", [&] {
        auto run = [held, fails](actr::context &ctx) {
            if (fails) throw std::runtime_error("a timer's");
            (void)ctx.self_id();
        };
        actr::timer timer = periodic ? self.ctx().every(delay, run) : self.ctx().after(delay, run);
        if (rng_chance(&t.rng, 30)) timer.cancel();
        if (periodic || rng_chance(&t.rng, 50)) t.timers.push_back(std::move(timer));
    });
    if (t.timers.size() < 20) return;
    for (auto &one : t.timers) one.cancel();
    t.timers.clear();
}

// Keeps for each sender what number came last.
struct order {
    std::mutex mutex;
    std::map<std::pair<uint32_t, uint32_t>, mark> last; // by place and thread of the sender
    token held;
    explicit order(token::tally &all) : held(all)
    {
    }
};

void take(world &w, order &o, const actr::chunk &chunk, uint32_t from)
{
    mark now;
    if (chunk.is_end() || chunk.payload().size() < sizeof now) return;
    std::memcpy(&now, chunk.payload().data(), sizeof now);
    w.chunks++;
    if (chunk.c().payload_type != ACTR_STREAM_RELIABLE) return;
    std::lock_guard<std::mutex> guard(o.mutex);
    auto [at, is_new] = o.last.try_emplace({from, now.thread}, now);
    if (!is_new && at->second.life == now.life && at->second.epoch == now.epoch && at->second.number >= now.number)
        w.out_of_order++;
    at->second = now;
}

void use_stream(worker &t, const actr::ref &self)
{
    const std::string id = "s" + std::to_string(rng_below(&t.rng, STREAMS));
    auto o = std::make_shared<order>(t.w.functions);
    world *w = &t.w;
    if (rng_chance(&t.rng, 50)) {
        attempt(t.w, "register", [&] {
            self.ctx().register_stream(id, [w, o](actr::context &, const actr::chunk &chunk) {
                const auto from = chunk.metadata("from");
                take(*w, *o, chunk, from ? static_cast<uint32_t>((*from)[0]) : 0);
            });
        });
    } else {
        attempt(t.w, "unregister", [&] { self.ctx().unregister_stream(id); });
    }
}

void send_chunks(worker &t, const actr::ref &self, uint32_t place_index, uint32_t life)
{
    const uint32_t to = rng_below(&t.rng, NODES), stream = rng_below(&t.rng, STREAMS);
    std::atomic<uint32_t> &epoch = t.w.places[place_index].epochs[to][stream];
    actr_dest_t dest = actr::to_self();
    {
        std::lock_guard<std::mutex> guard(t.w.places[to].mutex);
        if (to != place_index && t.w.places[to].id) dest = actr::to(*t.w.places[to].id);
    }
    actr::chunk_options options;
    options.timeout = milliseconds(300);
    options.no_wait = rng_chance(&t.rng, 20);
    options.metadata = {{"from", std::string(1, static_cast<char>('0' + place_index))}};
    if (rng_chance(&t.rng, 20)) options.payload_type = ACTR_STREAM_LATENCY_FIRST;
    std::string payload(sizeof(mark) + rng_below(&t.rng, 5000), 'x');
    for (unsigned i = 0; i < 20; i++) {
        const mark now{life, t.number, epoch, 0, ++t.sent};
        std::memcpy(payload.data(), &now, sizeof now);
        const bool sent = attempt(t.w, "send_chunk", [&] {
            if (rng_chance(&t.rng, 10))
                t.sends.push_back(self.ctx().send_chunk_async(dest, "s" + std::to_string(stream), payload, options));
            else
                self.ctx().send_chunk(dest, "s" + std::to_string(stream), payload, options);
        });
        if (sent) continue;
        epoch++;
        return;
    }
}

void stream_call(worker &t, const actr::ref &self)
{
    auto held = std::make_shared<token>(t.w.calls);
    actr::call_events<mirror> events;
    events.on_message = [](auto &, const sum &) {};
    events.on_end = [held](const auto &) {};
    actr::call_options options;
    options.timeout = milliseconds(1 + rng_below(&t.rng, 800));
    if (t.cancel && rng_chance(&t.rng, 30)) options.cancel = t.cancel;
    attempt(t.w, "stream call", [&] {
        auto stream = actr::open<mirror>(self.ctx(), dest_of(t), std::move(events), options);
        number message = CODEGEN__STREAMS__NUMBER__INIT;
        for (unsigned i = rng_below(&t.rng, 10); i > 0; i--) stream.send(message);
        if (rng_chance(&t.rng, 60)) stream.end();
        if (rng_chance(&t.rng, 20)) stream.send_error(ACTR_STATUS_CANCELLED, "enough");
    });
}

void use_media(worker &t, const actr::ref &self)
{
    auto held = std::make_shared<token>(t.w.functions);
    attempt(t.w, "track",
            [&] { self.ctx().register_media_track("m", [held](actr::context &, const actr::media_sample &) {}); });
    for (unsigned i = 0; i < 10; i++)
        attempt(t.w, "sample", [&] { self.ctx().send_media_sample(actr::to_self(), "m", "frame"); });
    if (rng_chance(&t.rng, 50)) attempt(t.w, "untrack", [&] { self.ctx().unregister_media_track("m"); });
}

void rare(worker &t, const actr::ref &self)
{
    actr::file_options options;
    options.timeout = milliseconds(500);
    options.attempts = 2;
    actr_ctx_spec_t spec{};
    spec.struct_size = sizeof spec;
    switch (rng_below(&t.rng, 5)) {
    case 0:
        options.name = "got" + std::to_string(t.number);
        attempt(t.w, "file",
                [&] { actr::send_file(self.ctx(), somebody(t.w, t.rng), "files", t.w.folder + "/given", options); });
        break;
    case 1:
        attempt(t.w, "network", [&] { t.events.push_back(actr::ref(self).network_event(ACTR_NETWORK_CLEANUP)); });
        break;
    case 2:
        attempt(t.w, "discover", [&] { (void)self.ctx().discover(actr::type("acme+n1"), 2, milliseconds(500)); });
        break;
    case 3: attempt(t.w, "made", [&] { (void)self.make_ctx(spec).ctx().call(actr::to_self(), "w.Echo", "x"); }); break;
    default:
        (void)self.stats();
        (void)self.stream_stats();
        break;
    }
}

void answer_later(worker &t)
{
    std::vector<actr::reply> mine;
    {
        std::lock_guard<std::mutex> guard(t.w.mutex);
        mine.swap(t.w.later);
    }
    for (auto &one : mine) {
        if (rng_chance(&t.rng, 80)) attempt(t.w, "reply", [&] { one.send("later"); });
    }
}

void one_step(worker &t, const actr::ref &self, uint32_t place_index, uint32_t life)
{
    const uint32_t roll = rng_below(&t.rng, 100);
    if (roll < 25) return call(t, self);
    if (roll < 35) return tell(t, self);
    if (roll < 50) return start_call(t, self);
    if (roll < 53) return use_token(t, self);
    if (roll < 60) return use_timer(t, self);
    if (roll < 70) return use_stream(t, self);
    if (roll < 85) return send_chunks(t, self, place_index, life);
    if (roll < 90) return stream_call(t, self);
    if (roll < 92) return use_media(t, self);
    if (roll < 99) return answer_later(t);
    rare(t, self);
}

// Each that was started has to end by itself.
template <class Future> unsigned settle(worker &t, std::vector<Future> &list)
{
    unsigned lost = 0;
    for (auto &one : list) {
        if (one.wait_for(limit) != std::future_status::ready)
            lost++;
        else
            attempt(t.w, "answer", [&] { (void)one.get(); });
    }
    list.clear();
    return lost;
}

unsigned work(worker &t)
{
    unsigned lost = 0;
    while (!t.w.over) {
        const uint32_t index = rng_below(&t.rng, NODES);
        place &at = t.w.places[index];
        std::optional<actr::ref> self;
        {
            std::lock_guard<std::mutex> guard(at.mutex);
            self = at.self;
        }
        if (!self) {
            std::this_thread::yield();
            continue;
        }
        const uint32_t life = at.life;
        for (unsigned i = 0; i < 5 && !t.w.over; i++) one_step(t, *self, index, life);
        if (t.calls.size() > 200) lost += settle(t, t.calls);
        if (t.sends.size() > 200) lost += settle(t, t.sends);
        if (t.by_type.size() > 20) lost += settle(t, t.by_type);
        if (t.events.size() > 20) lost += settle(t, t.events);
    }
    answer_later(t);
    return lost + settle(t, t.calls) + settle(t, t.sends) + settle(t, t.by_type) + settle(t, t.events);
}

uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void close_world(world &w)
{
    for (unsigned i = 0; i < NODES; i++) end(w, i);
    w.later.clear();
    for (const char *name :
         {"/given", "/n0.db", "/n0.db-wal", "/n0.db-shm", "/n0.db.begun", "/got0", "/got1", "/got2", "/got3", "/got4"})
        (void)std::remove((w.folder + name).c_str());
    (void)std::system(("rm -rf '" + w.folder + "'").c_str());
}

void test_everything_at_once(void **)
{
    world w;
    char folder[] = "/tmp/actr-chaos-XXXXXX";
    assert_non_null(mkdtemp(folder));
    w.folder = folder;
    std::ofstream(w.folder + "/given") << std::string(200000, 'x');
    const uint64_t seed = number_of("ACTR_CHAOS_SEED",
                                    static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
    const auto over = std::chrono::steady_clock::now() + milliseconds(number_of("ACTR_CHAOS_MS", 3000));
    std::printf("# seed %llu\n", static_cast<unsigned long long>(seed));
    for (unsigned i = 0; i < NODES; i++) begin(w, i);
    std::vector<std::unique_ptr<worker>> workers;
    std::vector<std::thread> threads;
    std::atomic<unsigned> lost{0};
    for (uint32_t i = 0; i < THREADS; i++) {
        workers.push_back(std::unique_ptr<worker>(new worker{w, {seed + i}, i}));
        threads.emplace_back([&lost, t = workers.back().get()] { lost += work(*t); });
    }
    rng_t rng{seed + THREADS};
    unsigned lives = NODES;
    while (std::chrono::steady_clock::now() < over) {
        std::this_thread::sleep_for(milliseconds(50 + rng_below(&rng, 300))); // how long a node lives, not a wait
        const unsigned index = rng_below(&rng, NODES);
        end(w, index);
        begin(w, index);
        lives++;
    }
    w.over = true;
    for (auto &thread : threads) thread.join();
    workers.clear(); // their timers
    close_world(w);
    wait_until([&] { return w.functions.gone == w.functions.made && w.calls.gone == w.calls.made; });
    std::printf("# %u lives, %u done, %u failed, %u chunks, %u functions, %u streaming calls, %u restarts\n", lives,
                w.done.load(), w.failed.load(), w.chunks.load(), w.functions.made.load(), w.calls.made.load(),
                w.restarts.load());
    assert_string_equal(w.nonsense.c_str(), "");
    assert_int_equal(lost, 0);
    assert_int_equal(w.out_of_order, 0);
    assert_int_equal(w.functions.gone, w.functions.made);
    assert_int_equal(w.calls.gone, w.calls.made);
    assert_true(w.done > 0);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {cmocka_unit_test(test_everything_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
