// SPDX-License-Identifier: Apache-2.0
/*
 * libactr for C++17: handles that release themselves, handlers that are std::functions, answers that are futures. A
 * header over the C API, which says who may be called where and what blocks. Failures are thrown as actr::error; what a
 * handler throws is its caller's error. Typed calls and handlers take what protoc-gen-actr made:
 * <name>_method_<method>.
 */
#ifndef ACTR_ACTR_HPP
#define ACTR_ACTR_HPP

#include <actr/actr.h>
#include <actr/method_stream.hpp>

#include <map>

namespace actr
{

namespace detail
{

struct typed_handler {
    actr_method_t method;
    std::function<void(context &, const void *, void *)> run;
};

// What is served under which route, by the workload or by the Shell.
struct routes {
    std::map<std::string, std::function<std::string(context &, std::string_view)>, std::less<>> raw;
    std::map<std::string, typed_handler, std::less<>> typed;
};

struct handlers {
    routes own, shell;
    std::function<void(context &)> on_start, on_ready, on_stop;
    std::function<void(const actr_event_t &)> on_event;
    std::function<std::optional<std::string_view>(const actr_request_t &)> key_of;
    uint32_t workers = 0;
    actr_supervision_t supervision{};
};

// What one node has of a workload, until its end; a workload may be given to several.
struct attachment {
    std::shared_ptr<handlers> work;
    std::vector<actr_method_t> methods; // for the key fields of [methods]
    actr_service_t service{};
    const actr_service_t *services[1] = {&service};
    explicit attachment(std::shared_ptr<handlers> from) : work(std::move(from))
    {
        for (const auto &one : work->own.typed) methods.push_back(one.second.method);
        service = {"", methods.data(), methods.size()};
    }
    attachment(const attachment &) = delete;
    attachment &operator=(const attachment &) = delete;
};

inline const handlers &of(void *attached) noexcept
{
    return *static_cast<attachment *>(attached)->work;
}

struct serving {
    const typed_handler *handler;
    const actr_request_t *request;
};

inline actr_status_t serve_typed(actr_ctx_t *ctx, const void *request, void *reply, const void *user)
{
    const serving &now = *static_cast<const serving *>(user);
    context wrapped(ctx, now.request);
    return guarded(wrapped, [&] { now.handler->run(wrapped, request, reply); });
}

inline actr_status_t dispatch_to(const routes &all, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    const std::string_view route(request->route);
    if (auto found = all.typed.find(route); found != all.typed.end()) {
        const actr_service_t one{"", &found->second.method, 1};
        const serving now{&found->second, request};
        return actr_service_dispatch(&one, &now, ctx, request, reply);
    }
    auto found = all.raw.find(route);
    if (found == all.raw.end()) return ACTR_STATUS_UNKNOWN_ROUTE;
    context wrapped(ctx, request);
    return guarded(wrapped, [&] {
        const std::string answer =
            found->second(wrapped, {static_cast<const char *>(request->payload.data), request->payload.size});
        *reply = bytes_of({wrapped.copy(answer), answer.size()});
    });
}

inline actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    return dispatch_to(of(user).own, ctx, request, reply);
}

inline actr_status_t dispatch_shell(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    return dispatch_to(of(user).shell, ctx, request, reply);
}

inline bool key_hook(const actr_request_t *request, actr_bytes_t *key, void *user)
{
    try {
        const std::optional<std::string_view> found = of(user).key_of(*request);
        if (found) *key = bytes_of(*found);
        return found.has_value();
    } catch (...) { // such a message is handled alone
        return false;
    }
}

inline actr_status_t start_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    return guarded(wrapped, [&] { of(user).on_start(wrapped); });
}

inline void ready_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    (void)guarded(wrapped, [&] { of(user).on_ready(wrapped); });
}

inline void stop_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    (void)guarded(wrapped, [&] { of(user).on_stop(wrapped); });
}

inline void event_hook(const actr_event_t *event, void *user)
{
    try {
        of(user).on_event(*event);
    } catch (...) { // an event has nobody to be told
    }
}

} // namespace detail

// What an actor does; complete it before it is attached. Handlers run one at a time, unless messages have keys.
class workload
{
  public:
    using raw_handler = std::function<std::string(context &, std::string_view)>;
    template <class Method>
    using typed_handler = std::function<void(context &, const typename Method::request &, typename Method::response &)>;

    template <class Method>
    using stream_handler =
        std::conditional_t<Method::kind == ACTR_METHOD_SERVER_STREAM,
                           std::function<void(context &, const typename Method::request &, reply_stream<Method> &)>,
                           std::function<void(context &, reply_stream<Method> &)>>;

    workload() : handlers_(std::make_shared<detail::handlers>())
    {
    }

