// SPDX-License-Identifier: Apache-2.0
/*
 * Of <actr/actr.hpp>: streaming methods, <actr/method_stream.h>. Both sides hold a handle that sends, and are told by
 * functions what comes. What those throw ends the call with it.
 */
#ifndef ACTR_METHOD_STREAM_HPP
#define ACTR_METHOD_STREAM_HPP

#include <actr/context.hpp>
#include <actr/method_stream.h>

namespace actr
{

// One side of a streaming call that sends Out. Copies are handles on the same one; the last to go ends nothing.
template <class Out> class method_stream
{
  public:
    explicit method_stream(actr_method_stream_t *owned) : c_(owned, actr_method_stream_release)
    {
    }
    void send(const Out &content) const // waits for room
    {
        detail::checked check;
        check(actr_method_stream_send(c_.get(), &content, check));
    }
    void end() const // no more messages come from this side; the callee's ends the call
    {
        detail::checked check;
        check(actr_method_stream_end(c_.get(), check));
    }
    // Ends the call, for both sides; one that is over already: ACTR_STATUS_INVALID_STATE.
    void send_error(actr_status_t status, const std::string &message) const
    {
        const actr_status_t failed = actr_method_stream_fail(c_.get(), status, "%s", message.c_str());
        if (failed != ACTR_OK) throw error(failed, actr_status_str(failed));
    }
    context ctx() const noexcept // lives as long as the call's handles
    {
        return context(actr_method_stream_ctx(c_.get()));
    }
    actr_method_stream_t *c() const noexcept
    {
        return c_.get();
    }

  private:
    std::shared_ptr<actr_method_stream_t> c_;
};

// What a side is told, each may be empty. on_message and on_open (the caller's), on_last (the callee's) come one at a
// time, in order; on_end once, behind all of them: none, the callee has ended it.
template <class Out, class In> struct stream_events {
    std::function<void(method_stream<Out> &, const In &)> on_message{};
    std::function<void(method_stream<Out> &)> on_open{}, on_last{};
    std::function<void(const std::optional<error> &)> on_end{};
};

template <class Method> using call_stream = method_stream<typename Method::request>;
template <class Method> using call_events = stream_events<typename Method::request, typename Method::response>;
template <class Method> using reply_events = stream_events<typename Method::response, typename Method::request>;

// The callee's side: what its handler is given.
template <class Method> class reply_stream : public method_stream<typename Method::response>
{
  public:
    using method_stream<typename Method::response>::method_stream;
    // Only in the handler, before it sends: who takes the caller's messages, and is told the end.
    void listen(reply_events<Method> events) const;
};

namespace detail
{

inline void fail_stream(actr_method_stream_t *stream, actr_status_t status, const char *message) noexcept
{
    const actr_status_t over = actr_method_stream_fail(stream, status, "%s", message);
    (void)over; // then it had ended before
}

// Runs with one more handle on the stream; what is thrown ends the call.
template <class Out, class Function> void with(actr_method_stream_t *stream, Function function) noexcept
{
    try {
        method_stream<Out> handle(actr_method_stream_retain(stream));
        function(handle);
    } catch (const error &failure) {
        fail_stream(stream, failure.status(), failure.what());
    } catch (const std::exception &failure) {
        fail_stream(stream, ACTR_STATUS_HANDLER_ERROR, failure.what());
    } catch (...) {
        fail_stream(stream, ACTR_STATUS_HANDLER_PANIC, "something that is no std::exception was thrown");
    }
}

// The C API's events of functions that are on the heap until the end has been told.
template <class Out, class In> struct told {
    using events = stream_events<Out, In>;
    static void message(actr_method_stream_t *stream, const In *content, void *user)
    {
        const auto &run = static_cast<events *>(user)->on_message;
        if (run) with<Out>(stream, [&](method_stream<Out> &handle) { run(handle, *content); });
    }
    static void open(actr_method_stream_t *stream, void *user)
    {
        const auto &run = static_cast<events *>(user)->on_open;
        if (run) with<Out>(stream, run);
    }
    static void last(actr_method_stream_t *stream, void *user)
    {
        const auto &run = static_cast<events *>(user)->on_last;
        if (run) with<Out>(stream, run);
    }
    static void end(actr_method_stream_t *, actr_status_t status, const actr_error_t *given, void *user) noexcept
    {
        std::unique_ptr<events> held(static_cast<events *>(user));
        if (!held->on_end) return;
        try {
            std::optional<error> failure;
            if (status != ACTR_OK) failure.emplace(status, given == nullptr ? "" : actr_error_message(given));
            held->on_end(failure);
        } catch (...) { // the call is over: nobody is left to be told
        }
    }
    static actr_any_fn on_message() noexcept
    {
        return reinterpret_cast<actr_any_fn>(&message);
    }
    static actr_method_events_t table() noexcept
    {
        actr_method_events_t out{};
        out.struct_size = sizeof out;
        out.on_open = open;
        out.on_last = last;
        out.on_end = end;
        return out;
    }
};

template <class Method>
call_stream<Method> open(actr_ctx_t *ctx, const actr_dest_t &dest, const typename Method::request *request,
                         call_events<Method> events, const call_options &given)
{
    using listener = told<typename Method::request, typename Method::response>;
    auto held = std::make_unique<call_events<Method>>(std::move(events));
    const actr_method_events_t table = listener::table();
    detail::options options(given);
    actr_method_stream_t *out = nullptr;
    checked check;
    check(actr_method_open(ctx, &dest, &Method::method(), request, options, listener::on_message(), &table, held.get(),
                           &out, check));
    (void)held.release(); // the end's: it may have been told already
    return call_stream<Method>(out);
}

} // namespace detail

template <class Method> void reply_stream<Method>::listen(reply_events<Method> events) const
{
    using listener = detail::told<typename Method::response, typename Method::request>;
    auto held = std::make_unique<reply_events<Method>>(std::move(events));
    const actr_method_events_t table = listener::table();
    detail::checked check;
    check(actr_method_stream_listen(this->c(), listener::on_message(), &table, held.get(), check));
    (void)held.release();
}

// Begins a call of a method whose caller streams; on_end comes if, and only if, this returns.
template <class Method>
call_stream<Method> open(const context &ctx, const actr_dest_t &dest, call_events<Method> events,
                         const call_options &given = {})
{
    static_assert((Method::kind & ACTR_METHOD_CLIENT_STREAM) != 0, "this method's caller sends one message: give it");
    return detail::open<Method>(ctx.c(), dest, nullptr, std::move(events), given);
}

// The same of a method whose callee alone streams.
template <class Method>
call_stream<Method> open(const context &ctx, const actr_dest_t &dest, const typename Method::request &request,
                         call_events<Method> events, const call_options &given = {})
{
    static_assert(Method::kind == ACTR_METHOD_SERVER_STREAM, "this method's caller sends no message with the call");
    return detail::open<Method>(ctx.c(), dest, &request, std::move(events), given);
}

} // namespace actr

#endif
