#include "base/memory.h"

#include <charconv>
#include <cstdint>

#include <malloc.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"

namespace lateen {
namespace {

// One line of /proc/self/maps: "55d0c8a00000-55d0ce400000 r-xp 00400000 08:01 1234 /usr/bin/lateen"
void unmap_code(std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  // Code alone: it is never written, so that what is read in again is what was there. Pages of
  // other mappings may differ from their file.
  if (words.size() < 6 || words[1] != "r-xp" || !words.back().starts_with('/')) return;
  const Cut ends = cut(words[0], "-");
  const auto address = [](std::string_view text) {
    std::uintptr_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
  };
  const std::uintptr_t begin = address(ends.before);
  const std::uintptr_t end = address(ends.after);
  if (begin == 0 || end <= begin) return;
  // What can't be given back stays.
  (void)::madvise(
      reinterpret_cast<void*>(begin),  // NOLINT(performance-no-int-to-ptr): the kernel's
      end - begin, MADV_DONTNEED);
}

}  // namespace

void return_freed_memory() {
#ifdef M_MMAP_THRESHOLD
  // Setting it also ends its growing. Below 1 MiB each page of a list would be mapped and unmapped:
  // a third more CPU, measured.
  (void)mallopt(M_MMAP_THRESHOLD, static_cast<int>(1_MiB));
#endif
#ifdef M_TRIM_THRESHOLD
  // By default what is free at an arena's end is given back from 128 KiB on, and taken anew for the
  // next page: a fifth of a backup's CPU, measured.
  (void)mallopt(M_TRIM_THRESHOLD, static_cast<int>(4_MiB));
#endif
}

void give_back_idle_memory() {
#ifdef __GLIBC__
  (void)malloc_trim(0);  // whether there was anything
#endif
  const auto maps = read_file("/proc/self/maps", 16_MiB);
  if (!maps) return;
  for (const std::string_view line : split(*maps, '\n'))
    unmap_code(line);
}

}  // namespace lateen
