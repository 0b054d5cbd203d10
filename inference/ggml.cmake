# Settings for the build of llama.cpp, read by its CMake project (CMAKE_PROJECT_INCLUDE in .cargo/config.toml).

if (PROJECT_NAME STREQUAL "llama.cpp")
    # Chat servers and argument parsers; nothing here uses them.
    set(LLAMA_BUILD_COMMON OFF CACHE BOOL "" FORCE)
endif()

if (PROJECT_NAME STREQUAL "ggml" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    cmake_language(DEFER CALL echofs_set_up_variants)
endif()

# ggml builds its CPU code 14 times for x86-64, which takes longer than everything else together. These are the ones that are
# measurably different from the next plainer one; the others are left as empty files, which the service passes over.
function(echofs_set_up_variants)
    foreach(name sse42 ivybridge piledriver skylakex cannonlake icelake cooperlake zen4 alderlake)
        if (TARGET ggml-cpu-${name})
            set_target_properties(ggml-cpu-${name} PROPERTIES
                SOURCES "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/empty.c" LINK_LIBRARIES "")
            set_target_properties(ggml-cpu-${name}-feats PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
    endforeach()
    # GCC 12 takes the stores of the AMX tile configuration for dead, since its intrinsic reads 64 bytes but tells of 8: the
    # first matrix product ends in SIGSEGV.
    if (TARGET ggml-cpu-sapphirerapids AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(ggml-cpu-sapphirerapids PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-dse> $<$<COMPILE_LANGUAGE:CXX>:-fno-tree-dse>)
    endif()
endfunction()
