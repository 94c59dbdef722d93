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
  rpc Watch(ReadRequest) returns (stream Reading);
  rpc Mean(stream Reading) returns (Reading);
  rpc Each(stream ReadRequest) returns (stream Reading);
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

static Thermo__Reading reading(double celsius)
{
    Thermo__Reading out = THERMO__READING__INIT;
    out.celsius = celsius;
    return out;
}

/* Three readings; of room 0 one, then an error. */
static actr_status_t on_watch(actr_ctx_t *ctx, const Thermo__ReadRequest *request, actr_method_stream_t *stream, void *user)
{
    (void)user;
    for (unsigned i = 0; i < (request->room == 0 ? 1u : 3u); i++) {
        Thermo__Reading one = reading(20 + i + request->room / 2.0);
        if (thermo_thermo_reply_watch(stream, &one, NULL) != ACTR_OK) return ACTR_STATUS_INTERNAL;
    }
    if (request->room == 0) return actr_ctx_fail(ctx, ACTR_STATUS_INVALID_ARGUMENT, "room 0 is outside");
    return actr_method_stream_end(stream, NULL);
}

static double all;
static unsigned count;

static void on_one(actr_method_stream_t *stream, const Thermo__Reading *message, void *user)
{
    (void)stream, (void)user;
    all += message->celsius;
    count++;
}

static void on_all(actr_method_stream_t *stream, void *user)
{
    (void)user;
    Thermo__Reading mean = reading(count == 0 ? 0 : all / count);
    if (thermo_thermo_reply_mean(stream, &mean, NULL) != ACTR_OK) puts("gone");
}

static actr_status_t on_mean(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    (void)ctx;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_last = on_all;
    all = count = 0;
    return thermo_thermo_listen_mean(stream, on_one, &events, user, NULL);
}

static void on_ask(actr_method_stream_t *stream, const Thermo__ReadRequest *request, void *user)
{
    (void)user;
    Thermo__Reading one = reading(20 + request->room / 2.0);
    if (thermo_thermo_reply_each(stream, &one, NULL) != ACTR_OK) puts("gone");
    if (request->room == 99 && actr_method_stream_end(stream, NULL) != ACTR_OK) puts("gone"); /* waits for no more */
}

static void on_enough(actr_method_stream_t *stream, void *user)
{
    (void)user;
    if (actr_method_stream_end(stream, NULL) != ACTR_OK) puts("gone");
}

static actr_status_t on_each(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    (void)ctx;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_last = on_enough;
    return thermo_thermo_listen_each(stream, on_ask, &events, user, NULL);
}
C
sed -i -e '/^static actr_status_t on_hello/,/^}/d' -e '/^#include <stdio.h>/r thermo/handler.c' \
  -e 's/thermo_greeter_handlers_t handlers = {.hello = on_hello}/thermo_thermo_handlers_t handlers = {.read = on_read, .watch = on_watch, .mean = on_mean, .each = on_each}/' \
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

# Streaming methods: a line is a message.
streamed() { call --json "$@" | sed 's/"actor":"[^"]*"/"actor":"ID"/'; }
end='{"status":"ACTR_OK","actor":"ID"}'
report "the callee streams" gives '{"reply":{"celsius":20.5}}
{"reply":{"celsius":21.5}}
{"reply":{"celsius":22.5}}
'"$end" streamed acme+thermo thermo.Thermo.Watch '{"room": 1}'
report "the callee streams, for people" gives "$(printf '{\n  "celsius": %s\n}\n' 21 22 23)" call acme+thermo thermo.Thermo.Watch '{"room": 2}'
report "status 3: the callee fails behind a message" ends 3 'room 0 is outside' call acme+thermo thermo.Thermo.Watch '{"room": 0}'
report "the caller streams" gives '{"reply":{"celsius":2.5}}
'"$end" streamed acme+thermo thermo.Thermo.Mean "$(printf '{"celsius": %s}\n' 1 2 3 4)"
report "the caller streams nothing" gives '{"reply":{}}
'"$end" streamed acme+thermo thermo.Thermo.Mean
printf '{"room": 1}\n\n{"room": 2}' >rooms.json
both='{"reply":{"celsius":20.5}}
{"reply":{"celsius":21}}
'"$end"
report "both stream, from a file" gives "$both" streamed acme+thermo thermo.Thermo.Each @rooms.json
piped_rooms() { (cat rooms.json; echo) | streamed acme+thermo thermo.Thermo.Each -; }
report "both stream, from standard input" gives "$both" piped_rooms
mkfifo open.fifo; exec 3<>open.fifo; echo '{"room": 99}' >&3 # no end of file comes
still_open() { timeout 30 actr call --json --url "$url" acme+thermo thermo.Thermo.Each - <open.fifo; }
report "the end does not wait for standard input" ends 0 '{"reply":{"celsius":69.5}}' still_open
exec 3>&-
report "status 1: a message is none" ends 1 'message 2: rooom: thermo.ReadRequest has no such field' call acme+thermo thermo.Thermo.Each '{"room": 1}
{"rooom": 2}'
report "status 1: no such file" ends 1 'none.json: can not be read' call acme+thermo thermo.Thermo.Each @none.json
report "status 1: a stream is not told" ends 1 'it is called, not told' call --tell acme+thermo thermo.Thermo.Watch '{"room": 1}'

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
