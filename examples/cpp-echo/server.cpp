// SPDX-License-Identifier: Apache-2.0
// The echo service in C++.   cpp-echo-server [Actr.toml]
#include <actr/actr.hpp>

#include <ctime>
#include <iostream>

#include "echo.actr.h"

int main(int argc, char **argv)
try {
    actr::system system(argc > 1 ? argv[1] : "Actr.toml");
    actr::workload workload;
    workload.on<echo_echo_service_method_echo>([](auto &ctx, const auto &request, auto &reply) {
        reply.reply = ctx.copy(std::string("Echo: ") + request.message); // lives until the reply is sent
        reply.timestamp = static_cast<uint64_t>(std::time(nullptr));
    });
    actr::ref self = system.attach(workload).start();
    std::cout << "ready: " << actr::print(self.id()) << std::endl;
    self.wait_for_ctrl_c_and_shutdown();
    return 0;
} catch (const std::exception &failure) {
    std::cerr << "cpp-echo-server: " << failure.what() << '\n';
    return 1;
}
