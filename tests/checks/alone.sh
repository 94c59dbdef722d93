#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The examples that need one command only end well and say what their pages say they do. Prints TAP.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${BUILD:-build/debug} number=0 status=0
expect() { # EXAMPLE LINE-PATTERN...
  local out pattern missing=""
  number=$((number + 1))
  out=$(timeout 60 "examples/$1/run" "$build" 2>&1) || missing="success"
  for pattern in "${@:2}"; do grep -Eqx "$pattern" <<<"$out" || missing=$pattern; done
  if [[ -z $missing ]]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1: no $missing"; sed 's/^/# /' <<<"$out" | tail -5; status=1
  fi
}
expect acl 'Dashboard: served as Dashboard, relayed' 'Probe: permission denied' 'Operator: served as Operator, pinned' \
  'Visitor: permission denied'
expect affinity-thread '[0-9]+ strokes, 0 of them by another thread'
expect foreign-loop '[0-9]+ frames, [0-9]+ requests handled, 10 answers'
expect many-actors '5 actors counted'
expect shell-workload 'the same buffer came back'
exit "$status"
