#include "base/direct_io.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/vfs.h>

namespace lateen {

namespace {

constexpr auto kExt4 = 0xEF53;
constexpr auto kXfs = 0x58465342;

}  // namespace

bool allows_direct_io(int fd) {
  struct statfs info{};
  if (fstatfs(fd, &info) != 0) return false;
  return info.f_type == kExt4 || info.f_type == kXfs;
}

bool set_direct_io(int fd, bool on) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return false;
  return fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

// mincore() says "all" of files that we may not write, unless we own them.
bool is_cached(int fd, ByteCount offset, ByteCount length) {
  const ByteCount start = align_down(offset);
  const std::size_t pages = (align_up(offset + length) - start) / kDirectAlignment;
  if (pages == 0) return true;
  void* const mapped =
      mmap(nullptr, pages * kDirectAlignment, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(start));
  if (mapped == MAP_FAILED) return true;
  std::vector<unsigned char> resident(pages);
  const bool known = mincore(mapped, pages * kDirectAlignment, resident.data()) == 0;
  munmap(mapped, pages * kDirectAlignment);
  if (!known) return true;
  const auto in_memory = std::count_if(resident.begin(), resident.end(),
                                       [](unsigned char page) { return (page & 1U) != 0; });
  return 2 * static_cast<std::size_t>(in_memory) > pages;
}

}  // namespace lateen
