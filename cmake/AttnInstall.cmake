include_guard()
include(CMakePackageConfigHelpers)

# The install tree: `cmake --install build/<preset> --prefix P` gives what another project needs to
# build passes (find_package(AttnMLIR)), programs on the C API (libattn_c), and programs with
# compiled objects (libattn_runtime).
set(ATTN_CMAKE_DIR lib/cmake/AttnMLIR)
set(ATTN_INCLUDE_DIR include)

# libattn_c.so: attn-c/attn.h and nothing else to see.
function(attn_add_c_library)
  add_library(attn_c SHARED $<TARGET_OBJECTS:AttnCAPI>)
  target_link_libraries(attn_c PRIVATE AttnExecute AttnPipeline AttnSupport)
  target_link_options(attn_c PRIVATE -Wl,--gc-sections
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/attn_c.map)
  target_include_directories(attn_c INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  set_target_properties(attn_c PROPERTIES LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY ${LLVM_LIBRARY_OUTPUT_INTDIR})
endfunction()

# Installs a target that the build has and a package can name.
function(attn_install_target name)
  target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:include>)
  install(TARGETS ${name} EXPORT AttnMLIRTargets COMPONENT attn
    ARCHIVE DESTINATION lib LIBRARY DESTINATION lib RUNTIME DESTINATION bin)
endfunction()

function(attn_install)
  get_property(rooms GLOBAL PROPERTY ATTN_ROOMS)
  list(REMOVE_ITEM rooms AttnToolShared AttnRunCheck) # the tools' own
  foreach(room ${rooms} attn_c)
    attn_install_target(${room})
  endforeach()
  get_property(tools GLOBAL PROPERTY ATTN_TOOLS)
  # MLIR is where it was when the build linked it.
  set_target_properties(${tools} attn_c PROPERTIES INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
  install(TARGETS ${tools} COMPONENT attn RUNTIME DESTINATION bin LIBRARY DESTINATION lib)

  install(DIRECTORY include/attn include/attn-c DESTINATION include COMPONENT attn
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
  install(DIRECTORY ${PROJECT_BINARY_DIR}/include/attn DESTINATION include COMPONENT attn
    FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
  foreach(dialect Attn Frag)
    string(TOLOWER ${dialect} folder)
    install(DIRECTORY dialects/${folder}/ DESTINATION include/attn/Dialect/${dialect}/IR COMPONENT attn
      FILES_MATCHING PATTERN "*.td")
  endforeach()

  install(EXPORT AttnMLIRTargets DESTINATION ${ATTN_CMAKE_DIR} COMPONENT attn)
  configure_package_config_file(cmake/AttnMLIRConfig.cmake.in ${PROJECT_BINARY_DIR}/AttnMLIRConfig.cmake
    INSTALL_DESTINATION ${ATTN_CMAKE_DIR} PATH_VARS ATTN_INCLUDE_DIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/AttnMLIRConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/AttnMLIRConfig.cmake ${PROJECT_BINARY_DIR}/AttnMLIRConfigVersion.cmake
    DESTINATION ${ATTN_CMAKE_DIR} COMPONENT attn)
endfunction()
