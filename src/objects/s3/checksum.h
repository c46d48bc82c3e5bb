// The checksums that S3 keeps with objects and holds what it receives against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "net/http.h"
#include "objects/s3/config.h"

namespace lateen::objects::s3 {

// Of bytes that come in pieces. Not thread-safe.
class Checksummer {
 public:
  explicit Checksummer(Checksum kind);

  void update(BytesView bytes);
  std::string finish_base64();

 private:
  Checksum kind_;
  std::uint64_t crc_ = 0;
  std::optional<Hasher> hasher_;
};

std::string checksum_base64(Checksum kind, BytesView bytes);

// "CRC32"; "" for None.
std::string_view checksum_name(Checksum kind);

// "x-amz-checksum-crc32".
std::string checksum_header(Checksum kind);

// "ChecksumCRC32", in the document that completes an upload.
std::string checksum_element(Checksum kind);

// What an answer says about the whole object, if it does: not for what was put together of parts.
struct WholeChecksum {
  Checksum kind;
  std::string base64;
};

std::optional<WholeChecksum> whole_checksum(const net::Headers& headers);

}  // namespace lateen::objects::s3
