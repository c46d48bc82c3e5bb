#include "base/memory.h"

#include <algorithm>
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

// A control group's limit; nothing for "max", and for the number that means it in version 1.
std::optional<ByteCount> limit_in(const FilePath& file) {
  const auto text = read_file(file, 4_KiB);
  if (!text) return std::nullopt;
  const auto limit = parse_int(trim(*text));
  constexpr std::int64_t kNone = std::int64_t{1} << 60;
  if (!limit || *limit <= 0 || *limit >= kNone) return std::nullopt;
  return static_cast<ByteCount>(*limit);
}

// The groups' folders below that of their tree, from a line of /proc/self/cgroup:
// "0::/kubepods/pod1/c1", or "7:memory:/docker/c1" in version 1.
struct GroupPlace {
  std::string_view tree;  // below /sys/fs/cgroup
  std::string_view file;
  FilePath group;
};

std::optional<GroupPlace> group_place(std::string_view line) {
  const Cut number = cut(line, ":");
  const Cut controllers = cut(number.after, ":");
  if (!number.found || !controllers.found) return std::nullopt;
  FilePath group = FilePath(std::string(controllers.after)).relative_path();
  if (controllers.before.empty())
    return GroupPlace{.tree = "", .file = "memory.max", .group = std::move(group)};
  if (controllers.before != "memory") return std::nullopt;
  return GroupPlace{.tree = "memory", .file = "memory.limit_in_bytes", .group = std::move(group)};
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

std::optional<ByteCount> memory_limit(const FilePath& root) {
  const auto groups = read_file(root / "proc/self/cgroup", 64_KiB);
  std::optional<ByteCount> least;
  if (!groups) return least;
  for (const std::string_view line : split(*groups, '\n')) {
    const auto place = group_place(line);
    if (!place) continue;
    // A group has no more than those that it is in. In a container the tree begins with its own.
    FilePath group = place->group;
    while (true) {
      const auto limit = limit_in(root / "sys/fs/cgroup" / place->tree / group / place->file);
      if (limit) least = std::min(least.value_or(*limit), *limit);
      if (group.empty() || !group.has_filename()) break;
      group = group.parent_path();
    }
  }
  return least;
}

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
