#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A new user's path with what is installed, timed: `actr init`, another contract, build, run, `actr call`. Then what `actr
# call` and `actr discover` do with each source of a contract, and their exit statuses. One TAP line a case.
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
export LD_LIBRARY_PATH=$lib PATH=$prefix/bin:$PATH
cd "$folder" || exit 1
begin=$(date +%s%N)

report "a project is made" actr init thermo
# The contract is edited: another service, another message, and the handler with it.
cat >thermo/thermo.proto <<'P'
syntax = "proto3";
package thermo;

message ReadRequest {
  uint32 room = 1;
}

message Reading {
  double celsius = 1;
  string unit = 2;
  map<string, uint64> seen = 3;
}

service Thermo {
  // How warm a room is.
  rpc Read(ReadRequest) returns (Reading);
}
P
cat >thermo/handler.c <<'C'
static actr_status_t on_read(actr_ctx_t *ctx, const Thermo__ReadRequest *request, Thermo__Reading *reply, void *user)
{
    (void)user;
    if (request->room == 0) return actr_ctx_fail(ctx, ACTR_STATUS_INVALID_ARGUMENT, "room 0 is outside");
    reply->celsius = 20 + request->room / 2.0;
    reply->unit = actr_ctx_printf(ctx, "C in room %u", request->room);
    return ACTR_OK;
}
C
sed -i -e '/^static actr_status_t on_hello/,/^}/d' -e '/^#include <stdio.h>/r thermo/handler.c' \
  -e 's/thermo_greeter_handlers_t handlers = {.hello = on_hello}/thermo_thermo_handlers_t handlers = {.read = on_read}/' \
  -e 's/thermo_greeter_workload/thermo_thermo_workload/' thermo/server.c
sed -i 's/foreach(program server client)/foreach(program server)/' thermo/CMakeLists.txt
report "it builds" bash -c "cmake -S thermo -B thermo/build -DCMAKE_PREFIX_PATH='$prefix' -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' && cmake --build thermo/build"

actr signaling --listen 127.0.0.1:0 >server.out 2>&1 & pids+=($!)
wait_for listening server.out
url=$(sed -n 's/^listening on //p' server.out)
sed -i "s|^url = .*|url = \"$url\"|" thermo/Actr.toml
thermo/build/server thermo/Actr.toml >service.out 2>&1 & service=$!; pids+=($service)
report "its service starts" wait_for ready service.out
reads() { (cd thermo && actr call acme+thermo thermo.Thermo.Read '{"room": 3}') | diff - <(printf '{\n  "celsius": 21.5,\n  "unit": "C in room 3"\n}\n'); }
report "the first reply, by the exports of the folder's Actr.toml" reads
echo "# from actr init to the first reply: $((($(date +%s%N) - begin) / 1000000)) ms"

