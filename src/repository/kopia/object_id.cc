#include "repository/kopia/object_id.h"

#include <cstring>

#include "base/encoding.h"

namespace lateen::repository::kopia {
namespace {

// Lists of lists: three levels of 4 MiB lists already name an exabyte.
constexpr std::uint8_t kMaxIndirection = 8;

bool is_prefix(char c) {
  return c >= 'g' && c <= 'z';
}

}  // namespace

Result<ContentId> parse_any_content_id(std::string_view text) {
  std::string_view digits = text;
  std::uint8_t prefix = kDataPrefix;
  if (!digits.empty() && is_prefix(digits.front())) {
    prefix = static_cast<std::uint8_t>(digits.front());
    digits.remove_prefix(1);
  }
  const auto hash = hex_decode(digits);
  if (!hash || hash->empty() || hash->size() > kMaxHashSize) {
    return Error(Code::Corrupt, "\"{}\" is not the ID of a content", text.substr(0, 100));
  }
  ContentId id{.prefix = prefix, .size = static_cast<std::uint8_t>(hash->size())};
  std::memcpy(id.hash.data(), hash->data(), hash->size());
  return id;
}

Result<ContentId> content_id_from_key(BytesView key) {
  if (key.size() < 2 || key.size() > kMaxHashSize + 1 || (key[0] != 0 && !is_prefix(key[0]))) {
    return Error(Code::Corrupt, "{} is not the key of a content", hex_encode(key.substr(0, 34)));
  }
  ContentId id{.prefix = static_cast<std::uint8_t>(key[0]),
               .size = static_cast<std::uint8_t>(key.size() - 1)};
  std::memcpy(id.hash.data(), key.data() + 1, key.size() - 1);
  return id;
}

void append_key(std::string& out, const ContentId& id) {
  out += static_cast<char>(id.prefix);
  out += id.hash_bytes();
}

BytesView iv_of(const ContentId& id) {
  const BytesView hash = id.hash_bytes();
  return hash.size() <= kIvSize ? hash : hash.substr(hash.size() - kIvSize);
}

Result<ObjectId> ObjectId::parse(std::string_view text) {
  ObjectId id;
  std::string_view rest = text;
  while (!rest.empty() && rest.front() == 'I') {
    if (++id.indirection > kMaxIndirection) {
      return Error(Code::Corrupt, "object ID {}… has too many levels", text.substr(0, 40));
    }
    rest.remove_prefix(1);
  }
  if (!rest.empty() && rest.front() == 'Z') {
    id.compressed = true;
    rest.remove_prefix(1);
  }
  if (!rest.empty() && rest.front() == 'D') rest.remove_prefix(1);  // means nothing any more
  if (id.compressed && id.indirection > 0) {
    return Error(Code::Corrupt, "object ID {} is both compressed and indirect", text.substr(0, 80));
  }
  id.content = TRY(parse_any_content_id(rest));
  return id;
}

ObjectId ObjectId::list() const {
  LATEEN_ASSERT(indirection > 0, "only an indirect object has a list");
  ObjectId below = *this;
  --below.indirection;
  return below;
}

std::string ObjectId::to_string() const {
  std::string text(indirection, 'I');
  if (compressed) text += 'Z';
  return text + content.text();
}

}  // namespace lateen::repository::kopia
