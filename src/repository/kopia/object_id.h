// The names of objects in a kopia repository. An object is one content, or a list of objects that
// is an object itself ("I…"). Contents are named by the engine's ContentId: file data without a
// letter, the rest with one of these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/engine/content_id.h"

namespace lateen::repository::kopia {

inline constexpr std::uint8_t kDataPrefix = 0;
inline constexpr std::uint8_t kIndirectPrefix = 'x';
inline constexpr std::uint8_t kDirectoryPrefix = 'k';
inline constexpr std::uint8_t kManifestPrefix = 'm';

// "k4dbe…": a letter g…z or none, then hex digits of a hash of any length that kopia has.
Result<ContentId> parse_any_content_id(std::string_view text);

// As in an index: the letter (or 0), then the hash.
Result<ContentId> content_id_from_key(BytesView key);
void append_key(std::string& out, const ContentId& id);

// What a content is encrypted with besides the key: the last 16 bytes of its hash.
inline constexpr std::size_t kIvSize = 16;
BytesView iv_of(const ContentId& id);

// Immutable.
struct ObjectId {
  ContentId content = {};
  std::uint8_t indirection = 0;  // how many lists lie above the data
  bool compressed = false;       // "Z": format version 1 compressed whole objects

  static Result<ObjectId> parse(std::string_view text);

  bool is_direct() const { return indirection == 0; }

  // Of an indirect object: the object that holds its list.
  ObjectId list() const;

  std::string to_string() const;
  bool operator==(const ObjectId&) const = default;
};

}  // namespace lateen::repository::kopia
