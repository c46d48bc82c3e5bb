# lateen_proto: the messages of proto/**/*.proto. What protoc writes is its own business: no warnings of ours, no
# precompiled header, and it is included as a system's headers are.
file(GLOB_RECURSE protos RELATIVE ${CMAKE_SOURCE_DIR}/proto CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/*.proto)
set(generated "")
foreach(proto ${protos})
  string(REGEX REPLACE "\\.proto$" "" stem ${proto})
  set(made ${CMAKE_BINARY_DIR}/proto/${stem}.pb.cc ${CMAKE_BINARY_DIR}/proto/${stem}.pb.h)
  add_custom_command(
    OUTPUT ${made}
    COMMAND ${LATEEN_PROTOC} -I ${CMAKE_SOURCE_DIR}/proto --cpp_out=${CMAKE_BINARY_DIR}/proto ${proto}
    DEPENDS ${CMAKE_SOURCE_DIR}/proto/${proto}
    VERBATIM)
  list(APPEND generated ${made})
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/proto)
add_custom_target(lateen_proto_sources DEPENDS ${generated})  # for who only reads them: tools/lint.sh
add_library(lateen_proto STATIC ${generated})
target_include_directories(lateen_proto SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/proto)
target_link_libraries(lateen_proto PUBLIC PkgConfig::protobuf)
target_compile_options(lateen_proto PRIVATE -w)

# The contracts as descriptors, for the tests' plugin in another language.
if(LATEEN_TESTS)
  set(LATEEN_PLUGIN_CONTRACTS ${CMAKE_BINARY_DIR}/proto/contracts.pb)
  list(TRANSFORM protos PREPEND ${CMAKE_SOURCE_DIR}/proto/ OUTPUT_VARIABLE proto_paths)
  add_custom_command(
    OUTPUT ${LATEEN_PLUGIN_CONTRACTS}
    COMMAND ${LATEEN_PROTOC} -I ${CMAKE_SOURCE_DIR}/proto --include_imports
            --descriptor_set_out=${LATEEN_PLUGIN_CONTRACTS} ${protos}
    DEPENDS ${proto_paths}
    VERBATIM)
  add_custom_target(lateen_plugin_contracts DEPENDS ${LATEEN_PLUGIN_CONTRACTS})
endif()
