# SPDX-License-Identifier: Apache-2.0
# What Debian 12 packages bring; ./dev setup installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(USRSCTP REQUIRED IMPORTED_TARGET usrsctp)
pkg_check_modules(WEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson) # the tool's, not the library's
find_program(PROTOC_C protoc-c REQUIRED)
# libunistring has no .pc file.
find_path(UNISTRING_INCLUDE unictype.h REQUIRED)
find_library(UNISTRING_LIBRARY unistring REQUIRED)
list(APPEND ACTR_MORE_LIBRARIES ${UNISTRING_LIBRARY})
set(ACTR_PC_LIBRARIES -lunistring)
# toml++ is used as headers only.
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
