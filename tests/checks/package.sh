#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is installed can be used: by pkg-config, shared and static, and by CMake. One TAP line a case.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0 number=0
report() { # NAME COMMAND...
  local name=$1; shift
  number=$((number + 1))
  if "$@" >"$folder/log" 2>&1; then echo "ok $number - $name"; else echo "not ok $number - $name"; sed 's/^/# /' "$folder/log" | tail -20; status=1; fi
}
cat >"$folder/user.c" <<'C'
#include <actr/actr.h>
#include <stdio.h>
int main(void)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_system_t *system = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actr_system_new(&config, &system, &error);
    printf("%s %s\n", actr_version(), actr_status_name(status));
    return status == ACTR_STATUS_CONFIG_INVALID ? 0 : 1;
}
C
cat >"$folder/CMakeLists.txt" <<'C'
cmake_minimum_required(VERSION 3.20)
project(user C)
find_package(actr REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE actr::actr)
C
prefix=$folder/usr
report "installs" cmake --install "${BUILD:-$root/build/debug}" --prefix "$prefix"
lib=$(dirname "$(find "$prefix" -name libactr.so | head -1)")
pc() { sed "s|^prefix=.*|prefix=$prefix|" -i "$lib/pkgconfig/actr.pc"; PKG_CONFIG_PATH=$lib/pkgconfig pkg-config "$@" actr; }
shared() { cc "$folder/user.c" -o "$folder/shared" $(pc --cflags --libs) && LD_LIBRARY_PATH=$lib "$folder/shared"; }
static() { cc "$folder/user.c" -o "$folder/static" $(pc --cflags) "$lib/libactr.a" $(pc --static --libs | sed 's/-lactr\b//') && "$folder/static"; }
by_cmake() { cmake -S "$folder" -B "$folder/build" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$folder/build" && LD_LIBRARY_PATH=$lib "$folder/build/user"; }
soname() { readelf -d "$lib/libactr.so" | grep -q 'SONAME.*libactr.so.0'; }
report "pkg-config, shared" shared
report "pkg-config, static" static
report "find_package" by_cmake
report "the SONAME is libactr.so.0" soname
tool() { "$prefix/bin/actr" --version && ! "$prefix/bin/actr" no-such-verb; }
report "the tool" tool
exit "$status"
