// SPDX-License-Identifier: Apache-2.0
/* Files over data streams for C++: <actr/file.h>, which says what is checked, kept and refused. */
#ifndef ACTR_FILE_HPP
#define ACTR_FILE_HPP

#include <actr/actr.hpp>
#include <actr/file.h>

namespace actr
{

// False ends the transfer (ACTR_STATUS_CANCELLED).
using on_file_progress = std::function<bool(const actr_file_progress_t &)>;

struct file_options {
    on_file_progress on_progress{}; // on the thread that sends; what it throws ends the transfer, and send_file
    std::string name{};             // what the receiver calls it; empty: the last part of the path
    std::chrono::milliseconds timeout{0};
    uint32_t attempts = 0, chunk_bytes = 0;
};

struct receive_options {
    on_file_progress on_progress{}; // where callbacks of streams run; what it throws ends the transfer
    uint64_t max_size = 0;
    uint32_t max_files = 0;
    bool overwrite = false;
    uint64_t max_part_bytes = 0;
    uint32_t max_parts = 0;
};

namespace detail
{

struct progress {
    on_file_progress run;
    std::exception_ptr thrown{};
};

inline bool on_progress(const actr_file_progress_t *now, void *user) noexcept
{
    auto &told = *static_cast<progress *>(user);
    try {
        return told.run(*now);
    } catch (...) {
        told.thrown = std::current_exception();
        return false;
    }
}

} // namespace detail

// Returns once the file is there and its checksum is right; blocks as long as there is progress.
inline void send_file(const context &ctx, const actr_dest_t &dest, const std::string &stream_id,
                      const std::string &path, const file_options &given = {})
{
    detail::progress told{given.on_progress};
    actr_file_options_t options{};
    options.struct_size = sizeof options;
    if (told.run) options.on_progress = detail::on_progress;
    options.user = &told;
    options.name = given.name.empty() ? nullptr : given.name.c_str();
    options.timeout_ms = detail::to_ms(given.timeout);
    options.attempts = given.attempts;
    options.chunk_bytes = given.chunk_bytes;
    detail::checked check;
    const actr_status_t status = actr_file_send(ctx.c(), &dest, stream_id.c_str(), path.c_str(), &options, check);
    if (told.thrown) std::rethrow_exception(told.thrown);
    check(status);
}

// Receives files on a stream into a folder, until it goes; it keeps the node running.
class file_receiver
{
  public:
    file_receiver(const ref &self, const std::string &stream_id, const std::string &folder, receive_options given = {})
        : self_(self), told_(std::make_unique<detail::progress>())
    {
        told_->run = std::move(given.on_progress);
        actr_file_options_t options{};
        options.struct_size = sizeof options;
        if (told_->run) options.on_progress = detail::on_progress;
        options.user = told_.get();
        options.max_size = given.max_size;
        options.max_files = given.max_files;
        options.overwrite = given.overwrite;
        options.max_part_bytes = given.max_part_bytes;
        options.max_parts = given.max_parts;
        detail::checked check;
        check(actr_file_receive(self_.ctx().c(), stream_id.c_str(), folder.c_str(), &options, &c_, check));
    }
    ~file_receiver()
    {
        actr_file_receiver_free(self_.ctx().c(), c_);
    }
    file_receiver(const file_receiver &) = delete;
    file_receiver &operator=(const file_receiver &) = delete;
    actr_file_stats_t stats() const noexcept
    {
        actr_file_stats_t out{};
        out.struct_size = sizeof out;
        actr_file_receiver_stats(c_, &out);
        return out;
    }
    actr_file_receiver_t *c() const noexcept
    {
        return c_;
    }

  private:
    ref self_;
    std::unique_ptr<detail::progress> told_; // outlives c_
    actr_file_receiver_t *c_ = nullptr;
};

} // namespace actr

#endif
