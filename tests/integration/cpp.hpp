// SPDX-License-Identifier: Apache-2.0
// What the tests of the C++ face share: a signaling server, who threw what, waiting.
#ifndef ACTR_TESTS_CPP_HPP
#define ACTR_TESTS_CPP_HPP

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#include "harness.h"

#include <actr/actr.hpp>

#include <atomic>
#include <thread>

namespace
{

constexpr std::chrono::seconds limit{60};

class server
{
  public:
    server() : c_(harness_server_open())
    {
        assert_non_null(c_);
    }
    ~server()
    {
        harness_server_close(c_);
    }
    server(const server &) = delete;
    server &operator=(const server &) = delete;
    actr::system system(const char *name, const actr_method_rule_t *rule = nullptr) const
    {
        actr_config_t config = actr::config();
        config.signaling_url = harness_server_url(c_);
        config.manufacturer = "acme";
        config.name = name;
        config.realm = 1;
        config.methods = rule;
        config.method_count = rule == nullptr ? 0 : 1;
        return actr::system(config);
    }

    harness_server_t *c() const
    {
        return c_;
    }

  private:
    harness_server_t *c_;
};

// cmocka leaves a failed case by longjmp, which exceptions do not see: so look first, assert then.
template <class Function> actr_error_t thrown(Function function)
{
    try {
        function();
    } catch (const actr::error &failure) {
        return failure.detail();
    }
    return actr_error_t{};
}

template <class Condition> void wait_until(Condition condition)
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
}

} // namespace

#endif
