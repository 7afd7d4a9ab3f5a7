# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(lcsm_config_folder "${CMAKE_INSTALL_DATADIR}/cmake/lcsm")
target_include_directories(lcsm INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
install(DIRECTORY include/lcsm DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(TARGETS lcsm EXPORT lcsm-targets)
install(EXPORT lcsm-targets NAMESPACE lcsm:: DESTINATION "${lcsm_config_folder}")
# One export set per component: what is not asked for needs no dependency.
foreach(component IN LISTS lcsm_components)
  set_target_properties(lcsm_${component} PROPERTIES EXPORT_NAME ${component})
  install(TARGETS lcsm_${component} EXPORT lcsm-${component}-targets)
  install(EXPORT lcsm-${component}-targets NAMESPACE lcsm:: DESTINATION "${lcsm_config_folder}")
endforeach()

configure_package_config_file(cmake/lcsmConfig.cmake.in "${PROJECT_BINARY_DIR}/lcsmConfig.cmake" INSTALL_DESTINATION "${lcsm_config_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lcsmConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/lcsmConfig.cmake" "${PROJECT_BINARY_DIR}/lcsmConfigVersion.cmake" cmake/lcsmDependencies.cmake
  DESTINATION "${lcsm_config_folder}")
