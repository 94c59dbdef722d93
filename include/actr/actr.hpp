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
#include <actr/buffer.hpp>
#include <actr/service.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace actr
{

namespace detail
{

template <class Value> using settled = std::conditional_t<std::is_void_v<Value>, std::monostate, Value>;

// What a call came to. A failure is a value until somebody asks: no exception is shared between threads.
template <class Value> struct outcome {
    std::optional<settled<Value>> value;
    actr_error_t failure;
};

} // namespace detail

// Who answered a call by type, and what.
struct answer {
    actr_id_t from;
    buffer reply;
};

// A protobuf-c message that came as a response.
template <class Message> using message = std::unique_ptr<Message, detail::releaser<actr_message_free>>;

struct call_options {
    std::chrono::milliseconds timeout{0}; // 0: the configured default
    actr_payload_type_t payload_type = ACTR_RPC_RELIABLE;
    std::vector<std::pair<std::string, std::string>> metadata{};
    uint32_t max_candidates = 0; // of calls by type; 0: 3
};

inline actr_dest_t to(const actr_id_t &id) noexcept
{
    return actr_dest_actor(&id);
}

inline actr_dest_t to_self() noexcept
{
    return actr_dest_local();
}

inline actr_type_t type(const std::string &text) // "acme+echo"
{
    actr_type_t out{};
    detail::checked check;
    check(actr_type_parse(text.c_str(), &out, check));
    return out;
}

inline std::string print(const actr_id_t &id)
{
    char text[ACTR_ID_TEXT_SIZE];
    return actr_id_print(&id, text);
}

// What a call that was started comes to. A std::future in all but this: get() throws an error of the thread that asks.
template <class Value> class future
{
  public:
    future() = default;
    explicit future(std::future<detail::outcome<Value>> answer) noexcept : answer_(std::move(answer))
    {
    }
    bool valid() const noexcept
    {
        return answer_.valid();
    }
    void wait() const
    {
        answer_.wait();
    }
    template <class Rep, class Period>
    std::future_status wait_for(const std::chrono::duration<Rep, Period> &limit) const
    {
        return answer_.wait_for(limit);
    }
    template <class Clock, class Duration>
    std::future_status wait_until(const std::chrono::time_point<Clock, Duration> &limit) const
    {
        return answer_.wait_until(limit);
    }
    // Waits; once only.
    Value get()
    {
        detail::outcome<Value> out = answer_.get();
        if (!out.value) throw error(out.failure);
        if constexpr (!std::is_void_v<Value>) return std::move(*out.value);
    }

  private:
    std::future<detail::outcome<Value>> answer_;
};

namespace detail
{

class options
{
  public:
    explicit options(const call_options &from) : c_()
    {
        for (const auto &[key, value] : from.metadata) metadata_.push_back({key.c_str(), value.c_str()});
        c_.struct_size = sizeof c_;
        c_.timeout_ms = static_cast<uint32_t>(from.timeout.count());
        c_.payload_type = from.payload_type;
        c_.metadata = metadata_.data();
        c_.metadata_count = metadata_.size();
        c_.max_candidates = from.max_candidates;
    }
    operator const actr_call_options_t *() const noexcept
    {
        return &c_;
    }

  private:
    std::vector<actr_metadata_t> metadata_;
    actr_call_options_t c_;
};

// A promise on the heap while a call of the C API has it.
template <class Value, class Start> future<Value> promised(Start start)
{
    auto promise = std::make_unique<std::promise<outcome<Value>>>();
    auto answer = promise->get_future();
    checked check;
    check(start(promise.get(), static_cast<actr_error_t *>(check)));
    (void)promise.release(); // the callback's now
    return future<Value>(std::move(answer));
}

template <class Value>
void settle(void *user, actr_status_t status, const actr_error_t *given, settled<Value> value) noexcept
{
    std::unique_ptr<std::promise<outcome<Value>>> promise(static_cast<std::promise<outcome<Value>> *>(user));
    outcome<Value> out{std::nullopt, actr_error_t{}};
    if (given != nullptr) out.failure = *given;
    out.failure.status = status;
    if (status == ACTR_OK) out.value = std::move(value);
    promise->set_value(std::move(out));
}

inline void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *given, void *user)
{
    settle<buffer>(user, status, given, buffer(reply));
}

inline void on_type_reply(actr_status_t status, const actr_id_t *answered, actr_buf_t *reply, const actr_error_t *given,
                          void *user)
{
    settle<answer>(user, status, given, answer{answered == nullptr ? actr_id_t{} : *answered, buffer(reply)});
}

inline void on_found(actr_status_t status, const actr_id_t *ids, size_t count, const actr_error_t *given, void *user)
{
    settle<std::vector<actr_id_t>>(user, status, given,
                                   std::vector<actr_id_t>(ids, ids + (status == ACTR_OK ? count : 0)));
}

inline void on_sent(actr_status_t status, actr_buf_t *, const actr_error_t *given, void *user) noexcept
{
    settle<void>(user, status, given, std::monostate());
}

template <class Response>
void on_response(actr_status_t status, Response *response, const actr_error_t *given, void *user)
{
    settle<message<Response>>(user, status, given, message<Response>(response));
}

} // namespace detail

