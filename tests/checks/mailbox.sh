#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `actr mailbox` and `actr dlq` on a file of the reference, without a node and beside one. One TAP line a case.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BUILD:-$root/build/debug}/bin actr=${BUILD:-$root/build/debug}/bin/actr
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
cd "$folder" || exit 1
cp "$root/tests/vectors/mailbox/mailbox.db" m.db && cp "$root/tests/vectors/mailbox/mailbox.db.dlq" m.db.dlq && chmod u+w m.db*
dead() { sqlite3 m.db 'SELECT count(*) FROM dead_letter'; }

old() { ! "$actr" mailbox stat m.db 2>old.err && grep -q 'schema version 0' old.err; }
report "a file of the reference is not read as ours" old
nothing() { "$actr" dlq purge m.db --category none --json | grep -qx '{"count":0}' && test "$(dead)" = 6; }
report "a change takes it over, dead letters too" nothing
report "stat counts" bash -c "'$actr' mailbox stat m.db --json | grep -q '\"stored\":30,\"high\":2,\"ready\":30'"
report "stat has a table" bash -c "'$actr' mailbox stat m.db | grep -qx 'stored     30'"
peek() { test "$("$actr" mailbox peek m.db --limit 5 | wc -l)" = 6 && "$actr" mailbox peek m.db --limit 1 --json | grep -q '"priority":"high"'; }
report "peek shows the next ones first" peek
export_all() { "$actr" mailbox export m.db >all.json && test "$(wc -l <all.json)" = 30 && grep -q '"payload_hex":"7061796c6f61642d' all.json; }
report "export gives all, whole" export_all
list() { test "$("$actr" dlq list m.db --json | wc -l)" = 6 && test "$("$actr" dlq list m.db --limit 2 | wc -l)" = 3; }
report "dead letters are listed" list
id=$("$actr" dlq list m.db --limit 1 --json | sed 's/.*"id":"\([^"]*\)".*/\1/')
report "one is shown" bash -c "'$actr' dlq show m.db $id | grep -q 'category' && '$actr' dlq show m.db $id --json | grep -q payload_hex"
unknown() { ! "$actr" dlq show m.db nobody && ! "$actr" dlq redrive m.db nobody && ! "$actr" dlq redrive no.db x && test ! -e no.db; }
report "unknown ids and files are errors" unknown
redrive() { "$actr" dlq redrive m.db "$id" --json | grep -q '"message":' && test "$(dead)" = 5 && "$actr" mailbox stat m.db --json | grep -q '"stored":31'; }
report "one is put back, through the file" redrive
twice() { ! "$actr" dlq redrive m.db "$id"; }
report "a second time it is not found" twice
report "dead letters are exported" bash -c "test \$('$actr' dlq export m.db | wc -l) = 5"
all_or_what() { ! "$actr" dlq purge m.db && test "$(dead)" = 5; }
report "everything is deleted only when it is said" all_or_what

"$actr" signaling --listen 127.0.0.1:0 >server.out 2>&1 & pids+=($!)
wait_for listening server.out
url=$(sed -n 's/^listening on //p' server.out)
printf '[package]\nname = "s"\n[package.actr_type]\nmanufacturer = "acme"\nname = "EchoService"\n[system.signaling]\nurl = "%s"\n[system.deployment]\nrealm = 1001\n[system.storage]\nmailbox_path = "m.db"\n' "$url" >node.toml
"$bin/bench-peer" --config node.toml serve >node.out 2>&1 & node=$!; pids+=($node)
report "a node takes the file" wait_for ready node.out
modes() { test "$(stat -c %a m.db.sock m.db.lock | sort -u)" = 600; }
report "its socket is its user's only" modes
report "readers work beside it" bash -c "'$actr' mailbox stat m.db && '$actr' dlq list m.db"
second() { ! timeout 60 "$bin/bench-peer" --config node.toml serve >second.out 2>&1 && grep -q "process $node, since 20" second.out; }
report "a second node is refused: who holds it, since when" second
id=$(sqlite3 m.db 'SELECT id FROM dead_letter WHERE redrives = 0 LIMIT 1')
through() { "$actr" dlq redrive m.db "$id" --json | grep -q '"message":'; }
report "the node puts one back" through
# its bytes do not decode: the node finds it dead again, its counter carried
again() { for _ in $(seq 250); do sqlite3 m.db "SELECT redrives, category FROM dead_letter ORDER BY number DESC LIMIT 1" | tee last | grep -q "^1|protobuf_decode" && return 0; sleep 0.02; done; cat last; sqlite3 m.db "SELECT sequence, attempts, redrives, available_ms, hex(payload) FROM message"; return 1; }
report "and finds it dead again, once more redriven" again
purge() { "$actr" dlq purge m.db --all --json | grep -q '"count":' && test "$(dead)" = 0; }
report "the node deletes all" purge
kill -TERM $node; wait $node 2>/dev/null
report "the socket goes with it" test ! -e m.db.sock
exit $status
