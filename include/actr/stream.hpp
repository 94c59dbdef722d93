// SPDX-License-Identifier: Apache-2.0
/* Of <actr/actr.hpp>: chunks of data streams and samples of media tracks, as they come and as they are sent. */
#ifndef ACTR_STREAM_HPP
#define ACTR_STREAM_HPP

#include <actr/future.hpp>
#include <actr/media.h>

namespace actr
{

namespace detail
{

inline std::string_view view_of(actr_bytes_t bytes) noexcept
{
    return bytes.size == 0 ? std::string_view() : std::string_view(static_cast<const char *>(bytes.data), bytes.size);
}

inline std::optional<std::string_view> find(const actr_metadata_t *list, size_t count, std::string_view key)
{
    for (size_t i = 0; i < count; i++) {
        if (key == list[i].key) return std::string_view(list[i].value);
    }
    return std::nullopt;
}

inline std::optional<actr_id_t> id_or_none(const actr_id_t *id)
{
    return id == nullptr ? std::nullopt : std::optional<actr_id_t>(*id);
}

inline buffer share_of(actr_buf_t *buf) noexcept
{
    return buf == nullptr ? buffer() : buffer(actr_buf_retain(buf));
}

} // namespace detail

// A chunk as the callback of its stream sees it: borrowed until that returns.
class chunk
{
  public:
    explicit chunk(const actr_chunk_t &c) noexcept : c_(c)
    {
    }
    const actr_chunk_t &c() const noexcept
    {
        return c_;
    }
    std::string_view stream_id() const noexcept
    {
        return c_.stream_id;
    }
    uint64_t sequence() const noexcept
    {
        return c_.sequence;
    }
    std::string_view payload() const noexcept
    {
        return detail::view_of(c_.payload);
    }
    buffer keep() const noexcept // what the payload lies in, not copied; for longer than the callback
    {
        return detail::share_of(c_.buffer);
    }
    std::optional<std::string_view> metadata(std::string_view key) const
    {
        return detail::find(c_.metadata, c_.metadata_count, key);
    }
    std::optional<int64_t> timestamp_ms() const
    {
        return c_.has_timestamp ? std::optional<int64_t>(c_.timestamp_ms) : std::nullopt;
    }
    std::optional<actr_id_t> sender() const // none: the program around the workload
    {
        return detail::id_or_none(c_.sender);
    }
    bool is_end() const noexcept // the last that comes from this sender; status() says why
    {
        return c_.kind == ACTR_CHUNK_END;
    }
    actr_status_t status() const noexcept
    {
        return c_.status;
    }
    // The payload as a message of this type: chunk.receive<Echo__EchoRequest>(echo__echo_request__descriptor).
    template <class Message> message<Message> receive(const struct ProtobufCMessageDescriptor &type) const
    {
        void *out = nullptr;
        detail::checked check;
        check(actr_message_receive(&type, &c_, &out, check));
        return message<Message>(static_cast<Message *>(out));
    }

  private:
    const actr_chunk_t &c_;
};

// A sample as the callback of its track sees it: borrowed until that returns.
class media_sample
{
  public:
    explicit media_sample(const actr_media_sample_t &c) noexcept : c_(c)
    {
    }
    const actr_media_sample_t &c() const noexcept
    {
        return c_;
    }
    std::string_view track_id() const noexcept
    {
        return c_.track_id;
    }
    std::string_view data() const noexcept
    {
        return detail::view_of(c_.data);
    }
    buffer keep() const noexcept
    {
        return detail::share_of(c_.buffer);
    }
    uint32_t timestamp() const noexcept
    {
        return c_.timestamp;
    }
    actr_media_type_t type() const noexcept
    {
        return c_.type;
    }
    std::string_view codec() const noexcept // empty: not said
    {
        return c_.codec == nullptr ? std::string_view() : std::string_view(c_.codec);
    }
    std::optional<actr_id_t> sender() const
    {
        return detail::id_or_none(c_.sender);
    }

  private:
    const actr_media_sample_t &c_;
};

// Of a registration; 0: the default.
struct stream_options {
    uint32_t queue_chunks = 0, queue_bytes = 0;
    actr_stream_overflow_t overflow = ACTR_STREAM_DROP_OLDEST;
};

// What a chunk says beside its payload, and how long a send may take.
struct chunk_options {
    uint64_t sequence = 0;
    actr_payload_type_t payload_type = ACTR_STREAM_RELIABLE;
    std::optional<int64_t> timestamp_ms{};
    actr::metadata metadata{};
    std::chrono::milliseconds timeout{0}; // 0: 15 s
    bool no_wait = false;                 // ACTR_STATUS_WOULD_BLOCK instead
};

// What a sample says beside its data.
struct sample_options {
    uint32_t timestamp = 0;
    actr_media_type_t type = ACTR_MEDIA_AUDIO;
    std::string codec{};
};

namespace detail
{

// A chunk and its options for the C API.
class outgoing
{
  public:
    outgoing(const std::string &stream_id, const chunk_options &from) : metadata_(to_c(from.metadata)), c_(), options_()
    {
        c_.struct_size = sizeof c_;
        c_.stream_id = stream_id.c_str();
        c_.sequence = from.sequence;
        c_.metadata = metadata_.data();
        c_.metadata_count = metadata_.size();
        c_.has_timestamp = from.timestamp_ms.has_value();
        c_.timestamp_ms = from.timestamp_ms.value_or(0);
        c_.payload_type = from.payload_type;
        options_.struct_size = sizeof options_;
        options_.timeout_ms = to_ms(from.timeout);
        options_.no_wait = from.no_wait;
    }
    outgoing(const std::string &stream_id, const chunk_options &from, std::string_view payload)
        : outgoing(stream_id, from)
    {
        c_.payload = bytes_of(payload);
    }
    outgoing(const std::string &stream_id, const chunk_options &from, const buffer &payload) : outgoing(stream_id, from)
    {
        c_.buffer = payload.c();
    }
    outgoing(const outgoing &) = delete;
    outgoing &operator=(const outgoing &) = delete;
    const actr_chunk_t *chunk() const noexcept
    {
        return &c_;
    }
    const actr_send_options_t *options() const noexcept
    {
        return &options_;
    }

  private:
    std::vector<actr_metadata_t> metadata_;
    actr_chunk_t c_;
    actr_send_options_t options_;
};

} // namespace detail

} // namespace actr

#endif
