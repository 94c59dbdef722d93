// SPDX-License-Identifier: Apache-2.0
// The same traffic as bench/local.c in CAF: local_caf tell|call CALLERS OUTSTANDING COUNT prints one JSON object.
// Callers with one request outstanding are threads with a scoped actor, as our Shell's are; one with more is an
// event-based actor.
#include <algorithm>
#include <array>
#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <thread>
#include <vector>

struct block {
    std::array<char, 32> bytes;
};

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(block)

using clock_type = std::chrono::steady_clock;

static std::atomic<unsigned long> handled;
static std::promise<void> all_handled;

static caf::behavior worker(caf::event_based_actor *, unsigned long total)
{
    return {
        [](const block &b) { return b; },
        [total](caf::ok_atom, const block &) {
            if (handled.fetch_add(1, std::memory_order_relaxed) + 1 == total) all_handled.set_value();
        },
    };
}

struct window_state {
    unsigned long started = 0, ended = 0;
};

static void next(caf::stateful_actor<window_state> *self, const caf::actor &to, unsigned long each,
                 std::promise<void> *done)
{
    if (self->state.started >= each) return;
    self->state.started++;
    self->request(to, caf::infinite, block{}).then([=](const block &) {
        next(self, to, each, done);
        if (++self->state.ended == each) {
            done->set_value();
            self->quit();
        }
    });
}

static caf::behavior window(caf::stateful_actor<window_state> *self, caf::actor to, unsigned long each,
                            unsigned outstanding, std::promise<void> *done)
{
    for (unsigned i = 0; i < outstanding; i++) next(self, to, each, done);
    return {[](caf::unit_t) {}};
}

static void caller(caf::actor_system &system, const caf::actor &to, bool call, unsigned outstanding, unsigned long each,
                   std::vector<double> &micros)
{
    if (call && outstanding > 1) {
        std::promise<void> done;
        system.spawn(window, to, each, outstanding, &done);
        done.get_future().wait();
        return;
    }
    caf::scoped_actor self{system};
    for (unsigned long i = 0; i < each; i++) {
        if (!call) {
            self->send(to, caf::ok_atom_v, block{});
            continue;
        }
        auto begin = clock_type::now();
        self->request(to, caf::infinite, block{}).receive([](const block &) {}, [](caf::error &) { std::abort(); });
        micros.push_back(std::chrono::duration<double, std::micro>(clock_type::now() - begin).count());
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    bool call = std::strcmp(argv[1], "call") == 0;
    unsigned callers = static_cast<unsigned>(std::atoi(argv[2])),
             outstanding = static_cast<unsigned>(std::atoi(argv[3]));
    unsigned long each = std::strtoul(argv[4], nullptr, 10) / callers;
    caf::actor_system_config config;
    caf::actor_system system{config};
    caf::actor to = system.spawn(worker, each * callers);
    std::vector<std::vector<double>> micros(callers);
    std::vector<std::thread> threads;
    auto begin = clock_type::now();
    for (unsigned i = 0; i < callers; i++) {
        micros[i].reserve(call ? each : 0);
        threads.emplace_back([&, i] { caller(system, to, call, outstanding, each, micros[i]); });
    }
    for (auto &thread : threads) thread.join();
    if (!call) all_handled.get_future().wait();
    double seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    auto &first = micros[0];
    std::sort(first.begin(), first.end());
    auto at = [&](double part) {
        return first.empty() ? 0.0 : first[static_cast<size_t>(static_cast<double>(first.size() - 1) * part)];
    };
    std::printf("{\"per_second\": %.0f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
                static_cast<double>(each * callers) / seconds, at(0.5), at(0.99));
    caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
    return 0;
}
