#include "repository/buffer.h"

#include <algorithm>
#include <cstdlib>

#include "base/result.h"

namespace lateen::repository {

void Buffer::Free::operator()(char* bytes) const {
  std::free(bytes);
}

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  char* const moved = static_cast<char*>(std::realloc(bytes_.get(), capacity));
  LATEEN_ASSERT(moved != nullptr, "memory for a buffer whose size is bounded");
  static_cast<void>(bytes_.release());
  bytes_.reset(moved);
  capacity_ = capacity;
}

void Buffer::grow(std::size_t size) {
  reserve(std::max(size, capacity_ + capacity_ / 2));
}

}  // namespace lateen::repository