# Outside of the project: the contract comes from the server.
call() { actr call --url "$url" "$@"; }
gives() { # WANTED COMMAND...
  local wanted=$1 got; shift
  got=$("$@" 2>&1); [[ $got == "$wanted" ]] || { echo "got: $got"; echo "not: $wanted"; return 1; }
}
ends() { # STATUS WORDS COMMAND...
  local wanted=$1 words=$2 got code=0; shift 2
  got=$("$@" 2>&1) || code=$?
  [[ $code == "$wanted" && $got == *"$words"* ]] || { echo "status $code: $got"; return 1; }
}
compact() { call --json "$@" | sed 's/"actor":"[0-9a-f]*@1001:acme+thermo"/"actor":"ID"/'; }
report "by the server's specification, in one line" gives '{"status":"ACTR_OK","actor":"ID","reply":{"celsius":20.5,"unit":"C in room 1"}}' compact acme:thermo thermo.Thermo.Read '{"room": "1"}'
report "by --proto" gives '{"status":"ACTR_OK","actor":"ID","reply":{"celsius":21,"unit":"C in room 2"}}' compact --proto thermo/thermo.proto acme+thermo thermo.Thermo.Read '{"room": 2}'
report "with defaults" gives '{"status":"ACTR_OK","actor":"ID","reply":{"celsius":21,"unit":"C in room 2","seen":{}}}' compact --defaults acme+thermo thermo.Thermo.Read '{"room": 2}'
printf '{"room": 4}' >request.json
report "from a file" gives '{"status":"ACTR_OK","actor":"ID","reply":{"celsius":22,"unit":"C in room 4"}}' compact acme+thermo thermo.Thermo.Read @request.json
piped() { compact acme+thermo thermo.Thermo.Read - <request.json; }
report "from standard input" gives '{"status":"ACTR_OK","actor":"ID","reply":{"celsius":22,"unit":"C in room 4"}}' piped
raw=$(printf '\x09\0\0\0\0\0\0\x36\x40\x12\x0bC in room 4' | od -An -tx1 | tr -d ' \n')
report "raw, hex" gives "$raw" call --raw hex acme+thermo thermo.Thermo.Read 0804
report "raw, base64" gives "$(printf %s "$raw" | sed 's/../\\x&/g' | xargs -0 printf %b | base64)" call --raw base64 acme+thermo thermo.Thermo.Read CAQ=
report "a tell" gives "" call --tell acme+thermo thermo.Thermo.Read '{"room": 5}'
id=$(actr discover --url "$url" acme+thermo)
report "discover gives an id that can be called" ends 0 21.5 call "$id" thermo.Thermo.Read '{"room": 3}'
report "discover in JSON" gives "[\"$id\"]" actr discover --json --url "$url" acme+thermo
report "the types of the realm" ends 0 "acme+thermo                    service_semantic:" actr discover --url "$url"
report "no types in another realm" gives '[]' actr discover --json --realm 7 --url "$url"

report "status 2: wrong usage" ends 2 usage call acme+thermo
report "status 2: a time limit that is none" ends 2 usage call --timeout 0 acme+thermo thermo.Thermo.Read
report "status 3: the handler's own error" ends 3 'room 0 is outside' call acme+thermo thermo.Thermo.Read '{"room": 0}'
report "status 3: an unknown route, raw" ends 3 'answered' call --raw hex acme+thermo thermo.Thermo.Write
report "status 4: nobody of that type" ends 4 'no actor of type acme+nobody' call acme+nobody thermo.Thermo.Read
report "status 4 in another realm" ends 4 'acme+thermo' call --realm 7 acme+thermo thermo.Thermo.Read
report "status 1: the route is not in the contract" ends 1 'it has thermo.Thermo.Read' call acme+thermo thermo.Thermo.Write
report "status 1: the field is not in the message" ends 1 'rooom: thermo.ReadRequest has no such field' call acme+thermo thermo.Thermo.Read '{"rooom": 1}'
report "status 1, as JSON" ends 1 '{"status":"ACTR_STATUS_INVALID_ARGUMENT","by_callee":false,"message":"room: ' call --json acme+thermo thermo.Thermo.Read '{"room": -1}'
report "status 1: no server" ends 1 'actr call: ' actr call --timeout 1 --url ws://127.0.0.1:1/signaling/ws acme+thermo thermo.Thermo.Read
kill -STOP "$service"
report "status 5: a service that stands still" ends 5 'actr call: ' call --timeout 2 --raw hex acme+thermo thermo.Thermo.Read 0803
kill -CONT "$service"
kill -TERM "$service"; wait "$service"
report "SIGTERM ends the service well" test $? -eq 0

# A service without exports: nothing to map by.
sed -i '/^exports/d' thermo/Actr.toml
thermo/build/server thermo/Actr.toml >service2.out 2>&1 & service=$!; pids+=($service)
wait_for ready service2.out
report "no contract anywhere is said" ends 1 'has no contract of acme+thermo' call acme+thermo thermo.Thermo.Read '{"room": 3}'
exit "$status"