class reply;

/*
 * What handlers and hooks are given, and what ref::ctx() is: valid as long as that. Waiting in a handler for a future
 * of its own node is waiting for oneself: answers come as turns of the node.
 */
class context
{
  public:
    explicit context(actr_ctx_t *c) noexcept : c_(c)
    {
    }
    actr_ctx_t *c() const noexcept
    {
        return c_;
    }

    const actr_id_t &self_id() const noexcept
    {
        return *actr_ctx_self_id(c_);
    }
    std::optional<actr_id_t> caller_id() const
    {
        const actr_id_t *id = actr_ctx_caller_id(c_);
        return id == nullptr ? std::nullopt : std::optional<actr_id_t>(*id);
    }
    std::string request_id() const
    {
        return actr_ctx_request_id(c_);
    }

    buffer call(const actr_dest_t &dest, const std::string &route, std::string_view payload,
                const call_options &given = {}) const
    {
        actr_buf_t *reply = nullptr;
        detail::checked check;
        detail::options options(given);
        check(actr_ctx_call(c_, &dest, route.c_str(), detail::bytes_of(payload), options, &reply, check));
        return buffer(reply);
    }
    future<buffer> call_async(const actr_dest_t &dest, const std::string &route, std::string_view payload,
                              const call_options &given = {}) const
    {
        detail::options options(given);
        return detail::promised<buffer>([&](void *user, actr_error_t *failure) {
            return actr_ctx_call_async(c_, &dest, route.c_str(), detail::bytes_of(payload), options, detail::on_reply,
                                       user, failure);
        });
    }
    void tell(const actr_dest_t &dest, const std::string &route, std::string_view payload,
              const call_options &given = {}) const
    {
        detail::checked check;
        detail::options options(given);
        check(actr_ctx_tell(c_, &dest, route.c_str(), detail::bytes_of(payload), options, check));
    }

    // The same with a payload by reference: within the process the handler sees this very buffer.
    buffer call_buf(const actr_dest_t &dest, const std::string &route, const buffer &payload,
                    const call_options &given = {}) const
    {
        actr_buf_t *reply = nullptr;
        detail::checked check;
        detail::options options(given);
        check(actr_ctx_call_buf(c_, &dest, route.c_str(), payload.c(), options, &reply, check));
        return buffer(reply);
    }
    future<buffer> call_buf_async(const actr_dest_t &dest, const std::string &route, const buffer &payload,
                                  const call_options &given = {}) const
    {
        detail::options options(given);
        return detail::promised<buffer>([&](void *user, actr_error_t *failure) {
            return actr_ctx_call_buf_async(c_, &dest, route.c_str(), payload.c(), options, detail::on_reply, user,
                                           failure);
        });
    }
    void tell_buf(const actr_dest_t &dest, const std::string &route, const buffer &payload,
                  const call_options &given = {}) const
    {
        detail::checked check;
        detail::options options(given);
        check(actr_ctx_tell_buf(c_, &dest, route.c_str(), payload.c(), options, check));
    }

