# LATEEN_STATIC: the libraries of libraries.cmake in their static form, wherever Debian has one, so that the program runs
# without installing any: on Debian 12, Ubuntu 22.04 and what came after them. Included before the libraries are looked for.
#
# Four have no static form; `make image` and `make dist` bring them along, and the program looks into lib/ beside itself before
# it asks the system. glibc and libstdc++ are the system's (docs/dependencies.md).
set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
set(OPENSSL_USE_STATIC_LIBS ON)
set(ZLIB_USE_STATIC_LIBS ON)
set(Boost_USE_STATIC_LIBS ON)

add_library(lateen_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/static/fmt.cc)
target_compile_options(lateen_fmt PRIVATE -w)
add_library(fmt::fmt ALIAS lateen_fmt)

add_library(lateen_absent_protocols STATIC ${CMAKE_SOURCE_DIR}/cmake/static/absent_protocols.cc)

# libcurl, with what of its needs is HTTP's. libcurl.pc names all of them, Kerberos too, which has no static form.
function(lateen_static_curl)
  set(parts "")
  foreach(part curl nghttp2 idn2 unistring brotlidec brotlicommon zstd)
    find_library(LATEEN_LIB_${part} ${part} REQUIRED)
    list(APPEND parts ${LATEEN_LIB_${part}})
  endforeach()
  list(INSERT parts 1 lateen_absent_protocols)
  add_library(lateen_curl INTERFACE)
  target_link_libraries(lateen_curl INTERFACE ${parts} OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB)
  add_library(CURL::libcurl ALIAS lateen_curl)
endfunction()
