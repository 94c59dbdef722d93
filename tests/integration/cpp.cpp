// SPDX-License-Identifier: Apache-2.0
// The C++ face over real nodes: typed calls, futures, what handlers throw, who keeps whom alive.
#include "cpp.hpp"
#include "services.actr.h"

using get = codegen_services_store_method_get;
using remove_key = codegen_services_store_method_delete;
using urgent = codegen_services_store_method_urgent;

namespace
{

Codegen__Services__Key key(char *name)
{
    Codegen__Services__Key out = CODEGEN__SERVICES__KEY__INIT;
    out.name = name;
    return out;
}

char text_one[] = "one", text_none[] = "none", text_runtime[] = "runtime", text_int[] = "int";

actr::workload store()
{
    actr::workload work;
    work.on<get>([](actr::context &ctx, const Codegen__Services__Key &request, Codegen__Services__Value &reply) {
        const std::string name = request.name;
        if (name == "none") throw actr::error(ACTR_STATUS_NOT_FOUND, "there is no " + name);
        if (name == "runtime") throw std::runtime_error("a runtime_error");
        if (name == "int") throw 42;
        const std::string value = "value of " + name;
        reply.data.data = reinterpret_cast<uint8_t *>(ctx.copy(value));
        reply.data.len = value.size();
    });
    work.on("codegen.services.Store.Delete", [](actr::context &, std::string_view) { return "\xff\xff"; });
    work.on("raw.Upper", [](actr::context &ctx, std::string_view text) {
        std::string out(text);
        for (char &c : out) c = static_cast<char>(c - 'a' + 'A');
        return out + (ctx.caller_id() ? " from afar" : " from here");
    });
    return work;
}

void test_typed_calls_to_the_own_workload(void **)
{
    server signaling;
    actr::ref self = signaling.system("a").attach(store()).start();
    actr::context ctx = self.ctx();
    actr::message<get::response> value = ctx.call<get>(actr::to_self(), key(text_one));
    assert_memory_equal(value->data.data, "value of one", value->data.len);
    actr_error_t none = thrown([&] { ctx.call<get>(actr::to_self(), key(text_none)); });
    actr_error_t runtime = thrown([&] { ctx.call<get>(actr::to_self(), key(text_runtime)); });
    actr_error_t strange = thrown([&] { ctx.call<get>(actr::to_self(), key(text_int)); });
    actr_error_t unknown = thrown([&] { ctx.call<urgent>(actr::to_self(), key(text_one)); });
    actr_error_t garbage = thrown([&] { ctx.call<remove_key>(actr::to_self(), key(text_one)); });
    assert_int_equal(none.status, ACTR_STATUS_NOT_FOUND);
    assert_string_equal(none.message, "there is no none");
    assert_int_equal(runtime.status, ACTR_STATUS_HANDLER_ERROR);
    assert_string_equal(runtime.message, "a runtime_error");
    assert_int_equal(strange.status, ACTR_STATUS_HANDLER_PANIC);
    assert_int_equal(unknown.status, ACTR_STATUS_UNKNOWN_ROUTE);
    assert_int_equal(garbage.status, ACTR_STATUS_DECODE);
    assert_string_equal(garbage.message, "Failed to decode codegen.services.Value: the reply to "
                                         "codegen.services.Store.Delete of 2 bytes");
}

void test_calls_and_futures_over_the_network(void **)
{
    server signaling;
    actr::ref service = signaling.system("store").attach(store()).start();
    actr::ref client = signaling.system("client").attach(actr::workload()).start();
    actr::context ctx = client.ctx();
    auto found = ctx.discover_async(actr::type("acme+store"), 4);
    assert_true(found.wait_for(limit) == std::future_status::ready);
    const std::vector<actr_id_t> ids = found.get();
    assert_int_equal(ids.size(), 1);
    assert_true(actr_id_equal(&ids[0], &service.id()));
    const actr_dest_t dest = actr::to(ids[0]);
    actr::call_options options;
    options.timeout = std::chrono::seconds(30);
    options.metadata = {{"k", "v"}};
    actr::message<get::response> value = ctx.call<get>(dest, key(text_one), options);
    assert_int_equal(value->data.len, 12);
    assert_string_equal(ctx.call(dest, "raw.Upper", "abc").str().c_str(), "ABC from afar");

    std::vector<actr::future<actr::message<get::response>>> many;
    for (int i = 0; i < 200; i++) many.push_back(ctx.call_async<get>(dest, key(i % 2 == 0 ? text_none : text_one)));
    unsigned good = 0, missing = 0;
    for (auto &one : many) {
        actr_error_t error = thrown([&] { good += one.get()->data.len == 12; });
        missing += error.status == ACTR_STATUS_NOT_FOUND && strstr(error.message, "there is no none") != nullptr;
        assert_false(one.valid());
    }
    assert_int_equal(good, 100);
    assert_int_equal(missing, 100);

    actr::answer by_type = ctx.call_type(actr::type("acme+store"), "raw.Upper", "abc", options);
    assert_true(actr_id_equal(&by_type.from, &service.id()));
    actr::answer later = ctx.call_type_async(actr::type("acme+store"), "raw.Upper", "xyz").get();
    assert_true(actr_id_equal(&later.from, &service.id()));
    assert_string_equal(later.reply.str().c_str(), "XYZ from afar");
    auto nobody = ctx.call_type_async(actr::type("acme+nobody"), "raw.Upper", "", options);
    actr_error_t error = thrown([&] { nobody.get(); });
    assert_int_equal(error.status, ACTR_STATUS_TARGET_NOT_FOUND);

    auto garbage = ctx.call_async<remove_key>(dest, key(text_one));
    error = thrown([&] { garbage.get(); });
    assert_int_equal(error.status, ACTR_STATUS_DECODE);
    auto raw = ctx.call_async(dest, "raw.None", "");
    error = thrown([&] { raw.get(); });
    assert_int_equal(error.status, ACTR_STATUS_UNKNOWN_ROUTE);
}

// A message on the signal lane overtakes what waits in the callee's queue: the method's option 50001 is honoured.
void test_an_urgent_method_overtakes(void **)
{
    server signaling;
    std::string order;
    std::promise<void> gate, begun;
    std::shared_future<void> opened = gate.get_future().share();
    actr::workload work;
    work.on<get>([&](actr::context &, const Codegen__Services__Key &request, Codegen__Services__Value &) {
        order += std::string(request.name) + " ";
        if (order == "one ") begun.set_value();
        opened.wait_for(limit);
    });
    work.on<urgent>(
        [&](actr::context &, const Codegen__Services__Key &, Codegen__Services__Value &) { order += "urgent "; });
    actr::ref service = signaling.system("store").attach(work).start();
    actr::ref client = signaling.system("client").attach(actr::workload()).start();
    actr::context ctx = client.ctx();
    const actr_dest_t dest = actr::to(ctx.discover(actr::type("acme+store")).front());
    ctx.tell_async<get>(dest, key(text_one)).get();
    begun.get_future().wait_for(limit);
    ctx.tell<get>(dest, key(text_none));
    ctx.tell<urgent>(dest, key(text_one));
    wait_until([&] { return service.stats().mailbox_in_flight == 3; });
    auto last = ctx.call_async<get>(dest, key(text_runtime));
    wait_until([&] { return service.stats().requests_received == 4; }); // so the three before wait in their queue
    gate.set_value();
    (void)last.get();
    assert_string_equal(order.c_str(), "one urgent none runtime ");
    std::string big(70000, 'x');
    actr_error_t error = thrown([&] { ctx.call<urgent>(dest, key(big.data())); });
    assert_int_equal(error.status, ACTR_STATUS_TOO_LARGE);
}

// One workload for several nodes: what each has of it is its own.
void test_a_workload_of_two_nodes(void **)
{
    server signaling;
    const actr_method_rule_t rule{"codegen.services.Store.Get", "name", false};
    actr::workload work = store();
    actr::ref one = signaling.system("a", &rule).attach(work).start();
    std::optional<actr::ref> two = signaling.system("b", &rule).attach(work).start();
    for (const actr::ref *self : {&one, &*two})
        assert_int_equal(self->ctx().call<get>(actr::to_self(), key(text_one))->data.len, 12);
    two.reset();
    assert_int_equal(one.ctx().call<get>(actr::to_self(), key(text_one))->data.len, 12);
}

// The key field is found in the workload's own methods; each of two handlers waits for the other.
void test_a_key_field_lets_handlers_meet(void **)
{
    server signaling;
    const actr_method_rule_t rule{"codegen.services.Store.Get", "name", false};
    std::atomic<unsigned> inside{0};
    actr::workload work;
    work.on<get>([&](actr::context &, const Codegen__Services__Key &, Codegen__Services__Value &) {
        inside++;
        wait_until([&] { return inside == 2; });
        if (inside != 2) throw std::runtime_error("nobody came");
    });
    actr::ref self = signaling.system("a", &rule).attach(work).start();
    auto one = self.ctx().call_async<get>(actr::to_self(), key(text_one));
    auto none = self.ctx().call_async<get>(actr::to_self(), key(text_none));
    (void)one.get();
    (void)none.get();
    assert_int_equal(inside, 2);
}

// Within the process the same bytes go there and back, by a handler's return or by a handle.
void test_payloads_and_replies_by_reference(void **)
{
    server signaling;
    std::atomic<const void *> seen{nullptr};
    std::optional<actr::reply> held;
    std::atomic<unsigned> taken{0}; // only then is `held` there to see: the node counts it earlier
    actr::buffer fixed = actr::buffer::copy("fixed");
    actr::workload work;
    work.on("buf.Seen", [&](actr::context &ctx, std::string_view) {
        actr::buffer given = ctx.request_buf();
        seen = given ? given.view().data() : nullptr;
        ctx.reply_buf(fixed.share());
        return "not this";
    });
    work.on("buf.Later", [&](actr::context &ctx, std::string_view) {
        held.emplace(ctx.defer());
        taken++;
        return "";
    });
    actr::ref self = signaling.system("a").attach(work).start();
    actr::context ctx = self.ctx();
    actr::buffer payload = actr::buffer::copy("payload");
    actr::buffer answer = ctx.call_buf(actr::to_self(), "buf.Seen", payload);
    assert_ptr_equal(seen.load(), payload.view().data());
    assert_ptr_equal(answer.c(), fixed.c());
    answer = ctx.call_buf_async(actr::to_self(), "buf.Seen", payload).get();
    assert_ptr_equal(answer.c(), fixed.c());
    seen = nullptr;
    ctx.tell_buf(actr::to_self(), "buf.Seen", payload);
    wait_until([&] { return seen.load() != nullptr; });
    assert_ptr_equal(seen.load(), payload.view().data());
    (void)ctx.call(actr::to_self(), "buf.Seen", "bytes");
    assert_null(seen.load());

    auto later = ctx.call_async(actr::to_self(), "buf.Later", "");
    wait_until([&] { return taken == 1; });
    assert_int_equal(self.stats().deferred_replies, 1);
    assert_false(held->ctx().caller_id().has_value());
    held->send_buf(fixed);
    actr_error_t error = thrown([&] { held->send("again"); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_STATE);
    held.reset();
    assert_ptr_equal(later.get().c(), fixed.c());
    later = ctx.call_async(actr::to_self(), "buf.Later", "");
    wait_until([&] { return taken == 2; });
    held->send_error(ACTR_STATUS_NOT_FOUND, "none of them");
    held.reset();
    error = thrown([&] { (void)later.get(); });
    assert_int_equal(error.status, ACTR_STATUS_NOT_FOUND);
    assert_string_equal(error.message, "none of them");
    error = thrown([&] { (void)ctx.call_buf(actr::to_self(), "buf.Seen", actr::buffer()); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_ARGUMENT);
}

void test_hooks_and_the_last_reference(void **)
{
    server signaling;
    std::string order;
    std::atomic<unsigned> events{0};
    actr::workload work;
    work.on_start([&](actr::context &ctx) { order += ctx.request_id() + " "; });
    work.on_ready([&](actr::context &) { order += "ready "; });
    work.on_stop([&](actr::context &) { order += "stop"; });
    work.on_event([&](const actr_event_t &) {
        events++;
        throw std::runtime_error("nobody hears this");
    });
    {
        auto first = std::make_unique<actr::ref>(signaling.system("a").attach(work).start());
        actr::ref second = *first;
        first.reset();
        assert_false(second.is_shutting_down());
        assert_int_equal(second.stats().pending_calls, 0);
        actr::ref third = std::move(second);
        second = third;
        second.shutdown();
        second.wait_for_shutdown(std::chrono::milliseconds(limit));
        assert_true(third.is_shutting_down());
    }
    assert_string_equal(order.c_str(), "bootstrap ready stop");
    assert_true(events > 0);
}

void test_what_fails_says_why(void **)
{
    server signaling;
    actr_error_t error = thrown([] { actr::system("/no/such/Actr.toml"); });
    assert_true(error.status < 0);
    assert_non_null(strstr(error.message, "/no/such/Actr.toml"));
    error = thrown([] { (void)actr::type("nothing"); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_NAME);
    actr::workload work;
    work.on_start([](actr::context &) { throw actr::error(ACTR_STATUS_LIMIT_REACHED, "not today"); });
    actr::node node = signaling.system("a").attach(work);
    error = thrown([&] { (void)node.start(); });
    assert_int_equal(error.status, ACTR_STATUS_LIMIT_REACHED);
    assert_non_null(strstr(error.message, "not today"));
    work.on_start([](actr::context &) {}); /* the failed start has undone itself */
    actr::ref self = node.start();
    error = thrown([&] { (void)self.ctx().discover(actr::type("acme+nobody"), 1, std::chrono::seconds(5)); });
    assert_int_equal(error.status, ACTR_STATUS_TARGET_NOT_FOUND);
}

// One token for calls that wait, and for those that start later.
void test_a_token_ends_calls(void **)
{
    server signaling;
    std::optional<actr::reply> held;
    std::atomic<unsigned> taken{0};
    actr::workload work;
    work.on("w.Never", [&](actr::context &ctx, std::string_view) {
        held.emplace(ctx.defer());
        taken++;
        return "";
    });
    actr::ref self = signaling.system("a").attach(work).start();
    actr::call_options options;
    options.cancel = self.ctx().new_cancel();
    const actr::cancel copy = *options.cancel;
    assert_false(copy.asked());
    auto waits = self.ctx().call_async(actr::to_self(), "w.Never", "", options);
    wait_until([&] { return taken == 1; });
    copy.all();
    actr_error_t error = thrown([&] { (void)waits.get(); });
    assert_int_equal(error.status, ACTR_STATUS_CANCELLED);
    error = thrown([&] { (void)self.ctx().call(actr::to_self(), "w.Never", "", options); });
    assert_int_equal(error.status, ACTR_STATUS_CANCELLED);
    assert_true(options.cancel->asked());
    held.reset();
}

// What a handler sees beside the payload; the Shell answers; a context of one's own calls for a request.
void test_metadata_shell_and_made_contexts(void **)
{
    server signaling;
    std::promise<bool> told;
    actr::workload work;
    work.on("w.Ask", [&](actr::context &ctx, std::string_view text) {
        if (ctx.is_tell()) told.set_value(ctx.metadata("k").has_value());
        const std::string k(ctx.metadata("k").value_or("none"));
        const bool here = ctx.caller_assurance() == ACTR_ASSURANCE_LOCAL;
        if (ctx.is_tell() || text != "shell") return k + (here ? " here " : " far ") + ctx.traceparent();
        return ctx.call(actr::to_shell(), "s.Echo", k).str();
    });
    work.on_shell("s.Echo", [](actr::context &, std::string_view text) { return "shell: " + std::string(text); });
    work.on_shell<get>([](actr::context &ctx, const Codegen__Services__Key &, Codegen__Services__Value &reply) {
        reply.data.data = reinterpret_cast<uint8_t *>(ctx.copy("typed"));
        reply.data.len = 5;
    });
    work.on("w.Typed", [&](actr::context &ctx, std::string_view) {
        const auto value = ctx.call<get>(actr::to_shell(), key(text_one));
        return std::string(reinterpret_cast<const char *>(value->data.data), value->data.len);
    });
    actr::ref self = signaling.system("a").attach(work).start();
    actr::call_options options;
    options.metadata = {{"k", "v"}};
    options.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const std::string expected = "v here " + options.traceparent;
    assert_string_equal(self.ctx().call(actr::to_self(), "w.Ask", "", options).str().c_str(), expected.c_str());
    assert_string_equal(self.ctx().call(actr::to_self(), "w.Ask", "shell", options).str().c_str(), "shell: v");
    assert_string_equal(self.ctx().call(actr::to_self(), "w.Typed", "").str().c_str(), "typed");
    self.ctx().tell(actr::to_self(), "w.Ask", "", options);
    auto seen = told.get_future();
    assert_true(seen.wait_for(limit) == std::future_status::ready);
    assert_true(seen.get());
    actr_ctx_spec_t spec{};
    spec.struct_size = sizeof spec;
    spec.request_id = "mine";
    actr::own_context made = self.make_ctx(spec);
    assert_string_equal(made.ctx().request_id().c_str(), "mine");
    assert_string_equal(made.ctx().call(actr::to_shell(), "s.Echo", "x").str().c_str(), "shell: x");
    assert_int_equal(self.network_event(ACTR_NETWORK_BACKGROUND).get().action, ACTR_NETWORK_NONE);
}

// Different keys side by side; a key function that throws makes its message go alone. Panics restart the workload.
void test_keys_and_supervision(void **)
{
    server signaling;
    std::atomic<unsigned> inside{0}, starts{0};
    actr::workload work;
    work.on("w.Meet", [&](actr::context &, std::string_view) {
        inside++;
        wait_until([&] { return inside == 2; });
        return inside == 2 ? "met" : "alone";
    });
    work.on("w.Panic", [&](actr::context &, std::string_view) -> std::string { throw 1; });
    work.key_of(
        [](const actr_request_t &request) -> std::optional<std::string_view> {
            const std::string_view key(static_cast<const char *>(request.payload.data), request.payload.size);
            if (key.empty()) throw std::runtime_error("no key");
            return key;
        },
        2);
    actr_supervision_t supervision{};
    supervision.action = ACTR_ON_FAILURE_RESTART;
    work.supervise(supervision);
    work.on_start([&](actr::context &) { starts++; });
    actr::ref self = signaling.system("a").attach(work).start();
    auto one = self.ctx().call_async(actr::to_self(), "w.Meet", "one");
    auto two = self.ctx().call_async(actr::to_self(), "w.Meet", "two");
    assert_string_equal(one.get().str().c_str(), "met");
    assert_string_equal(two.get().str().c_str(), "met");
    actr_error_t error = thrown([&] { (void)self.ctx().call(actr::to_self(), "w.Panic", ""); });
    assert_int_equal(error.status, ACTR_STATUS_HANDLER_PANIC);
    wait_until([&] { return starts == 2; });
    assert_int_equal(self.stats().workload_restarts, 1);
}

// Timers: once, again and again, cancelled from their own turn; what they throw is heard of.
void test_timers(void **)
{
    server signaling;
    std::atomic<unsigned> once{0}, often{0};
    std::promise<std::string> heard;
    actr::workload work;
    work.on_event([&](const actr_event_t &event) {
        if (event.kind == ACTR_EVENT_ERROR) heard.set_value(event.detail);
    });
    actr::ref self = signaling.system("a").attach(work).start();
    actr::context ctx = self.ctx();
    auto alive = std::make_shared<int>(1);
    std::weak_ptr<int> watch = alive;
    (void)ctx.after(std::chrono::milliseconds(1), [&once, alive](actr::context &) { once++; });
    alive.reset();
    wait_until([&] { return watch.expired(); });
    assert_int_equal(once, 1);
    actr::timer periodic;
    std::promise<void> ready; // the turn must not come before it is there
    std::shared_future<void> there = ready.get_future().share();
    periodic = ctx.every(std::chrono::milliseconds(1), [&, there](actr::context &) {
        there.wait();
        if (++often == 3) periodic.cancel();
    });
    ready.set_value();
    wait_until([&] { return often == 3; });
    (void)ctx.after({}, [](actr::context &) { throw std::runtime_error("a timer's"); });
    auto told = heard.get_future();
    assert_true(told.wait_for(limit) == std::future_status::ready);
    assert_string_equal(told.get().c_str(), "a timer's");
    assert_int_equal(often, 3);
    actr_error_t error = thrown([&] { (void)ctx.every({}, [](actr::context &) {}); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_ARGUMENT);
    error = thrown([&] { (void)ctx.after({}, nullptr); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_ARGUMENT);
}

// A function that holds the node it runs on: the node ends with it, and nobody waits for himself.
void test_a_function_holds_the_last_reference(void **)
{
    server signaling;
    std::atomic<unsigned> stops{0};
    auto alive = std::make_shared<int>(1);
    std::weak_ptr<int> watch = alive;
    actr::workload work;
    work.on_stop([&stops, alive](actr::context &) { stops++; });
    alive.reset();
    std::promise<void> gone;
    {
        actr::ref self = signaling.system("a").attach(work).start();
        (void)self.ctx().after(std::chrono::milliseconds(1),
                               [self, there = gone.get_future().share()](actr::context &) { there.wait(); });
    }
    work = actr::workload();
    assert_int_equal(stops, 0); /* the timer holds it */
    gone.set_value();
    wait_until([&] { return watch.expired(); });
    assert_true(watch.expired()); /* and the node let go of the workload */
    assert_int_equal(stops, 1);
}

// A loop of one's own: turns run where dispatch is called.
void test_a_loop_of_ones_own(void **)
{
    server signaling;
    actr_config_t config = actr::config();
    config.signaling_url = harness_server_url(signaling.c());
    config.manufacturer = "acme";
    config.name = "a";
    config.realm = 1;
    config.affinity = ACTR_AFFINITY_LOOP;
    actr::system system(config);
    assert_true(system.fd() >= 0);
    assert_int_equal(system.fingerprint().size(), 95);
    std::thread::id ran;
    actr::workload work;
    work.on("w.Where", [&](actr::context &, std::string_view) {
        ran = std::this_thread::get_id();
        return "";
    });
    actr::ref self = system.attach(work).start();
    auto answer = self.ctx().call_async(actr::to_self(), "w.Where", "");
    unsigned turns = 0;
    wait_until([&] {
        turns += system.dispatch();
        return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    (void)answer.get();
    assert_true(turns > 0);
    assert_true(ran == std::this_thread::get_id());
    actr::system other = signaling.system("b");
    assert_int_equal(other.fd(), -1);
    actr_error_t error = thrown([&] { (void)other.dispatch(); });
    assert_int_equal(error.status, ACTR_STATUS_INVALID_STATE);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_calls_to_the_own_workload),
        cmocka_unit_test(test_calls_and_futures_over_the_network),
        cmocka_unit_test(test_an_urgent_method_overtakes),
        cmocka_unit_test(test_a_workload_of_two_nodes),
        cmocka_unit_test(test_a_key_field_lets_handlers_meet),
        cmocka_unit_test(test_payloads_and_replies_by_reference),
        cmocka_unit_test(test_hooks_and_the_last_reference),
        cmocka_unit_test(test_what_fails_says_why),
        cmocka_unit_test(test_a_token_ends_calls),
        cmocka_unit_test(test_metadata_shell_and_made_contexts),
        cmocka_unit_test(test_keys_and_supervision),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_a_function_holds_the_last_reference),
        cmocka_unit_test(test_a_loop_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