    // The request's payload as the buffer in which it was passed; empty: it came as bytes. Only inside handlers.
    buffer request_buf() const noexcept
    {
        actr_buf_t *buf = actr_ctx_request_buf(c_);
        return buf == nullptr ? buffer() : buffer(actr_buf_retain(buf));
    }
    // Replies with this buffer, by reference; what the handler returns does not count then. Only inside handlers.
    void reply_buf(buffer answer) const noexcept
    {
        actr_ctx_reply_buf(c_, answer.release());
    }
    // Takes the reply out of the handler's hands: what it returns does not count, whoever has the handle answers later;
    // but what the handler throws is the answer. Only inside handlers.
    actr::reply defer();
    bool deferred() const noexcept
    {
        return deferred_;
    }

    // The same, typed: context.call<echo_echo_service_method_echo>(dest, request).
    template <class Method>
    message<typename Method::response> call(const actr_dest_t &dest, const typename Method::request &request,
                                            const call_options &given = {}) const
    {
        void *response = nullptr;
        detail::checked check;
        detail::options options(given);
        check(actr_method_call(c_, &dest, &Method::method(), &request, options, &response, check));
        return message<typename Method::response>(static_cast<typename Method::response *>(response));
    }
    template <class Method>
    future<message<typename Method::response>>
    call_async(const actr_dest_t &dest, const typename Method::request &request, const call_options &given = {}) const
    {
        using Response = typename Method::response;
        detail::options options(given);
        return detail::promised<message<Response>>([&](void *user, actr_error_t *failure) {
            return actr_method_call_async(c_, &dest, &Method::method(), &request, options,
                                          reinterpret_cast<actr_any_fn>(&detail::on_response<Response>), user, failure);
        });
    }
    template <class Method>
    void tell(const actr_dest_t &dest, const typename Method::request &request, const call_options &given = {}) const
    {
        detail::checked check;
        detail::options options(given);
        check(actr_method_tell(c_, &dest, &Method::method(), &request, options, check));
    }

    // Told whether it went.
    template <class Method>
    future<void> tell_async(const actr_dest_t &dest, const typename Method::request &request,
                            const call_options &given = {}) const
    {
        detail::options options(given);
        return detail::promised<void>([&](void *user, actr_error_t *failure) {
            return actr_method_tell_async(c_, &dest, &Method::method(), &request, options, detail::on_sent, user,
                                          failure);
        });
    }

    // Finds actors of a type and calls the first one that can be reached.
    answer call_type(const actr_type_t &wanted, const std::string &route, std::string_view payload,
                     const call_options &given = {}) const
    {
        actr_buf_t *reply = nullptr;
        actr_id_t from{};
        detail::checked check;
        detail::options options(given);
        check(actr_ctx_call_type(c_, &wanted, route.c_str(), detail::bytes_of(payload), options, &from, &reply, check));
        return answer{from, buffer(reply)};
    }
    future<answer> call_type_async(const actr_type_t &wanted, const std::string &route, std::string_view payload,
                                   const call_options &given = {}) const
    {
        detail::options options(given);
        return detail::promised<answer>([&](void *user, actr_error_t *failure) {
            return actr_ctx_call_type_async(c_, &wanted, route.c_str(), detail::bytes_of(payload), options,
                                            detail::on_type_reply, user, failure);
        });
    }

    // Up to `most` actors of a type, best first; never none.
    std::vector<actr_id_t> discover(const actr_type_t &wanted, size_t most = 1,
                                    std::chrono::milliseconds timeout = {}) const
    {
        std::vector<actr_id_t> ids(most);
        detail::checked check;
        check(actr_ctx_discover(c_, &wanted, static_cast<uint32_t>(timeout.count()), ids.data(), &most, check));
        ids.resize(most);
        return ids;
    }
    future<std::vector<actr_id_t>> discover_async(const actr_type_t &wanted, size_t most = 1,
                                                  std::chrono::milliseconds timeout = {}) const
    {
        return detail::promised<std::vector<actr_id_t>>([&](void *user, actr_error_t *failure) {
            return actr_ctx_discover_async(c_, &wanted, static_cast<uint32_t>(timeout.count()), most, detail::on_found,
                                           user, failure);
        });
    }

