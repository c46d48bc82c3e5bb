#include "objects/s3/checksum.h"

#include <array>

#include "base/crc.h"
#include "base/encoding.h"
#include "base/text.h"

namespace lateen::objects::s3 {
namespace {

constexpr std::array kKinds = {Checksum::Crc32, Checksum::Crc32c, Checksum::Crc64Nvme,
                               Checksum::Sha1, Checksum::Sha256};

std::optional<Hasher> hasher_of(Checksum kind) {
  if (kind == Checksum::Sha1) return Hasher(HashAlgorithm::Sha1);
  if (kind == Checksum::Sha256) return Hasher(HashAlgorithm::Sha256);
  return std::nullopt;
}

Bytes big_endian(std::uint64_t value, std::size_t size) {
  Bytes bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[size - 1 - i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace

Checksummer::Checksummer(Checksum kind) : kind_(kind), hasher_(hasher_of(kind)) {}

void Checksummer::update(BytesView bytes) {
  if (hasher_) {
    hasher_->update(bytes);
  } else if (kind_ == Checksum::Crc32) {
    crc_ = crc32(bytes, static_cast<std::uint32_t>(crc_));
  } else if (kind_ == Checksum::Crc32c) {
    crc_ = crc32c(bytes, static_cast<std::uint32_t>(crc_));
  } else if (kind_ == Checksum::Crc64Nvme) {
    crc_ = crc64_nvme(bytes, crc_);
  }
}

std::string Checksummer::finish_base64() {
  if (kind_ == Checksum::None) return {};
  if (hasher_) return base64_encode(hasher_->finish());
  return base64_encode(big_endian(crc_, kind_ == Checksum::Crc64Nvme ? 8 : 4));
}

std::string checksum_base64(Checksum kind, BytesView bytes) {
  Checksummer checksummer(kind);
  checksummer.update(bytes);
  return checksummer.finish_base64();
}

std::string_view checksum_name(Checksum kind) {
  switch (kind) {
    case Checksum::None:
      return "";
    case Checksum::Crc32:
      return "CRC32";
    case Checksum::Crc32c:
      return "CRC32C";
    case Checksum::Crc64Nvme:
      return "CRC64NVME";
    case Checksum::Sha1:
      return "SHA1";
    case Checksum::Sha256:
      return "SHA256";
  }
  return "";
}

std::string checksum_header(Checksum kind) {
  return "x-amz-checksum-" + to_lower(checksum_name(kind));
}

std::string checksum_element(Checksum kind) {
  return "Checksum" + std::string(checksum_name(kind));
}

std::optional<WholeChecksum> whole_checksum(const net::Headers& headers) {
  if (headers.get("x-amz-checksum-type") == "COMPOSITE") return std::nullopt;
  for (const Checksum kind : kKinds) {
    const std::string_view value = headers.get(checksum_header(kind));
    if (value.empty() || value.find('-') != std::string_view::npos) continue;
    return WholeChecksum{.kind = kind, .base64 = std::string(value)};
  }
  return std::nullopt;
}

}  // namespace lateen::objects::s3
