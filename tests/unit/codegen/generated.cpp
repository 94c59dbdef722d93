// SPDX-License-Identifier: Apache-2.0
// The same test, compiled as C++17 over the generated code compiled as C++17.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#include "test_generated.c"