    // Memory of the request: lives until its reply has been sent. Only inside handlers and hooks.
    void *alloc(size_t size) const
    {
        void *block = actr_ctx_alloc(c_, size);
        if (block == nullptr) throw std::bad_alloc();
        return block;
    }
    // A text for a reply's field.
    char *copy(std::string_view text) const
    {
        char *block = static_cast<char *>(alloc(text.size() + 1));
        if (!text.empty()) std::memcpy(block, text.data(), text.size());
        block[text.size()] = '\0';
        return block;
    }

  private:
    actr_ctx_t *c_;
    bool deferred_ = false;
};

// A reply that is given later, by any thread. One answer counts; a handle that goes without one answers with an error.
class reply
{
  public:
    explicit reply(actr_reply_t *owned) noexcept : c_(owned)
    {
    }
    actr_reply_t *c() const noexcept
    {
        return c_.get();
    }
    // Caller, time and trace of the request; lives as long as the handle.
    context ctx() const noexcept
    {
        return context(actr_reply_ctx(c_.get()));
    }
    void send(std::string_view payload)
    {
        detail::checked check;
        check(actr_reply_send(c_.get(), detail::bytes_of(payload), check));
    }
    void send_buf(const buffer &payload) // by reference within the process
    {
        detail::checked check;
        check(actr_reply_send_buf(c_.get(), payload.c(), check));
    }
    void send_error(actr_status_t status, const std::string &message)
    {
        const actr_status_t sent = actr_reply_fail(c_.get(), status, "%s", message.c_str());
        if (sent != ACTR_OK) throw error(sent, actr_status_str(sent));
    }

  private:
    std::unique_ptr<actr_reply_t, detail::releaser<actr_reply_release>> c_;
};

inline reply context::defer()
{
    actr_reply_t *out = nullptr;
    detail::checked check;
    check(actr_ctx_defer(c_, &out, check));
    deferred_ = true;
    return actr::reply(out);
}

namespace detail
{

// What a handler or hook throws, as a status and a text. Nothing passes into C.
template <class Function> actr_status_t guarded(context &wrapped, Function function) noexcept
{
    actr_ctx_t *ctx = wrapped.c();
    try {
        function();
        return wrapped.deferred() ? ACTR_DEFERRED : ACTR_OK;
    } catch (const error &failure) {
        return actr_ctx_fail(ctx, failure.status(), "%s", failure.what());
    } catch (const std::bad_alloc &) {
        return ACTR_STATUS_NO_MEMORY;
    } catch (const std::exception &failure) {
        return actr_ctx_fail(ctx, ACTR_STATUS_HANDLER_ERROR, "%s", failure.what());
    } catch (...) {
        return actr_ctx_panic(ctx, "something that is no std::exception was thrown");
    }
}

struct typed_handler {
    actr_method_t method;
    std::function<void(context &, const void *, void *)> run;
};

struct handlers {
    std::map<std::string, std::function<std::string(context &, std::string_view)>, std::less<>> raw;
    std::map<std::string, typed_handler, std::less<>> typed;
    std::vector<actr_method_t> methods; // of `typed`, for the key fields of [methods]
    actr_service_t service{};
    const actr_service_t *services[1] = {&service};
    std::function<void(context &)> on_start, on_ready, on_stop;
    std::function<void(const actr_event_t &)> on_event;
};

inline actr_status_t serve_typed(actr_ctx_t *ctx, const void *request, void *reply, const void *handler)
{
    context wrapped(ctx);
    return guarded(wrapped, [&] { static_cast<const typed_handler *>(handler)->run(wrapped, request, reply); });
}

inline actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    const handlers &all = *static_cast<const handlers *>(user);
    const std::string_view route(request->route);
    if (auto found = all.typed.find(route); found != all.typed.end()) {
        const actr_service_t one{"", &found->second.method, 1};
        return actr_service_dispatch(&one, &found->second, ctx, request, reply);
    }
    auto found = all.raw.find(route);
    if (found == all.raw.end()) return ACTR_STATUS_UNKNOWN_ROUTE;
    context wrapped(ctx);
    return guarded(wrapped, [&] {
        const std::string answer =
            found->second(wrapped, {static_cast<const char *>(request->payload.data), request->payload.size});
        *reply = bytes_of({wrapped.copy(answer), answer.size()});
    });
}

