// Reading and writing past the page cache. Whoever reads or writes gigabytes once gains nothing
// from keeping them there: the copy costs as much processor as encrypting them, and what other
// programs of the machine had there is lost to them.
//
// Only where it is known to be sound and quick (ext4, XFS); elsewhere files are read and written
// as always, and the caller sees no difference but in speed.
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace lateen {

// Of addresses, offsets and lengths: no disk asks for more.
inline constexpr std::size_t kDirectAlignment = 4096;

constexpr ByteCount align_down(ByteCount value) {
  return value / kDirectAlignment * kDirectAlignment;
}

constexpr ByteCount align_up(ByteCount value) {
  return align_down(value + kDirectAlignment - 1);
}

inline bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % kDirectAlignment == 0;
}

// Whether the file's file system is one of those.
bool allows_direct_io(int fd);

// Switches it for a descriptor; false if that is refused, and all stays as it was.
bool set_direct_io(int fd, bool on);

// Whether most of these bytes of a file are in memory already: copying them is then quicker than
// asking the disk. True if nobody can say.
bool is_cached(int fd, ByteCount offset, ByteCount length);

}  // namespace lateen
