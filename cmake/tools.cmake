# The compiler's helpers: used where they are installed, never required.
find_program(LATEEN_CCACHE ccache)
if(LATEEN_CCACHE)
  # The sloppiness is what ccache asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${LATEEN_CCACHE})
endif()

find_program(LATEEN_MOLD mold)
if(LATEEN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # TRY is a statement expression, on purpose (docs/decisions/0001-results-not-exceptions.md).
  add_compile_options(-Wthread-safety -Wno-gnu-statement-expression
                      # libstdc++ 12's std::stable_sort calls what it itself deprecates.
                      -Wno-deprecated-declarations)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees phantom overreads in inlined std::string and std::variant code.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds
                      -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object)
  # And, optimising, a use after free in std::stop_token's copy constructor.
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-Wno-use-after-free>)
  # Needed for ccache to see through precompiled headers.
  add_compile_options(-fpch-preprocess -Winvalid-pch)
endif()

if(LATEEN_SANITIZE)
  add_compile_options(-fsanitize=${LATEEN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LATEEN_SANITIZE})
endif()
