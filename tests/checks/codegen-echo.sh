#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The echo examples in C and in C++, each client with each server. One TAP line a case.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BUILD:-$root/build/debug}/bin
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
"$bin/actr" signaling --listen 127.0.0.1:0 >"$folder/server.out" 2>&1 & pids+=($!)
wait_for listening "$folder/server.out"
url=$(sed -n 's/^listening on //p' "$folder/server.out")
for name in server client; do sed "s|^url = .*|url = \"$url\"|" "$root/examples/echo/$name.toml" >"$folder/$name.toml"; done
echoes() { printf 'one\ntwo\n' | timeout 60 "$bin/$1" "$folder/client.toml" | diff - <(printf 'Echo: one\nEcho: two\n'); }
for server in echo-server cpp-echo-server; do
  "$bin/$server" "$folder/server.toml" >"$folder/$server.out" 2>&1 & pid=$!; pids+=($pid)
  report "$server starts" wait_for ready "$folder/$server.out"
  for client in echo-client cpp-echo-client; do report "$client with $server" echoes "$client"; done
  kill -TERM "$pid"; wait "$pid"
  report "$server ends well" test $? -eq 0
done
fails() { ! "$bin/cpp-echo-server" "$folder/none.toml" 2>"$folder/err" && grep -q none.toml "$folder/err"; }
report "cpp-echo-server names a missing file" fails
exit "$status"
