// SPDX-License-Identifier: Apache-2.0
/* Of <actr/actr.hpp>: the context of handlers, hooks and callbacks, and of the program around the workload. */
#ifndef ACTR_CONTEXT_HPP
#define ACTR_CONTEXT_HPP

#include <actr/stream.hpp>

#include <cstring>
#include <functional>

namespace actr
{

class reply;
class context;

// A timer that is set. It runs on when this goes.
class timer
{
  public:
    timer() = default;
    explicit timer(actr_timer_t *owned) noexcept : c_(owned)
    {
    }
    void cancel() noexcept // from a turn of the node: it does not run any more; from elsewhere it may be running
    {
        actr_timer_cancel(c_.get());
    }
    actr_timer_t *c() const noexcept
    {
        return c_.get();
    }

  private:
    std::unique_ptr<actr_timer_t, detail::releaser<actr_timer_release>> c_;
};

namespace detail
{

inline void on_chunk_sent(actr_status_t status, const actr_error_t *given, void *user)
{
    settle<void>(user, status, given, std::monostate());
}

} // namespace detail

/*
 * What handlers and hooks are given, and what ref::ctx() is: valid as long as that. Waiting in a handler for a future
 * of its own node is waiting for oneself: answers come as turns of the node.
 */
class context
{
  public:
    explicit context(actr_ctx_t *c, const actr_request_t *request = nullptr) noexcept : c_(c), request_(request)
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
        return detail::id_or_none(actr_ctx_caller_id(c_));
    }
    actr_assurance_t caller_assurance() const noexcept // how sure that is
    {
        return actr_ctx_caller_assurance(c_);
    }
    std::string request_id() const
    {
        return actr_ctx_request_id(c_);
    }
    // What the caller sent with the request. Only inside handlers, as the next two.
    std::optional<std::string_view> metadata(std::string_view key) const
    {
        return request_ == nullptr ? std::nullopt : detail::find(request_->metadata, request_->metadata_count, key);
    }
    bool is_tell() const noexcept // nobody waits for the reply
    {
        return request_ != nullptr && request_->is_tell;
    }
    std::string traceparent() const // empty: the request has none
    {
        const char *text = actr_ctx_traceparent(c_);
        return text == nullptr ? std::string() : std::string(text);
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
    std::vector<actr_id_t> discover(const actr_type_t &wanted, size_t most = 1, std::chrono::milliseconds timeout = {},
                                    const actr_criteria_t *criteria = nullptr) const
    {
        std::vector<actr_id_t> ids(most);
        detail::checked check;
        check(actr_ctx_discover_with(c_, &wanted, criteria, detail::to_ms(timeout), ids.data(), &most, check));
        ids.resize(most);
        return ids;
    }
    future<std::vector<actr_id_t>> discover_async(const actr_type_t &wanted, size_t most = 1,
                                                  std::chrono::milliseconds timeout = {}) const
    {
        return detail::promised<std::vector<actr_id_t>>([&](void *user, actr_error_t *failure) {
            return actr_ctx_discover_async(c_, &wanted, detail::to_ms(timeout), most, detail::on_found, user, failure);
        });
    }

    // A token for call_options::cancel.
    actr::cancel new_cancel() const
    {
        return actr::cancel(c_);
    }

    // Runs as a turn of the node, once or at each period, until it is cancelled or the node ends.
    timer after(std::chrono::milliseconds delay, std::function<void(context &)> run) const;
    timer every(std::chrono::milliseconds period, std::function<void(context &)> run) const;

    // Data streams, <actr/stream.h>: the callback stays until it is unregistered, or the node shuts down. What it
    // throws is told as ACTR_EVENT_ERROR.
    using on_chunk = std::function<void(context &, const chunk &)>;
    void register_stream(const std::string &stream_id, on_chunk take, const stream_options &given = {}) const
    {
        register_stream(stream_id.c_str(), std::move(take), given);
    }
    void register_other_streams(on_chunk take, const stream_options &given = {}) const // those nobody has registered
    {
        register_stream(static_cast<const char *>(nullptr), std::move(take), given);
    }
    void unregister_stream(const std::string &stream_id) const
    {
        detail::checked check;
        check(actr_ctx_unregister_stream(c_, stream_id.c_str(), check));
    }
    void unregister_other_streams() const
    {
        detail::checked check;
        check(actr_ctx_unregister_stream(c_, nullptr, check));
    }
    void send_chunk(const actr_dest_t &dest, const std::string &stream_id, std::string_view payload,
                    const chunk_options &given = {}) const
    {
        send(dest, detail::outgoing(stream_id, given, payload));
    }
    void send_chunk_buf(const actr_dest_t &dest, const std::string &stream_id, const buffer &payload,
                        const chunk_options &given = {}) const // by reference within the process
    {
        send(dest, detail::outgoing(stream_id, given, payload));
    }
    // Told once the connection has accepted it; no room is ACTR_STATUS_WOULD_BLOCK at once.
    future<void> send_chunk_async(const actr_dest_t &dest, const std::string &stream_id, std::string_view payload,
                                  const chunk_options &given = {}) const
    {
        detail::outgoing out(stream_id, given, payload);
        return detail::promised<void>([&](void *user, actr_error_t *failure) {
            return actr_ctx_send_chunk_async(c_, &dest, out.chunk(), out.options(), detail::on_chunk_sent, user,
                                             failure);
        });
    }
    template <class Message> // a protobuf-c message as one chunk
    void send_message(const actr_dest_t &dest, const std::string &stream_id, const Message &content,
                      const chunk_options &given = {}) const
    {
        detail::outgoing out(stream_id, given);
        detail::checked check;
        check(actr_message_send(c_, &dest, &content, out.chunk(), out.options(), check));
    }
    // Waits until the connection has accepted all that was sent on the stream.
    void flush_stream(const actr_dest_t &dest, const std::string &stream_id,
                      std::chrono::milliseconds timeout = std::chrono::seconds(15)) const
    {
        detail::checked check;
        check(actr_ctx_flush_stream(c_, &dest, stream_id.c_str(), detail::to_ms(timeout), check));
    }

    // Media tracks, <actr/media.h>.
    using on_sample = std::function<void(context &, const media_sample &)>;
    void register_media_track(const std::string &track_id, on_sample take, const stream_options &given = {}) const;
    void unregister_media_track(const std::string &track_id) const
    {
        detail::checked check;
        check(actr_ctx_unregister_media_track(c_, track_id.c_str(), check));
    }
    void send_media_sample(const actr_dest_t &dest, const std::string &track_id, std::string_view data,
                           const sample_options &given = {}) const
    {
        send(dest, track_id, detail::bytes_of(data), nullptr, given);
    }
    void send_media_sample_buf(const actr_dest_t &dest, const std::string &track_id, const buffer &data,
                               const sample_options &given = {}) const
    {
        send(dest, track_id, actr_bytes_t{}, data.c(), given);
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
    void register_stream(const char *stream_id, on_chunk take, const stream_options &given) const;
    void send(const actr_dest_t &dest, const detail::outgoing &out) const
    {
        detail::checked check;
        check(actr_ctx_send_chunk(c_, &dest, out.chunk(), out.options(), check));
    }
    void send(const actr_dest_t &dest, const std::string &track_id, actr_bytes_t data, actr_buf_t *buf,
              const sample_options &given) const
    {
        actr_media_sample_t sample{};
        sample.struct_size = sizeof sample;
        sample.data = data;
        sample.buffer = buf;
        sample.timestamp = given.timestamp;
        sample.type = given.type;
        sample.codec = given.codec.empty() ? nullptr : given.codec.c_str();
        detail::checked check;
        check(actr_ctx_send_media_sample(c_, &dest, track_id.c_str(), &sample, check));
    }

    actr_ctx_t *c_;
    const actr_request_t *request_;
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

// The same of a callback, which answers nobody: what it throws is noted, so that it is told and counted.
template <class Function> void guarded_callback(context &wrapped, Function function) noexcept
{
    const actr_status_t status = guarded(wrapped, function);
    if (status == ACTR_STATUS_NO_MEMORY) (void)actr_ctx_fail(wrapped.c(), status, "%s", actr_status_str(status));
}

template <class Function> void forget(void *function)
{
    delete static_cast<Function *>(function);
}

using on_timer = std::function<void(context &)>;

inline void run_timer(actr_ctx_t *ctx, void *run)
{
    context wrapped(ctx);
    guarded_callback(wrapped, [&] { (*static_cast<on_timer *>(run))(wrapped); });
}

inline timer set_timer(actr_ctx_t *ctx, std::chrono::milliseconds delay, std::chrono::milliseconds period, on_timer run)
{
    if (!run) throw error(ACTR_STATUS_INVALID_ARGUMENT, "an empty function");
    auto held = std::make_unique<on_timer>(std::move(run));
    actr_timer_spec_t spec{};
    spec.struct_size = sizeof spec;
    spec.delay_ms = delay.count() < 0 ? 0 : static_cast<uint64_t>(delay.count());
    spec.period_ms = static_cast<uint64_t>(period.count());
    spec.fn = run_timer;
    spec.user = held.get();
    spec.free_user = forget<on_timer>;
    actr_timer_t *out = nullptr;
    checked check;
    check(actr_ctx_set_timer(ctx, &spec, &out, check));
    (void)held.release(); // the timer's now
    return timer(out);
}

inline void take_chunk(actr_ctx_t *ctx, const actr_chunk_t *c, void *take)
{
    context wrapped(ctx);
    guarded_callback(wrapped, [&] { (*static_cast<context::on_chunk *>(take))(wrapped, chunk(*c)); });
}

inline void take_sample(actr_ctx_t *ctx, const actr_media_sample_t *c, void *take)
{
    context wrapped(ctx);
    guarded_callback(wrapped, [&] { (*static_cast<context::on_sample *>(take))(wrapped, media_sample(*c)); });
}

// start is given the options and the function, which the registration keeps.
template <class Function, class Start> void registered(Function take, const stream_options &given, Start start)
{
    if (!take) throw error(ACTR_STATUS_INVALID_ARGUMENT, "an empty function");
    auto held = std::make_unique<Function>(std::move(take));
    actr_stream_options_t options{};
    options.struct_size = sizeof options;
    options.queue_chunks = given.queue_chunks;
    options.queue_bytes = given.queue_bytes;
    options.overflow = given.overflow;
    options.free_user = forget<Function>;
    checked check;
    check(start(&options, held.get(), static_cast<actr_error_t *>(check)));
    (void)held.release();
}

} // namespace detail

inline timer context::after(std::chrono::milliseconds delay, std::function<void(context &)> run) const
{
    return detail::set_timer(c_, delay, {}, std::move(run));
}

inline timer context::every(std::chrono::milliseconds period, std::function<void(context &)> run) const
{
    if (period.count() <= 0) throw error(ACTR_STATUS_INVALID_ARGUMENT, "a period that is not above 0 ms");
    return detail::set_timer(c_, period, period, std::move(run));
}

inline void context::register_stream(const char *stream_id, on_chunk take, const stream_options &given) const
{
    detail::registered(std::move(take), given,
                       [&](const actr_stream_options_t *options, void *user, actr_error_t *why) {
                           return actr_ctx_register_stream(c_, stream_id, detail::take_chunk, user, options, why);
                       });
}

inline void context::register_media_track(const std::string &track_id, on_sample take,
                                          const stream_options &given) const
{
    detail::registered(
        std::move(take), given, [&](const actr_stream_options_t *options, void *user, actr_error_t *why) {
            return actr_ctx_register_media_track(c_, track_id.c_str(), detail::take_sample, user, options, why);
        });
}

} // namespace actr

#endif
