// SPDX-License-Identifier: Apache-2.0
// The echo client in C++: all lines of standard input at once, their echoes in order.   cpp-echo-client [client.toml]
#include <actr/actr.hpp>

#include <iostream>

#include "echo.actr.h"

using echo = echo_echo_service_method_echo;

int main(int argc, char **argv)
try {
    actr::system system(argc > 1 ? argv[1] : "client.toml");
    actr::ref self = system.attach(actr::workload()).start(); // it answers nothing
    actr::context ctx = self.ctx();
    actr_dest_t service = actr::to(ctx.discover(actr::type("acme+EchoService")).front());

    std::vector<actr::future<actr::message<echo::response>>> answers;
    for (std::string line; std::getline(std::cin, line);) {
        echo::request request = ECHO__ECHO_REQUEST__INIT;
        request.message = line.data();
        answers.push_back(ctx.call_async<echo>(service, request));
    }
    for (auto &answer : answers) std::cout << answer.get()->reply << std::endl;
    return 0;
} catch (const std::exception &failure) {
    std::cerr << "cpp-echo-client: " << failure.what() << '\n';
    return 1;
}
