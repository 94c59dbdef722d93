#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real processes: SIGTERM in the middle of traffic, a service killed and back, a broken configuration. One TAP line a case.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BUILD:-$root/build/debug}/bin
folder=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null; done; wait 2>/dev/null; rm -rf "$folder"' EXIT
status=0 number=0
report() { # NAME CONDITION...
  local name=$1; shift; number=$((number + 1))
  if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; tail -5 "$folder"/*.out "$folder"/*.err 2>/dev/null | sed 's/^/# /'; status=1; fi
}
wait_for() { for _ in $(seq 600); do grep -q "$1" "$2" 2>/dev/null && return 0; sleep 0.02; done; return 1; }
"$bin/actr" signaling --listen 127.0.0.1:0 --verbose >"$folder/server.out" 2>&1 & pids+=($!)
wait_for listening "$folder/server.out"
url=$(sed -n 's/^listening on //p' "$folder/server.out")
config() { printf '[package]\nname = "x"\n[package.actr_type]\nmanufacturer = "acme"\nname = "%s"\n[system.signaling]\nurl = "%s"\n[system.deployment]\nrealm = 1001\n' "$2" "$url" >"$folder/$1.toml"; }
config service EchoService; config client Client
serve() { "$bin/bench-peer" --config "$folder/service.toml" serve >"$folder/service.out" 2>"$folder/service.err" & service=$!; pids+=("$service"); wait_for ready "$folder/service.out"; }
gone_within() { for _ in $(seq "$2"); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.1; done; return 1; }

serve
"$bin/bench-peer" --config "$folder/client.toml" call --count 100000000 --outstanding 32 --timeout-ms 3000 >"$folder/client.out" 2>"$folder/client.err" & client=$!; pids+=("$client")
wait_for 'roles' "$folder/server.out"
sleep 0.3 # traffic
kill -TERM "$service"
report "SIGTERM during traffic: the service ends within 5 s" gone_within "$service" 50
wait "$service"; report "its exit status is 0" test $? -eq 0
report "the server saw it unregister" wait_for 'unregistered.*EchoService' "$folder/server.out"
kill -KILL "$client"; wait "$client" 2>/dev/null

serve
report "the service is back, a new client reaches it" "$bin/echo-client" "$folder/client.toml" --count 500 --outstanding 16
kill -KILL "$service"; wait "$service" 2>/dev/null
report "killed: a client gets an error, not silence" bash -c "! timeout 60 '$bin/echo-client' '$folder/client.toml' --count 1 --outstanding 1 2>'$folder/client.err'"
serve
report "a line of standard input is echoed" bash -c "echo hello | '$bin/echo-client' '$folder/client.toml' | grep -qx 'Echo: hello'"
report "a missing Actr.toml is named" bash -c "'$bin/echo-server' '$folder/none.toml' 2>&1 | grep -q none.toml"
printf '[package\n' >"$folder/bad.toml"
report "a broken Actr.toml is named with its line" bash -c "'$bin/echo-server' '$folder/bad.toml' 2>&1 | grep -q 'bad.toml:1'"
exit "$status"
