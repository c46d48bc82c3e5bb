#include "objects/range_reader.h"

#include <cstring>

namespace lateen::objects {

Result<BytesView> read_range(ObjectStore& store,
                             std::string_view key,
                             ByteCount offset,
                             ByteCount length,
                             std::span<char> room,
                             std::stop_token stop) {
  LATEEN_ASSERT(room.size() >= range_room(length), "the caller gives room for the range");
  if (auto* const reader = dynamic_cast<RangeReader*>(&store)) {
    return reader->read_range(key, offset, length, room, std::move(stop));
  }
  const Bytes bytes = TRY(store.get_range(key, offset, length, std::move(stop)));
  std::memcpy(room.data(), bytes.data(), bytes.size());
  return BytesView(room.data(), bytes.size());
}

}  // namespace lateen::objects
