include_guard()

# One precompiled header for everything that uses MLIR: it turns 5 s per file into about 1 s.
function(attn_add_pch_target)
  file(WRITE ${PROJECT_BINARY_DIR}/AttnPch.cpp "// Only carries the precompiled header.\n")
  add_library(AttnPch OBJECT ${PROJECT_BINARY_DIR}/AttnPch.cpp)
  llvm_update_compile_flags(AttnPch)
  target_compile_options(AttnPch PRIVATE -Xclang -fno-pch-timestamp)
  target_precompile_headers(AttnPch PRIVATE
    <mlir/Dialect/Affine/IR/AffineOps.h>
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Bufferization/IR/Bufferization.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/ImplicitLocOpBuilder.h>
    <mlir/Pass/PassManager.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>)
endfunction()

function(attn_use_pch target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    if(NOT TARGET AttnPch)
      attn_add_pch_target()
    endif()
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      # The header was compiled with -fPIC; CMake would say -fPIE here and clang would refuse it.
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${target} PRIVATE -fPIC)
    endif()
    target_precompile_headers(${target} REUSE_FROM AttnPch)
    target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
endfunction()

# A room of the compiler: add_attn_library(AttnFuse A.cpp B.cpp DEPENDS ... LINK_LIBS PUBLIC AttnIR).
# LINK_LIBS lists the attn rooms it may see and repeats utils/layers.toml.
function(add_attn_library name)
  add_mlir_library(${name} ${ARGN} DISABLE_INSTALL EXCLUDE_FROM_LIBMLIR)
  if(ATTN_STATIC_MLIR)
    target_link_libraries(${name} PUBLIC AttnStaticMLIR)
  else()
    mlir_target_link_libraries(${name} PUBLIC MLIR)
  endif()
  if(TARGET obj.${name})
    attn_use_pch(obj.${name})
  else()
    attn_use_pch(${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY ATTN_ROOMS ${name})
endfunction()

# A room that knows nothing of LLVM or MLIR (Runtime, Reference).
function(add_attn_plain_library name)
  add_library(${name} ${ARGN})
  target_compile_options(${name} PRIVATE -Wall -Wextra -fno-exceptions -fno-rtti)
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  set_target_properties(${name} PROPERTIES
    ARCHIVE_OUTPUT_DIRECTORY ${LLVM_LIBRARY_OUTPUT_INTDIR}
    LIBRARY_OUTPUT_DIRECTORY ${LLVM_LIBRARY_OUTPUT_INTDIR})
  set_property(GLOBAL APPEND PROPERTY ATTN_ROOMS ${name})
endfunction()

# Target check-attn-layers: links each room's objects into a shared library of its own with the
# rooms it declares and nothing else, so that an undeclared dependency is an undefined symbol.
# The same proof as the preset `layers` without compiling everything again.
function(attn_add_layers_check)
  find_package(Threads REQUIRED)
  add_custom_target(check-attn-layers)
  get_property(rooms GLOBAL PROPERTY ATTN_ROOMS)
  foreach(room ${rooms})
    get_target_property(type ${room} TYPE)
    if(NOT type STREQUAL "STATIC_LIBRARY")
      continue()
    endif()
    add_library(${room}Layer SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${room}>)
    get_target_property(libs ${room} LINK_LIBRARIES)
    foreach(lib ${libs})
      if(lib IN_LIST rooms)
        set(lib ${lib}Layer)
      endif()
      if(lib)
        target_link_libraries(${room}Layer PUBLIC ${lib})
      endif()
    endforeach()
    target_link_options(${room}Layer PRIVATE -Wl,-z,defs)
    set_target_properties(${room}Layer PROPERTIES LINKER_LANGUAGE CXX
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/layers)
    add_dependencies(check-attn-layers ${room}Layer)
  endforeach()
endfunction()

# A tool: add_attn_tool(attn-opt attn-opt.cpp LINK_LIBS AttnPipeline).
function(add_attn_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_llvm_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  if(NOT ATTN_STATIC_MLIR)
    mlir_target_link_libraries(${name} PRIVATE MLIR)
  endif()
  attn_use_pch(${name})
  set_property(GLOBAL APPEND PROPERTY ATTN_TOOLS ${name})
endfunction()

# A library that a tool loads while it runs: build/<preset>/lib/lib<name>.so.
function(add_attn_plugin name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_library(${name} MODULE ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  mlir_target_link_libraries(${name} PRIVATE MLIR)
  set_target_properties(${name} PROPERTIES PREFIX lib
    LIBRARY_OUTPUT_DIRECTORY ${LLVM_LIBRARY_OUTPUT_INTDIR})
  attn_use_pch(${name})
  set_property(GLOBAL APPEND PROPERTY ATTN_TOOLS ${name})
endfunction()

# Pass declarations of one room: include/attn/<room>/Passes.td.
function(add_attn_passes room)
  set(LLVM_TARGET_DEFINITIONS ${room}/Passes.td)
  mlir_tablegen(${room}/Passes.h.inc -gen-pass-decls -name ${room})
  add_public_tablegen_target(Attn${room}PassesIncGen)
  add_mlir_doc(${room}/Passes ${room}Passes ./ -gen-pass-doc)
endfunction()

# Every archive of MLIR and LLVM: a linker takes from them what is used, in any order (lld), in
# seconds. Debian's LLVM compresses debug sections with zlib and zstd.
function(attn_add_static_mlir)
  file(GLOB archives ${LLVM_LIBRARY_DIR}/libMLIR*.a ${LLVM_LIBRARY_DIR}/libLLVM*.a)
  find_library(ATTN_ZLIB NAMES libz.a REQUIRED)
  find_library(ATTN_ZSTD NAMES libzstd.a REQUIRED)
  find_package(Threads REQUIRED)
  add_library(AttnStaticMLIR INTERFACE)
  target_link_libraries(AttnStaticMLIR INTERFACE
    ${archives} ${ATTN_ZLIB} ${ATTN_ZSTD} Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

# The Python of .venv, if there is one. Without nanobind in it there is no package to build, unless
# -DATTN_BUILD_PYTHON=ON asks for it.
macro(attn_find_python)
  if(NOT DEFINED Python_EXECUTABLE AND EXISTS ${PROJECT_SOURCE_DIR}/.venv/bin/python)
    set(Python_EXECUTABLE ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  endif()
  if(NOT DEFINED ATTN_BUILD_PYTHON)
    execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
      RESULT_VARIABLE attn_nanobind OUTPUT_QUIET ERROR_QUIET)
    if(attn_nanobind EQUAL 0)
      set(ATTN_BUILD_PYTHON ON)
    else()
      message(STATUS "No Python package: nanobind is not installed (utils/install-deps.sh)")
    endif()
  endif()
endmacro()
