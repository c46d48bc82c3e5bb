#include "base/memory.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include <malloc.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"

namespace lateen {
namespace {

// Addresses of this process: [begin, end).
struct Stretch {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// From the first line that /proc/self/smaps has of a mapping, if it is one of a file's that nobody
// can write to: "55d0c8a00000-55d0ce400000 r-xp 00400000 08:01 1234  /usr/bin/lateen"
std::optional<Stretch> file_stretch(std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  const Cut ends = cut(words[0], "-");
  if (!ends.found || words.size() < 6 || !words.back().starts_with('/')) return std::nullopt;
  if (words[1] != "r-xp" && words[1] != "r--p") return std::nullopt;
  const auto address = [](std::string_view text) {
    std::uintptr_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
  };
  const Stretch stretch{.begin = address(ends.before), .end = address(ends.after)};
  if (stretch.begin == 0 || stretch.end <= stretch.begin) return std::nullopt;
  return stretch;
}

void unmap_pages(const Stretch& stretch) {
  // What can't be given back stays.
  (void)::madvise(
      reinterpret_cast<void*>(stretch.begin),  // NOLINT(performance-no-int-to-ptr): the kernel's
      stretch.end - stretch.begin, MADV_DONTNEED);
}

// Code and constants. A mapping with pages that differ from the file (addresses that the loader put
// in) says so under "Anonymous", and is left alone.
void unmap_idle_files(std::string_view smaps) {
  std::optional<Stretch> stretch;
  for (const std::string_view line : split(smaps, '\n')) {
    const Cut field = cut(line, ":");
    if (field.before.find(' ') != std::string_view::npos) {
      stretch = file_stretch(line);
    } else if (stretch && field.before == "Anonymous" && trim(field.after) == "0 kB") {
      unmap_pages(*stretch);
      stretch.reset();
    }
  }
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
  const auto smaps = read_file("/proc/self/smaps", 64_MiB);
  if (smaps) unmap_idle_files(*smaps);
}

}  // namespace lateen
