#include "repository/buffer.h"

#include <algorithm>
#include <cstdlib>

#include <sys/mman.h>

#include "base/direct_io.h"
#include "base/result.h"

namespace lateen::repository {

namespace {

constexpr std::size_t kPagesFrom = 64_KiB;
constexpr std::size_t kHugeFrom = 8_MiB;

}  // namespace

void Buffer::Free::operator()(char* bytes) const {
  if (!borrowed) std::free(bytes);
}

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  char* moved = nullptr;
  if (capacity < kPagesFrom && !bytes_.get_deleter().borrowed) {
    moved = static_cast<char*>(std::realloc(bytes_.get(), capacity));
    LATEEN_ASSERT(moved != nullptr, "memory for a buffer whose size is bounded");
    static_cast<void>(bytes_.release());
  } else {
    capacity = static_cast<std::size_t>(align_up(capacity));
    moved = static_cast<char*>(std::aligned_alloc(kDirectAlignment, capacity));
    LATEEN_ASSERT(moved != nullptr, "memory for a buffer whose size is bounded");
#ifdef MADV_HUGEPAGE
    // A refusal costs a little speed.
    if (capacity >= kHugeFrom) madvise(moved, capacity, MADV_HUGEPAGE);
#endif
    if (size_ > 0) std::memcpy(moved, bytes_.get(), size_);
  }
  bytes_ = {moved, Free()};
  capacity_ = capacity;
}

void Buffer::grow(std::size_t size) {
  reserve(std::max(size, capacity_ + capacity_ / 2));
}

}  // namespace lateen::repository