    // Bytes in, bytes out.
    workload &on(const std::string &route, raw_handler handler)
    {
        handlers_->own.raw[route] = std::move(handler);
        return *this;
    }
    // The same, typed: on<echo_echo_service_method_echo>([](auto &ctx, const auto &request, auto &reply) { ... }).
    template <class Method> workload &on(typed_handler<Method> handler)
    {
        add<Method>(handlers_->own, std::move(handler));
        return *this;
    }
    // A streaming method: the handler is given what its caller sent with the call, if anything, and its side of it.
    template <class Method> workload &on_stream(stream_handler<Method> handler)
    {
        static_assert(Method::kind != ACTR_METHOD_UNARY, "one request, one reply: on serves it");
        detail::typed_handler typed{Method::method(), nullptr};
        typed.method.serve = detail::serve_typed;
        typed.run = [handler = std::move(handler)](context &ctx, const void *request, void *stream) {
            reply_stream<Method> side(actr_method_stream_retain(static_cast<actr_method_stream_t *>(stream)));
            if constexpr (Method::kind == ACTR_METHOD_SERVER_STREAM)
                handler(ctx, *static_cast<const typename Method::request *>(request), side);
            else
                handler(ctx, side);
        };
        handlers_->own.typed[Method::method().route] = std::move(typed);
        return *this;
    }
    // What the program around the workload answers its workload: calls to actr::to_shell(), one at a time, beside it.
    workload &on_shell(const std::string &route, raw_handler handler)
    {
        handlers_->shell.raw[route] = std::move(handler);
        return *this;
    }
    template <class Method> workload &on_shell(typed_handler<Method> handler)
    {
        add<Method>(handlers_->shell, std::move(handler));
        return *this;
    }
    // Which messages may be handled at the same time: actr_key_fn. The key lies in the request, or lives as long.
    workload &key_of(std::function<std::optional<std::string_view>(const actr_request_t &)> key, uint32_t workers = 0)
    {
        handlers_->key_of = std::move(key);
        handlers_->workers = workers;
        return *this;
    }
    workload &supervise(const actr_supervision_t &supervision) // what repeated failures lead to
    {
        handlers_->supervision = supervision;
        return *this;
    }
    workload &on_start(std::function<void(context &)> hook) // what it throws undoes the start
    {
        handlers_->on_start = std::move(hook);
        return *this;
    }
    workload &on_ready(std::function<void(context &)> hook)
    {
        handlers_->on_ready = std::move(hook);
        return *this;
    }
    workload &on_stop(std::function<void(context &)> hook)
    {
        handlers_->on_stop = std::move(hook);
        return *this;
    }
    workload &on_event(std::function<void(const actr_event_t &)> hook)
    {
        handlers_->on_event = std::move(hook);
        return *this;
    }

  private:
    friend class system;
    template <class Method> static void add(detail::routes &to, typed_handler<Method> handler)
    {
        static_assert(Method::kind == 0, "a streaming method: on_stream serves it");
        detail::typed_handler typed{Method::method(), nullptr};
        typed.method.serve = detail::serve_typed;
        typed.run = [handler = std::move(handler)](context &ctx, const void *request, void *reply) {
            handler(ctx, *static_cast<const typename Method::request *>(request),
                    *static_cast<typename Method::response *>(reply));
        };
        to.typed[Method::method().route] = std::move(typed);
    }
    std::shared_ptr<detail::handlers> handlers_;
};

// A context of one's own, for work that belongs to a request and is done elsewhere or later. It does not keep the node
// running.
class own_context
{
  public:
    explicit own_context(actr_ctx_t *owned) noexcept : c_(owned)
    {
    }
    context ctx() const noexcept
    {
        return context(c_.get());
    }

  private:
    std::unique_ptr<actr_ctx_t, detail::releaser<actr_ctx_release>> c_;
};

namespace detail
{

inline void on_network(actr_status_t status, const actr_network_result_t *result, const actr_error_t *given, void *user)
{
    settle<actr_network_result_t>(user, status, given, result == nullptr ? actr_network_result_t{} : *result);
}

} // namespace detail

// The running actor. Copies are handles on the same one; the last to go shuts it down, and waits for that.
class ref
{
  public:
    ref(const ref &other) : c_(actr_ref_retain(other.c_.get()))
    {
    }
    ref(ref &&) noexcept = default;
    ref &operator=(ref other) noexcept
    {
        c_.swap(other.c_);
        return *this;
    }
    ~ref() = default;

    actr_ref_t *c() const noexcept
    {
        return c_.get();
    }
    const actr_id_t &id() const noexcept
    {
        return *actr_ref_actor_id(c_.get());
    }
    context ctx() const noexcept
    {
        return context(actr_ref_ctx(c_.get()));
    }

