// Objects into memory that the caller has already: no page of it is new, and none is written twice.
// Stores that can do so are RangeReaders besides; read_range() works with any.
#pragma once

#include <span>
#include <stop_token>
#include <string_view>

#include "base/direct_io.h"
#include "objects/object_store.h"

namespace lateen::objects {

// So much room a range needs: it may lie a little behind its front.
constexpr std::size_t range_room(ByteCount length) {
  return static_cast<std::size_t>(align_up(length)) + 2 * kDirectAlignment;
}

// Thread-safe.
class RangeReader {
 public:
  RangeReader() = default;
  RangeReader(const RangeReader&) = delete;
  RangeReader& operator=(const RangeReader&) = delete;
  virtual ~RangeReader() = default;

  // As ObjectStore::get_range. The answer lies in `room`, which has at least range_room(length)
  // bytes; best it begins at a page.
  virtual Result<BytesView> read_range(std::string_view key,
                                       ByteCount offset,
                                       ByteCount length,
                                       std::span<char> room,
                                       std::stop_token stop) = 0;
};

// By the store's own way if it is a RangeReader.
Result<BytesView> read_range(ObjectStore& store,
                             std::string_view key,
                             ByteCount offset,
                             ByteCount length,
                             std::span<char> room,
                             std::stop_token stop);

}  // namespace lateen::objects
