// SPDX-License-Identifier: Apache-2.0
/* Of <actr/actr.hpp>: what calls are given, and what those that were started come to. */
#ifndef ACTR_FUTURE_HPP
#define ACTR_FUTURE_HPP

#include <actr/buffer.hpp>
#include <actr/service.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
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

using metadata = std::vector<std::pair<std::string, std::string>>;

// Ends calls early: actr_cancel_t. Copies are the same token.
class cancel
{
  public:
    explicit cancel(actr_ctx_t *ctx)
    {
        actr_cancel_t *out = nullptr;
        detail::checked check;
        check(actr_cancel_new(ctx, &out, check));
        c_.reset(out, actr_cancel_release);
    }
    void all() const noexcept
    {
        actr_cancel_all(c_.get());
    }
    bool asked() const noexcept
    {
        return actr_cancel_asked(c_.get());
    }
    actr_cancel_t *c() const noexcept
    {
        return c_.get();
    }

  private:
    std::shared_ptr<actr_cancel_t> c_;
};

struct call_options {
    std::chrono::milliseconds timeout{0}; // 0: the configured default
    actr_payload_type_t payload_type = ACTR_RPC_RELIABLE;
    actr::metadata metadata{};
    uint32_t max_candidates = 0; // of calls by type; 0: 3
    std::optional<actr::cancel> cancel{};
    actr_retry_t retry = ACTR_RETRY_SAFE;
    const actr_criteria_t *criteria = nullptr; // of calls by type
    std::string traceparent{}, tracestate{};   // empty: those of the request that is being served
};

inline actr_dest_t to(const actr_id_t &id) noexcept
{
    return actr_dest_actor(&id);
}

inline actr_dest_t to_shell() noexcept // the program around the workload
{
    return actr_dest_shell();
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

// More than fits is as long as can be, not a short time by chance; less than none is none at all.
inline uint32_t to_ms(std::chrono::milliseconds time) noexcept
{
    if (time.count() < 0) return 1;
    return time.count() > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(time.count());
}

inline std::vector<actr_metadata_t> to_c(const metadata &from)
{
    std::vector<actr_metadata_t> out;
    for (const auto &[key, value] : from) out.push_back({key.c_str(), value.c_str()});
    return out;
}

class options
{
  public:
    explicit options(const call_options &from) : metadata_(to_c(from.metadata)), c_()
    {
        c_.struct_size = sizeof c_;
        c_.timeout_ms = to_ms(from.timeout);
        c_.payload_type = from.payload_type;
        c_.metadata = metadata_.data();
        c_.metadata_count = metadata_.size();
        c_.max_candidates = from.max_candidates;
        c_.cancel = from.cancel ? from.cancel->c() : nullptr;
        c_.retry = from.retry;
        c_.criteria = from.criteria;
        c_.traceparent = from.traceparent.empty() ? nullptr : from.traceparent.c_str();
        c_.tracestate = from.tracestate.empty() ? nullptr : from.tracestate.c_str();
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

} // namespace actr

#endif
