# SPDX-License-Identifier: Apache-2.0
# cmake --install: headers, libraries, pkg-config and CMake packages, the tool.
include(CMakePackageConfigHelpers)
configure_file(packaging/actr.pc.in actr.pc @ONLY)
configure_package_config_file(packaging/actr-config.cmake.in actr-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/actr PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(actr-config-version.cmake COMPATIBILITY SameMinorVersion)
install(DIRECTORY include/actr DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp"
  PATTERN "*.proto")
install(TARGETS actr_shared EXPORT actr-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS actr_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS protoc-gen-actr EXPORT actr-targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS actr RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT actr-targets NAMESPACE actr:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/actr)
install(FILES ${PROJECT_BINARY_DIR}/actr.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/actr-config.cmake ${PROJECT_BINARY_DIR}/actr-config-version.cmake
  cmake/actr_generate.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/actr)