inline actr_status_t start_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    return guarded(wrapped, [&] { static_cast<handlers *>(user)->on_start(wrapped); });
}

inline void ready_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    (void)guarded(wrapped, [&] { static_cast<handlers *>(user)->on_ready(wrapped); });
}

inline void stop_hook(actr_ctx_t *ctx, void *user)
{
    context wrapped(ctx);
    (void)guarded(wrapped, [&] { static_cast<handlers *>(user)->on_stop(wrapped); });
}

inline void event_hook(const actr_event_t *event, void *user)
{
    try {
        static_cast<handlers *>(user)->on_event(*event);
    } catch (...) { // an event has nobody to be told
    }
}

} // namespace detail

// What an actor does; complete it before it is attached. Handlers run one at a time.
class workload
{
  public:
    workload() : handlers_(std::make_shared<detail::handlers>())
    {
    }

    // Bytes in, bytes out.
    workload &on(const std::string &route, std::function<std::string(context &, std::string_view)> handler)
    {
        handlers_->raw[route] = std::move(handler);
        return *this;
    }
    // The same, typed: on<echo_echo_service_method_echo>([](auto &ctx, const auto &request, auto &reply) { ... }).
    template <class Method>
    workload &on(std::function<void(context &, const typename Method::request &, typename Method::response &)> handler)
    {
        detail::typed_handler typed{Method::method(), nullptr};
        typed.method.serve = detail::serve_typed;
        typed.run = [handler = std::move(handler)](context &ctx, const void *request, void *reply) {
            handler(ctx, *static_cast<const typename Method::request *>(request),
                    *static_cast<typename Method::response *>(reply));
        };
        handlers_->typed[Method::method().route] = std::move(typed);
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
    std::shared_ptr<detail::handlers> handlers_;
};

// The running actor. Copies are handles on the same one; the last to go shuts it down, and waits for that.
class ref
{
  public:
    ref(const ref &other) : handlers_(other.handlers_), c_(actr_ref_retain(other.c_.get()))
    {
    }
    ref(ref &&) noexcept = default;
    ref &operator=(ref other) noexcept
    {
        c_.swap(other.c_);
        handlers_.swap(other.handlers_);
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
    actr_node_stats_t stats() const noexcept
    {
        actr_node_stats_t out{};
        out.struct_size = sizeof out;
        actr_ref_stats(c_.get(), &out);
        return out;
    }

  private:
    friend class node;
    ref(std::shared_ptr<detail::handlers> handlers, actr_ref_t *owned) : handlers_(std::move(handlers)), c_(owned)
    {
    }
    std::shared_ptr<detail::handlers> handlers_; // outlives c_: the node calls them until its end
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
        return ref(handlers_, out);
    }

  private:
    friend class system;
    node(std::shared_ptr<detail::handlers> handlers, actr_node_t *owned) : handlers_(std::move(handlers)), c_(owned)
    {
    }
    std::shared_ptr<detail::handlers> handlers_;
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

    // One workload a system.
    node attach(const workload &work)
    {
        const auto &handlers = work.handlers_;
        actr_workload_t description{};
        description.struct_size = sizeof description;
        description.dispatch = detail::dispatch;
        if (handlers->on_start) description.on_start = detail::start_hook;
        if (handlers->on_ready) description.on_ready = detail::ready_hook;
        if (handlers->on_stop) description.on_stop = detail::stop_hook;
        if (handlers->on_event) description.on_event = detail::event_hook;
        handlers->methods.clear();
        for (const auto &one : handlers->typed) handlers->methods.push_back(one.second.method);
        handlers->service = {"", handlers->methods.data(), handlers->methods.size()};
        description.services = handlers->services;
        description.service_count = 1;
        description.user = handlers.get();
        actr_node_t *out = nullptr;
        detail::checked check;
        check(actr_system_attach(c_.get(), &description, &out, check));
        return node(handlers, out);
    }

  private:
    std::unique_ptr<actr_system_t, detail::releaser<actr_system_release>> c_;
};

} // namespace actr

#endif
