# What `cmake --install` puts where, and the CMake package of those who link us: find_package(shootdown).
# Included once, at the end of the top CMakeLists.txt, when all targets exist.
include(CMakePackageConfigHelpers)

set(shootdown_libraries base sim program kernel check schedule strategy_name strategy scenario explore
  corpus engine proto_messages proto)
set(shootdown_header_folders proto)
foreach(folder base sim program kernel check schedule strategy scenario explore corpus engine)
  list(APPEND shootdown_header_folders fuzz/${folder})
endforeach()
set(shootdown_include_dir ${CMAKE_INSTALL_INCLUDEDIR}/shootdown)
set(shootdown_share_dir ${CMAKE_INSTALL_DATADIR}/shootdown)
set(shootdown_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shootdown)

# All of it under one name, shootdown::shootdown, in this tree and in the package.
add_library(shootdown_all INTERFACE)
add_library(shootdown::shootdown ALIAS shootdown_all)
set_target_properties(shootdown_all PROPERTIES EXPORT_NAME shootdown)

set(shootdown_exported shootdown_all)
foreach(library IN LISTS shootdown_libraries)
  # The file is libshootdown_sim.a, the target shootdown::sim, here and there.
  set_target_properties(shootdown_${library} PROPERTIES EXPORT_NAME ${library})
  target_compile_features(shootdown_${library} INTERFACE cxx_std_20)
  target_link_libraries(shootdown_all INTERFACE shootdown_${library})
  list(APPEND shootdown_exported shootdown_${library})
endforeach()

# Static libraries name even what they link privately, so the package has to know this name. Nobody
# gets our warnings by it: what a private dependency asks of the compiler is not handed on.
set_target_properties(shootdown_options PROPERTIES EXPORT_NAME options)
list(APPEND shootdown_exported shootdown_options)

install(TARGETS ${shootdown_exported}
  EXPORT shootdownTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${shootdown_include_dir})
foreach(program shootdown shootdown-dpor shootdown-fuzz shootdown-server shootdown-worker)
  if(TARGET ${program})  # two of them need Clang
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# Headers keep their paths: #include "fuzz/sim/machine.h", "proto/convert.h",
# "shootdown/v1/scenario.pb.h".
foreach(folder IN LISTS shootdown_header_folders)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/
    DESTINATION ${shootdown_include_dir}/${folder}
    FILES_MATCHING PATTERN "*.h")
endforeach()
# All that a client in another language needs; alone with `cmake --install BUILD --component protos`.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto/shootdown
  DESTINATION ${shootdown_include_dir}/proto
  COMPONENT protos
  FILES_MATCHING PATTERN "*.proto")
install(DIRECTORY ${PROJECT_BINARY_DIR}/proto/shootdown
  DESTINATION ${shootdown_include_dir}
  FILES_MATCHING PATTERN "*.pb.h" PATTERN "*.grpc.pb.h" EXCLUDE)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/corpus/
  DESTINATION ${shootdown_share_dir}/corpus
  FILES_MATCHING PATTERN "*.textproto")

install(EXPORT shootdownTargets NAMESPACE shootdown:: DESTINATION ${shootdown_package_dir})
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/deploy/cmake/shootdownConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/shootdownConfig.cmake
  INSTALL_DESTINATION ${shootdown_package_dir}
  PATH_VARS shootdown_share_dir)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/package/shootdownConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)  # before 1.0, a minor version may change anything
install(FILES
  ${PROJECT_BINARY_DIR}/package/shootdownConfig.cmake
  ${PROJECT_BINARY_DIR}/package/shootdownConfigVersion.cmake
  DESTINATION ${shootdown_package_dir})
