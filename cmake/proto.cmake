# SPDX-License-Identifier: Apache-2.0
# actr_proto(target DIR file...): a static library of protobuf-c messages made from DIR/file.
function(actr_proto target dir)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
  file(MAKE_DIRECTORY ${out})
  foreach(file IN LISTS ARGN)
    get_filename_component(stem ${file} NAME_WE)
    list(APPEND made ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
    list(APPEND inputs ${dir}/${file})
  endforeach()
  add_custom_command(OUTPUT ${made}
    COMMAND ${PROTOC_C} --proto_path=${dir} --c_out=${out} ${inputs}
    DEPENDS ${inputs} VERBATIM)
  add_library(${target} STATIC ${made})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C)
  target_compile_options(${target} PRIVATE -w)
endfunction()
