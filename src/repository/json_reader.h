// Reads JSON front to back without making a tree: for index files and tree blobs, which have
// millions of small objects. It takes what Go's decoder takes, duplicates and unknown keys
// included; what to do with them is the caller's.
//
//   JsonReader in(text);
//   TRY(in.begin_object());
//   while (TRY(in.next_key(key))) {
//     if (key == "size") node.size = TRY(in.read_u64());
//     else TRY(in.skip());
//   }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::repository {

// Views the text that it was given. Errors (Corrupt) say at which byte. Not thread-safe.
class JsonReader {
 public:
  explicit JsonReader(BytesView text) : text_(text) {}

  Status begin_object() { return expect('{'); }

  Status begin_array() { return expect('['); }

  // The next key of the object that is open, its value being next; false, once, at its end.
  Result<bool> next_key(std::string& key);
  // Whether the open array has another value, which is next; false, once, at its end.
  Result<bool> next_value();

  Status read_string(std::string& out);
  Result<std::uint64_t> read_u64();
  Result<bool> read_bool();
  // Takes a null if one is next.
  bool take_null();
  // Passes over one value of any kind.
  Status skip();
  // One value of any kind as it stands in the text.
  Status read_raw(std::string& out);
  // Nothing but blanks may follow.
  Status end();

 private:
  void skip_blanks();
  Status expect(char c);
  Status broken(std::string_view what) const;
  Status read_escape(std::string& out);
  Result<std::uint32_t> read_hex4();

  BytesView text_;
  std::size_t at_ = 0;
  bool first_ = false;  // a container was just opened: no comma comes before its first member
};

}  // namespace lateen::repository
