# SPDX-License-Identifier: Apache-2.0
# Compiler settings for everything that is ours: actr_ours(target).
add_library(actr_settings INTERFACE)
target_compile_definitions(actr_settings INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(actr_settings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -fno-omit-frame-pointer -fstack-protector-strong
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wvla>
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_link_options(actr_settings INTERFACE -Wl,-z,relro,-z,now)
if(NOT ACTR_SANITIZE)
  target_compile_options(actr_settings INTERFACE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
if(ACTR_SANITIZE)
  target_compile_options(actr_settings INTERFACE -fsanitize=${ACTR_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(actr_settings INTERFACE -fsanitize=${ACTR_SANITIZE})
endif()
