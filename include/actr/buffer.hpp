// SPDX-License-Identifier: Apache-2.0
/* What <actr/actr.hpp> stands on: failures that are thrown, and bytes that go by reference. */
#ifndef ACTR_BUFFER_HPP
#define ACTR_BUFFER_HPP

#include <actr/actr.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace actr
{

// A failure: what() is the message.
class error : public std::runtime_error
{
  public:
    explicit error(const actr_error_t &detail) : std::runtime_error(actr_error_message(&detail)), detail_(detail)
    {
    }
    error(actr_status_t status, const std::string &message) : std::runtime_error(message), detail_()
    {
        detail_.status = status;
        detail_.message[message.copy(detail_.message, sizeof detail_.message - 1)] = '\0';
    }
    actr_status_t status() const noexcept
    {
        return detail_.status;
    }
    const actr_error_t &detail() const noexcept
    {
        return detail_;
    }

  private:
    actr_error_t detail_;
};

namespace detail
{

// Gives a C function an error to fill; throws it when the status says so.
class checked
{
  public:
    checked() noexcept : error_()
    {
    }
    operator actr_error_t *() noexcept
    {
        return &error_;
    }
    void operator()(actr_status_t status)
    {
        if (status == ACTR_OK) return;
        error_.status = status;
        throw error(error_);
    }

  private:
    actr_error_t error_;
};

template <auto Release> struct releaser {
    template <class T> void operator()(T *object) const noexcept
    {
        Release(object);
    }
};

inline actr_bytes_t bytes_of(std::string_view text) noexcept
{
    return actr_bytes_t{text.data(), text.size()};
}

} // namespace detail

// Bytes that are passed by reference: a reply, or a payload of one's own. Moved, or shared on purpose.
class buffer
{
  public:
    buffer() = default;
    static buffer copy(std::string_view bytes)
    {
        actr_buf_t *made = actr_buf_copy(detail::bytes_of(bytes));
        if (made == nullptr) throw std::bad_alloc();
        return buffer(made);
    }
    buffer share() const noexcept // one more handle on the same bytes
    {
        return buf_ ? buffer(actr_buf_retain(buf_.get())) : buffer();
    }
    explicit operator bool() const noexcept
    {
        return buf_ != nullptr;
    }
    actr_buf_t *c() const noexcept
    {
        return buf_.get();
    }
    actr_buf_t *release() noexcept // the caller's now
    {
        return buf_.release();
    }
    explicit buffer(actr_buf_t *owned) noexcept : buf_(owned)
    {
    }
    std::string_view view() const noexcept
    {
        if (!buf_) return {};
        return {static_cast<const char *>(actr_buf_data(buf_.get())), actr_buf_size(buf_.get())};
    }
    std::string str() const
    {
        return std::string(view());
    }

  private:
    std::unique_ptr<actr_buf_t, detail::releaser<actr_buf_release>> buf_;
};

} // namespace actr

#endif