    void shutdown() noexcept
    {
        actr_ref_shutdown(c_.get());
    }
    bool is_shutting_down() const noexcept
    {
        return actr_ref_is_shutting_down(c_.get());
    }
    void wait_for_shutdown(std::optional<std::chrono::milliseconds> limit = std::nullopt)
    {
        detail::checked check;
        check(actr_ref_wait_for_shutdown(c_.get(), limit ? limit->count() : -1, check));
    }
    void wait_for_ctrl_c_and_shutdown()
    {
        detail::checked check;
        check(actr_ref_wait_for_ctrl_c_and_shutdown(c_.get(), check));
    }
    // What has happened to the network (<actr/network.h>), and what was done about it.
    future<actr_network_result_t> network_event(actr_network_event_t event)
    {
        return detail::promised<actr_network_result_t>([&](void *user, actr_error_t *failure) {
            return actr_ref_network_event(c_.get(), event, detail::on_network, user, failure);
        });
    }
    own_context make_ctx(const actr_ctx_spec_t &spec) const
    {
        actr_ctx_t *out = nullptr;
        detail::checked check;
        check(actr_ref_make_ctx(c_.get(), &spec, &out, check));
        return own_context(out);
    }
    actr_stream_stats_t stream_stats() const noexcept
    {
        actr_stream_stats_t out{};
        out.struct_size = sizeof out;
        actr_ref_stream_stats(c_.get(), &out);
        return out;
    }
    actr_node_stats_t stats() const noexcept
    {
        actr_node_stats_t out{};
        out.struct_size = sizeof out;
        actr_ref_stats(c_.get(), &out);
        return out;
    }

  private:
    friend class node;
    explicit ref(actr_ref_t *owned) : c_(owned)
    {
    }
    std::unique_ptr<actr_ref_t, detail::releaser<actr_ref_release>> c_;
};

// An actor that has not started yet.
class node
{
  public:
    actr_node_t *c() const noexcept
    {
        return c_.get();
    }
    // Connects, registers, runs on_start. A failed start may be tried again.
    ref start()
    {
        actr_ref_t *out = nullptr;
        detail::checked check;
        check(actr_node_start(c_.get(), &out, check));
        return ref(out);
    }

  private:
    friend class system;
    explicit node(actr_node_t *owned) : c_(owned)
    {
    }
    std::unique_ptr<actr_node_t, detail::releaser<actr_node_release>> c_;
};

// The defaults; only signaling_url, manufacturer and name must be set. What it points to must live until system()
// returns.
inline actr_config_t config() noexcept
{
    actr_config_t out{};
    out.struct_size = sizeof out;
    out.log_level = ACTR_LOG_INFO;
    return out;
}

// What needs neither network nor identity.
class system
{
  public:
    explicit system(const std::string &config_path)
    {
        actr_system_t *out = nullptr;
        detail::checked check;
        check(actr_system_open(config_path.c_str(), &out, check));
        c_.reset(out);
    }
    // Log and allocator from `hooks`, everything else from the file.
    system(const std::string &config_path, const actr_config_t &hooks)
    {
        actr_system_t *out = nullptr;
        detail::checked check;
        check(actr_system_open_with(config_path.c_str(), &hooks, &out, check));
        c_.reset(out);
    }
    explicit system(const actr_config_t &config)
    {
        actr_system_t *out = nullptr;
        detail::checked check;
        check(actr_system_new(&config, &out, check));
        c_.reset(out);
    }
    actr_system_t *c() const noexcept
    {
        return c_.get();
    }

    std::string fingerprint() const // of its certificate, for others' [[trust]]
    {
        return actr_system_fingerprint(c_.get());
    }
    // For a program with a loop of its own (ACTR_AFFINITY_LOOP); -1 and an error: the system has threads.
    int fd() const noexcept
    {
        return actr_system_fd(c_.get());
    }
    unsigned dispatch(uint32_t max_turns = 0, std::chrono::milliseconds limit = {}) const // how many turns ran
    {
        const int ran = actr_system_dispatch(c_.get(), max_turns, detail::to_ms(limit));
        if (ran < 0) throw error(static_cast<actr_status_t>(ran), "the system's turns do not run by dispatch");
        return static_cast<unsigned>(ran);
    }

    // One workload a system.
    node attach(const workload &work)
    {
        auto attached = std::make_unique<detail::attachment>(work.handlers_);
        const auto handlers = work.handlers_;
        actr_workload_t description{};
        description.struct_size = sizeof description;
        description.dispatch = detail::dispatch;
        description.supervision = handlers->supervision;
        if (handlers->key_of) description.key_of = detail::key_hook;
        description.workers = handlers->workers;
        if (handlers->on_start) description.on_start = detail::start_hook;
        if (handlers->on_ready) description.on_ready = detail::ready_hook;
        if (handlers->on_stop) description.on_stop = detail::stop_hook;
        if (handlers->on_event) description.on_event = detail::event_hook;
        description.services = attached->services;
        description.service_count = 1;
        description.user = attached.get();
        description.free_user = detail::forget<detail::attachment>;
        actr_node_t *out = nullptr;
        detail::checked check;
        check(actr_system_attach(c_.get(), &description, &out, check));
        detail::attachment *kept = attached.release(); // the node's now
        node made(out);
        if (!handlers->shell.raw.empty() || !handlers->shell.typed.empty())
            check(actr_node_serve_shell(out, detail::dispatch_shell, kept, check));
        return made;
    }

  private:
    std::unique_ptr<actr_system_t, detail::releaser<actr_system_release>> c_;
};

} // namespace actr

#endif
