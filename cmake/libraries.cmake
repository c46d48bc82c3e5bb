# The libraries of Debian bookworm that Lateen is built on. One need, one library; each stays behind the
# door of one room (docs/dependencies.md). A room links only what it is given in src/CMakeLists.txt.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(grpc REQUIRED IMPORTED_TARGET grpc++)
pkg_check_modules(protobuf REQUIRED IMPORTED_TARGET protobuf)
find_program(LATEEN_PROTOC protoc REQUIRED)

# Header-only, or without a usable config file in Debian.
find_library(LATEEN_DATE_TZ date-tz REQUIRED)
find_library(LATEEN_PROMETHEUS prometheus-cpp-core REQUIRED)
