#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `actr init`, with what is installed: the project builds, by CMake and by pkg-config, and runs. One TAP line a case.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null; done; wait 2>/dev/null; rm -rf "$folder"' EXIT
status=0 number=0
report() { # NAME COMMAND...
  local name=$1; shift
  number=$((number + 1))
  if "$@" >"$folder/log" 2>&1; then echo "ok $number - $name"; else echo "not ok $number - $name"; tail -20 "$folder/log" | sed 's/^/# /'; status=1; fi
}
wait_for() { for _ in $(seq 1500); do grep -q "$1" "$2" 2>/dev/null && return 0; sleep 0.02; done; cat "$2"; return 1; }
prefix=$folder/usr
cmake --install "${BUILD:-$root/build/debug}" --prefix "$prefix" >"$folder/install.log" 2>&1 || cat "$folder/install.log"
lib=$(dirname "$(find "$prefix" -name libactr.so | head -1)")
sed "s|^prefix=.*|prefix=$prefix|" -i "$lib/pkgconfig/actr.pc"
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
actr=$prefix/bin/actr
cd "$folder" || exit 1

refuses() { ! "$actr" init "$1" && test ! -e "$1"; }
report "a bad name is refused" refuses My_App
report "a project is made" "$actr" init my-app
again() { echo mine >my-app/server.c && ! "$actr" init my-app && grep -qx mine my-app/server.c && rm -r my-app && "$actr" init my-app; }
report "a folder that is there is left alone" again
report "its configuration is good" "$actr" config check my-app/Actr.toml
report "it builds by CMake" bash -c "cmake -S my-app -B my-app/build -DCMAKE_PREFIX_PATH='$prefix' -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' && cmake --build my-app/build"

"$actr" signaling --listen 127.0.0.1:0 >server.out 2>&1 & pids+=($!)
wait_for listening server.out
url=$(sed -n 's/^listening on //p' server.out)
sed -i "s|^url = .*|url = \"$url\"|" my-app/Actr.toml my-app/client.toml
my-app/build/server my-app/Actr.toml >service.out 2>&1 & service=$!; pids+=($service)
report "its service starts" wait_for ready service.out
greets() { timeout 60 my-app/build/client my-app/client.toml World Wire | diff - <(printf 'Hello, World!\nHello, Wire!\n'); }
report "its client is greeted" greets
complains() { ! timeout 60 my-app/build/client my-app/client.toml '' 2>client.err && grep -q 'a name is missing' client.err; }
report "the handler's own error reaches the client" complains

# The three lines of a user without CMake.
three_lines() (
  cd my-app
  $(pkg-config --variable=generate actr) --out gen my_app.proto
  cc -Wall -Wextra -Werror -Igen client.c gen/*.c $(pkg-config --cflags --libs actr libprotobuf-c) -o client
  timeout 60 ./client client.toml Pkg | grep -qx 'Hello, Pkg!'
)
report "it builds by pkg-config" three_lines
by_hand() (
  cd my-app
  mkdir -p hand
  protoc --plugin="$(pkg-config --variable=protoc_gen_actr actr)" --actr_out=messages:hand my_app.proto && cmp hand/my_app.actr.c gen/my_app.actr.c
)
report "protoc with the installed plugin makes the same" by_hand
# The three lines of the README, in a project of C and C++; a folder of contracts, an import, google/protobuf along.
mkdir -p three/proto/sub
cp my-app/server.c three/ && sed -i 's/my_app.actr.h/sub\/my_app.actr.h/' three/server.c
sed 's/^package.*/&\nimport "google\/protobuf\/empty.proto"; import "actr\/options.proto"; import "part.proto";/; s/^service Greeter {/&\n  rpc Part(google.protobuf.Empty) returns (part.Part) { option (actr.payload_type) = RPC_SIGNAL; }/' my-app/my_app.proto >three/proto/sub/my_app.proto
printf 'syntax = "proto3";\npackage part;\nmessage Part { string text = 1; }\n' >three/proto/part.proto
cat >three/cpp.cpp <<'C'
#include <actr/actr.hpp>
#include "sub/my_app.actr.h"
int main()
{
    actr::workload work;
    work.on<my_app_greeter_method_part>([](auto &ctx, const auto &, auto &reply) { reply.text = ctx.copy("part"); });
    return my_app_greeter_method_part::method().payload_type == ACTR_RPC_SIGNAL ? 0 : 1;
}
C
cat >three/CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.20)
project(three C CXX)
find_package(actr REQUIRED)
add_executable(server server.c)
actr_generate(server ROOT proto sub/my_app.proto part.proto)
add_executable(cpp cpp.cpp)
actr_generate(cpp ROOT proto sub/my_app.proto part.proto)
C
three() { cmake -S three -B three/build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' && cmake --build three/build && three/build/cpp; }
report "actr_generate adds to a program, with imports" three
touched() { sed -i 's/Greeter/Welcomer/' three/proto/sub/my_app.proto && ! cmake --build three/build && sed -i 's/Welcomer/Greeter/' three/proto/sub/my_app.proto && cmake --build three/build; }
report "a changed contract is generated anew" touched
missing() { ! cmake -S three -B three/other -DCMAKE_PREFIX_PATH="$prefix" 2>err && grep -q gone.proto err; }
sed -i 's/part.proto)/part.proto gone.proto)/' three/CMakeLists.txt
report "a contract that is not there is named" missing
kill -TERM "$service"; wait "$service"
report "SIGTERM ends the service well" test $? -eq 0
exit "$status"
