// Protobuf's wire format, as little of it as Kubernetes' messages use: varints, lengths, fixed64.
// Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::sandbox::schema {

// What a body begins with.
inline constexpr std::string_view kMagic("k8s\0", 4);
// A CRD's schema: the message that holds itself, and JSON.
inline constexpr std::string_view kSchemaType =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

// One field of a message as it lies there.
struct WireField {
  std::uint32_t tag = 0;
  WireType type = WireType::Varint;
  std::uint64_t number = 0;  // of a varint or a fixed value
  BytesView bytes;           // of a length-delimited one
};

// Reads a message field by field. Borrows its bytes. Not thread-safe.
class WireReader {
 public:
  explicit WireReader(BytesView bytes) : bytes_(bytes) {}

  bool done() const { return at_ >= bytes_.size(); }

  // Corrupt for what is cut short or is no wire type.
  Result<WireField> next();

 private:
  Result<std::uint64_t> varint();
  Result<std::uint64_t> fixed(std::size_t width);

  BytesView bytes_;
  std::size_t at_ = 0;
};

// Appends fields to a message. Not thread-safe.
class WireWriter {
 public:
  void number(std::uint32_t tag, std::uint64_t value);
  void bytes(std::uint32_t tag, BytesView value);
  void real(std::uint32_t tag, double value);

  const std::string& text() const { return out_; }

  std::string take() && { return std::move(out_); }

 private:
  void varint(std::uint64_t value);

  std::string out_;
};

}  // namespace lateen::sandbox::schema
