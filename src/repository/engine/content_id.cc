#include "repository/engine/content_id.h"

#include "base/encoding.h"

namespace lateen::repository {

std::string ContentId::text() const {
  std::string out;
  if (prefix != 0) out += static_cast<char>(prefix);
  return out += hex_encode(hash_bytes());
}

Result<ContentId> parse_content_id(std::string_view text, std::size_t hash_size) {
  const std::string_view whole = text;
  ContentId id{.prefix = 0, .size = static_cast<std::uint8_t>(hash_size)};
  if (text.size() == 2 * hash_size + 1 && text[0] >= 'g' && text[0] <= 'z') {
    id.prefix = static_cast<std::uint8_t>(text[0]);
    text.remove_prefix(1);
  }
  if (text.size() != 2 * hash_size || hash_size > kMaxHashSize) {
    return Error(Code::Corrupt, "\"{}\" is not the ID of a content", whole);
  }
  for (std::size_t i = 0; i < hash_size; ++i) {
    int byte = 0;
    for (const char c : text.substr(2 * i, 2)) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (c < 'a' || c > 'f')) {
        return Error(Code::Corrupt, "\"{}\" is not the ID of a content", whole);
      }
      byte = 16 * byte + (digit ? c - '0' : c - 'a' + 10);
    }
    id.hash[i] = static_cast<std::uint8_t>(byte);
  }
  return id;
}

}  // namespace lateen::repository
