// SPDX-License-Identifier: Apache-2.0
// The C++ face of data streams, media tracks, files and streaming methods over real nodes.
#include <cstdlib>
#include <fstream> // before cmocka's macro fail()
#include <mutex>
#include <unistd.h>

#include "cpp.hpp"
#include "streams.actr.h"

#include <actr/file.hpp>

using add = codegen_streams_streams_method_add;
using count = codegen_streams_streams_method_count;
using mirror = codegen_streams_streams_method_mirror;
using number = Codegen__Streams__Number;
using sum = Codegen__Streams__Sum;

namespace
{

number value(int64_t given)
{
    number out = CODEGEN__STREAMS__NUMBER__INIT;
    out.value = given;
    return out;
}

sum total(int64_t given)
{
    sum out = CODEGEN__STREAMS__SUM__INIT;
    out.total = given;
    return out;
}

// What callbacks note, one line each.
class notes
{
  public:
    void add(const std::string &line)
    {
        std::lock_guard<std::mutex> guard(mutex_);
        text_ += line + '\n';
        count_++;
    }
    std::string wait(unsigned lines)
    {
        wait_until([&] { return count_ >= lines; });
        std::lock_guard<std::mutex> guard(mutex_);
        return text_;
    }

  private:
    std::mutex mutex_;
    std::string text_;
    std::atomic<unsigned> count_{0};
};

void test_chunks_between_nodes(void **)
{
    server signaling;
    notes seen, errors;
    actr::buffer kept;
    actr::workload taker;
    taker.on_event([&](const actr_event_t &event) {
        if (event.kind == ACTR_EVENT_ERROR) errors.add(event.detail);
    });
    actr::ref to = signaling.system("taker").attach(taker).start();
    auto alive = std::make_shared<int>(1);
    std::weak_ptr<int> watch = alive;
    to.ctx().register_stream("s", [&, alive](actr::context &, const actr::chunk &chunk) {
        if (chunk.is_end()) return seen.add("end " + std::string(actr_status_name(chunk.status())));
        if (chunk.payload() == "throw") throw std::runtime_error("not this one");
        if (chunk.payload() == "keep") kept = chunk.keep();
        seen.add(std::string(chunk.stream_id()) + " " + std::to_string(chunk.sequence()) + " " +
                 std::string(chunk.payload()) + " " + std::string(chunk.metadata("k").value_or("-")) + " " +
                 std::to_string(chunk.timestamp_ms().value_or(-1)) + (chunk.sender() ? " far" : " here"));
    });
    alive.reset();
    to.ctx().register_other_streams([&](actr::context &, const actr::chunk &chunk) {
        if (chunk.is_end()) return;
        auto message = chunk.receive<number>(codegen__streams__number__descriptor);
        seen.add("other " + std::string(chunk.stream_id()) + " " + std::to_string(message->value));
    });
    actr_error_t error = thrown([&] { to.ctx().register_stream("s", [](actr::context &, const actr::chunk &) {}); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_STATE);
    {
        actr::ref from = signaling.system("sender").attach(actr::workload()).start();
        const actr_dest_t dest = actr::to(from.ctx().discover(actr::type("acme+taker")).front());
        actr::chunk_options options;
        options.sequence = 7;
        options.metadata = {{"k", "v"}};
        options.timestamp_ms = 5;
        from.ctx().send_chunk(dest, "s", "first", options);
        from.ctx().send_chunk_async(dest, "s", "keep").get();
        from.ctx().send_chunk(dest, "s", "throw");
        from.ctx().send_message(dest, "typed", value(42));
        from.ctx().flush_stream(dest, "s");
        assert_string_equal(errors.wait(1).c_str(), "not this one\n");
        const std::string text = seen.wait(3);
        const char *first = strstr(text.c_str(), "s 7 first v 5 far\n");
        assert_non_null(first);
        assert_non_null(strstr(first, "s 0 keep - -1 far\n"));
        assert_non_null(strstr(text.c_str(), "other typed 42\n")); /* another stream: anywhere among them */
        options.payload_type = ACTR_RPC_RELIABLE;
        error = thrown([&] { from.ctx().send_chunk(dest, "s", "x", options); });
        assert_int_equal(error.status, ACTR_STATUS_INVALID_ARGUMENT);
    }
    assert_non_null(strstr(seen.wait(4).c_str(), "end ")); // the sender has gone
    assert_string_equal(kept.str().substr(kept.str().find("keep"), 4).c_str(), "keep");
    assert_false(watch.expired());
    to.ctx().unregister_stream("s");
    to.ctx().unregister_other_streams();
    assert_true(watch.expired()); // the function went with its registration
    assert_int_equal(to.stream_stats().streams, 0);
}

void test_buffers_and_samples_within_a_node(void **)
{
    server signaling;
    std::atomic<const void *> chunk_seen{nullptr}, sample_seen{nullptr};
    notes samples;
    actr::ref self = signaling.system("a").attach(actr::workload()).start();
    actr::context ctx = self.ctx();
    actr::buffer payload = actr::buffer::copy("payload");
    ctx.register_stream("s", [&](actr::context &, const actr::chunk &chunk) { chunk_seen = chunk.keep().c(); });
    ctx.send_chunk_buf(actr::to_shell(), "s", payload);
    wait_until([&] { return chunk_seen.load() != nullptr; });
    assert_ptr_equal(chunk_seen.load(), payload.c());
    actr::stream_options small;
    small.queue_chunks = 2;
    ctx.register_media_track(
        "cam",
        [&](actr::context &, const actr::media_sample &sample) {
            sample_seen = sample.keep().c();
            samples.add(std::string(sample.track_id()) + " " + std::string(sample.data()) + " " +
                        std::to_string(sample.timestamp()) + " " + std::string(sample.codec()) +
                        (sample.type() == ACTR_MEDIA_VIDEO ? " video" : " audio") + (sample.sender() ? " w" : " s"));
        },
        small);
    actr::sample_options video;
    video.timestamp = 90000;
    video.type = ACTR_MEDIA_VIDEO;
    video.codec = "VP8";
    ctx.send_media_sample(actr::to_shell(), "cam", "frame", video);
    assert_string_equal(samples.wait(1).c_str(), "cam frame 90000 VP8 video s\n");
    ctx.send_media_sample_buf(actr::to_shell(), "cam", payload);
    assert_string_equal(samples.wait(2).c_str(), "cam frame 90000 VP8 video s\ncam payload 0  audio s\n");
    assert_ptr_equal(sample_seen.load(), payload.c());
    ctx.unregister_media_track("cam");
    actr_error_t error = thrown([&] { ctx.send_media_sample(actr::to_shell(), "cam", "frame"); });
    assert_int_equal(error.status, ACTR_STATUS_NOT_FOUND);
    error = thrown([&] { ctx.send_media_sample(actr::to(self.id()), "", "frame"); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_ARGUMENT);
}

class folder
{
  public:
    folder() : path_("/tmp/actr-cpp-XXXXXX")
    {
        assert_non_null(mkdtemp(path_.data()));
    }
    ~folder()
    {
        (void)std::remove((path_ + "/a.txt").c_str());
        (void)rmdir(path_.c_str());
    }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    const std::string &path() const
    {
        return path_;
    }

  private:
    std::string path_;
};

void test_a_file(void **)
{
    server signaling;
    folder from, to;
    const std::string path = from.path() + "/a.txt", content(100000, 'x');
    std::ofstream(path) << content;
    std::atomic<unsigned> sending{0}, receiving{0};
    actr::ref taker = signaling.system("taker").attach(actr::workload()).start();
    actr::ref sender = signaling.system("sender").attach(actr::workload()).start();
    const actr_dest_t dest = actr::to(sender.ctx().discover(actr::type("acme+taker")).front());
    actr::receive_options receive;
    receive.on_progress = [&](const actr_file_progress_t &) { return ++receiving > 0; };
    actr::file_receiver receiver(taker, "files", to.path(), receive);
    actr::file_options send;
    send.on_progress = [&](const actr_file_progress_t &) -> bool { throw std::runtime_error("no more"); };
    std::string why;
    try {
        actr::send_file(sender.ctx(), dest, "files", path, send);
    } catch (const std::runtime_error &failure) {
        why = failure.what();
    }
    assert_string_equal(why.c_str(), "no more");
    send.on_progress = [&](const actr_file_progress_t &now) {
        sending += now.ended && now.status == ACTR_OK ? 1 : 0;
        return true;
    };
    actr::send_file(sender.ctx(), dest, "files", path, send);
    assert_int_equal(sending, 1);
    assert_true(receiving > 0);
    std::ifstream there(to.path() + "/a.txt");
    const std::string text((std::istreambuf_iterator<char>(there)), std::istreambuf_iterator<char>());
    assert_true(text == content);
    assert_int_equal(receiver.stats().received, 1);
    actr_error_t error = thrown([&] { actr::send_file(sender.ctx(), dest, "files", path + "-none"); });
    assert_int_equal(error.status, ACTR_STATUS_IO);
    error = thrown([&] { actr::file_receiver(taker, "other", "/no/such/folder"); });
    assert_true(error.status < 0);
}

// Each kind of streaming method: add sums up what comes, count sends one after the other, mirror answers each.
actr::workload streams(notes &ends)
{
    actr::workload work;
    work.on_stream<add>([&](actr::context &, actr::reply_stream<add> &stream) {
        auto sofar = std::make_shared<int64_t>(0);
        actr::reply_events<add> events;
        events.on_message = [sofar](auto &, const number &message) {
            if (message.value < 0) throw actr::error(ACTR_STATUS_NOT_FOUND, "below zero");
            *sofar += message.value;
        };
        events.on_last = [sofar](auto &side) { side.send(total(*sofar)); };
        events.on_end = [&](const auto &failure) { ends.add(failure ? failure->what() : "ok"); };
        stream.listen(std::move(events));
    });
    work.on_stream<count>([](actr::context &, const number &request, actr::reply_stream<count> &stream) {
        if (request.value > 1000) throw std::runtime_error("too far");
        for (int64_t i = 0; i < request.value; i++) stream.send(total(i));
        stream.end();
    });
    work.on_stream<mirror>([](actr::context &, actr::reply_stream<mirror> &stream) {
        actr::reply_events<mirror> events;
        events.on_message = [](auto &side, const number &message) { side.send(total(message.value)); };
        events.on_last = [](auto &side) { side.end(); };
        stream.listen(std::move(events));
    });
    return work;
}

// Returns what the calling side saw: the totals, then how it ended.
template <class Method, class... Request>
std::string stream_call(const actr::context &ctx, const actr_dest_t &dest, const std::vector<int64_t> &values,
                        const Request &...request)
{
    std::promise<std::string> over;
    std::string seen;
    actr::call_events<Method> events;
    events.on_message = [&](auto &, const sum &message) { seen += std::to_string(message.total) + " "; };
    events.on_end = [&](const auto &failure) { over.set_value(seen + (failure ? failure->what() : "ok")); };
    auto end = over.get_future();
    auto call = actr::open<Method>(ctx, dest, request..., std::move(events));
    if constexpr (sizeof...(request) == 0) {
        const actr_error_t error = thrown([&] {
            for (int64_t one : values) call.send(value(one));
            call.end();
        });
        if (error.status != ACTR_OK) return std::string("sending: ") + error.message; // the events live on: wait
    }
    return end.wait_for(limit) == std::future_status::ready ? end.get() : "nothing";
}

void test_streaming_methods(void **)
{
    server signaling;
    notes ends;
    actr::ref service = signaling.system("service").attach(streams(ends)).start();
    actr::ref client = signaling.system("client").attach(actr::workload()).start();
    actr::context ctx = client.ctx();
    const actr_dest_t dest = actr::to(ctx.discover(actr::type("acme+service")).front());
    assert_string_equal(stream_call<add>(ctx, dest, {1, 2, 3}).c_str(), "6 ok");
    assert_string_equal(stream_call<mirror>(ctx, dest, {1, 2, 3}).c_str(), "1 2 3 ok");
    assert_string_equal(stream_call<count>(ctx, dest, {}, value(4)).c_str(), "0 1 2 3 ok");
    assert_non_null(strstr(stream_call<count>(ctx, dest, {}, value(4000)).c_str(), "too far"));
    assert_string_equal(ends.wait(1).c_str(), "ok\n");
}

// What a callback throws is what both sides hear of the call.
void test_a_streaming_call_that_fails(void **)
{
    server signaling;
    notes ends, mine;
    actr::ref service = signaling.system("service").attach(streams(ends)).start();
    actr::ref client = signaling.system("client").attach(actr::workload()).start();
    const actr_dest_t dest = actr::to(client.ctx().discover(actr::type("acme+service")).front());
    actr::call_events<add> events;
    events.on_end = [&](const auto &failure) { mine.add(failure ? failure->what() : "ok"); };
    auto first = actr::open<add>(client.ctx(), dest, events);
    first.send(value(-1));
    assert_string_equal(mine.wait(1).c_str(), "below zero\n");
    assert_string_equal(ends.wait(1).c_str(), "below zero\n");
    actr_error_t error = thrown([&] { first.send(value(1)); });
    assert_int_equal(error.status, ACTR_STATUS_NOT_FOUND);
    error = thrown([&] { first.send_error(ACTR_STATUS_INTERNAL, "again"); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_STATE);
    events.on_open = [](auto &side) { side.send_error(ACTR_STATUS_LIMIT_REACHED, "enough"); };
    auto second = actr::open<add>(client.ctx(), dest, events);
    assert_string_equal(mine.wait(2).c_str(), "below zero\nenough\n");
    assert_string_equal(ends.wait(2).c_str(), "below zero\nenough\n");
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_between_nodes),
        cmocka_unit_test(test_buffers_and_samples_within_a_node),
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_streaming_methods),
        cmocka_unit_test(test_a_streaming_call_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
