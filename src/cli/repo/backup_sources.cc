#include "cli/repo/backup_sources.h"

#include <algorithm>
#include <unordered_map>

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/thread.h"

namespace lateen::cli::repo {
namespace {

constexpr ByteCount kMaxList = 1_GiB;
constexpr std::string_view kCacheTag = "CACHEDIR.TAG";
constexpr std::string_view kCacheSignature = "Signature: 8a477f597d28d172789f06886806bc55";

Result<Bytes> read_list(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, kMaxList).wrap("reading the list from stdin");
  return read_file(path, kMaxList).wrap("reading the list {}", path);
}

// The files that a shell pattern finds. InvalidArgument if it finds none.
Result<std::vector<std::string>> find_by_pattern(const std::string& pattern) {
  glob_t found = {};
  const int failed = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths;
  if (failed == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (failed == 0) return paths;
  return Error(Code::InvalidArgument, "--files-from: the pattern \"{}\" finds no files", pattern);
}

Status add_patterns(const std::string& list, std::vector<std::string>& names) {
  const Bytes text = TRY(read_list(list));
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> found = TRY(find_by_pattern(std::string(line)));
    std::move(found.begin(), found.end(), std::back_inserter(names));
  }
  return {};
}

Status add_lines(const std::string& list, std::vector<std::string>& names) {
  const Bytes text = TRY(read_list(list));
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) names.emplace_back(line);
  }
  return {};
}

Status add_raw(const std::string& list, std::vector<std::string>& names) {
  const Bytes text = TRY(read_list(list));
  if (!text.empty() && text.back() != '\0') {
    return Error(Code::InvalidArgument, "--files-from-raw: no zero byte at the end of {}", list);
  }
  for (const std::string_view name :
       split(std::string_view(text).substr(0, text.size() - 1), '\0')) {
    if (name.empty() && !text.empty()) {
      return Error(Code::InvalidArgument, "--files-from-raw: {} has an empty name", list);
    }
    if (!name.empty()) names.emplace_back(name);
  }
  return {};
}

// --exclude-if-present NAME[:HEADER]
struct Marker {
  std::string name;
  std::string header;

  bool is_in(const std::string& folder) const {
    const auto fd = open_for_reading(FilePath(folder) / name);
    if (!fd) return false;
    if (header.empty()) return true;
    const auto start = read_at(fd->get(), 0, header.size());
    return start && *start == header;
  }
};

// Whether folders hold a marker; each is looked into once. Thread-safe.
class Markers {
 public:
  explicit Markers(std::vector<Marker> markers) : markers_(std::move(markers)) {}

  // The marker itself stays, and so does the folder.
  bool excludes(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (markers_.empty() || slash == std::string::npos) return false;
    const std::string_view name = std::string_view(path).substr(slash + 1);
    const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
    const std::uint64_t present = present_in(folder);
    for (std::size_t i = 0; i < markers_.size(); ++i) {
      if ((present >> i & 1U) != 0 && markers_[i].name != name) return true;
    }
    return false;
  }

 private:
  // Forgotten when there are so many: folders come one after the other.
  static constexpr std::size_t kMaxRemembered = 10'000;

  std::uint64_t present_in(const std::string& folder) {
    {
      const Lock lock(mu_);
      const auto known = folders_.find(folder);
      if (known != folders_.end()) return known->second;
    }
    std::uint64_t present = 0;
    for (std::size_t i = 0; i < markers_.size(); ++i)
      present |= static_cast<std::uint64_t>(markers_[i].is_in(folder)) << i;
    const Lock lock(mu_);
    if (folders_.size() >= kMaxRemembered) folders_.clear();
    folders_.emplace(folder, present);
    return present;
  }

  const std::vector<Marker> markers_;
  Mutex mu_;
  std::unordered_map<std::string, std::uint64_t> folders_ LATEEN_GUARDED_BY(mu_);
};

Result<std::vector<Marker>> read_markers(const Flags& flags) {
  std::vector<Marker> markers;
  for (const std::string& text : flags.texts("exclude-if-present")) {
    const Cut parts = cut(text, ":");
    if (parts.before.empty() || parts.before.find('/') != std::string_view::npos) {
      return Error(Code::InvalidArgument, "--exclude-if-present {}: give NAME or NAME:HEADER",
                   text);
    }
    markers.push_back({.name = std::string(parts.before), .header = std::string(parts.after)});
  }
  if (flags.is("exclude-caches")) {
    markers.push_back({.name = std::string(kCacheTag), .header = std::string(kCacheSignature)});
  }
  if (markers.size() > 64) {
    return Error(Code::InvalidArgument, "--exclude-if-present is given more than 64 times");
  }
  return markers;
}

bool is_there(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

std::vector<FlagSpec> source_flags() {
  std::vector<FlagSpec> flags = pattern_flags("exclude");
  const std::vector<FlagSpec> more = {
      {.name = "exclude-if-present",
       .kind = FlagKind::Texts,
       .usage = "Leave out what is in folders with this file (that begins with HEADER)",
       .type_name = "filename[:header]"},
      {.name = "exclude-caches",
       .kind = FlagKind::Bool,
       .usage = "Leave out folders that a CACHEDIR.TAG marks as caches"},
      {.name = "exclude-larger-than",
       .usage = "Leave out larger files (K, M, G, T)",
       .type_name = "size"},
      {.name = "one-file-system",
       .kind = FlagKind::Bool,
       .usage = "Stay on the file systems of the named paths",
       .shorthand = "x"},
      {.name = "files-from",
       .kind = FlagKind::Texts,
       .usage = "File with patterns of what to save, one a line (-: standard input)",
       .type_name = "file",
       .names = "file"},
      {.name = "files-from-verbatim",
       .kind = FlagKind::Texts,
       .usage = "File with names of what to save, one a line",
       .type_name = "file",
       .names = "file"},
      {.name = "files-from-raw",
       .kind = FlagKind::Texts,
       .usage = "File with names of what to save, a zero byte behind each",
       .type_name = "file",
       .names = "file"}};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Result<BackupPaths> read_paths(RepoCall& call) {
  const Flags& flags = call.flags();
  std::vector<std::string> names;
  for (const std::string& list : flags.texts("files-from"))
    TRY(add_patterns(list, names));
  for (const std::string& list : flags.texts("files-from-verbatim"))
    TRY(add_lines(list, names));
  for (const std::string& list : flags.texts("files-from-raw"))
    TRY(add_raw(list, names));
  names.insert(names.end(), call.call.args.begin(), call.call.args.end());
  if (names.empty()) {
    return Error(Code::InvalidArgument, "nothing to back up: name at least one file or directory");
  }
  BackupPaths paths;
  for (const std::string& name : names) {
    if (is_there(name)) {
      paths.paths.emplace_back(name);
    } else {
      paths.missing.push_back(name);
    }
  }
  if (!paths.paths.empty()) return paths;
  return Error(Code::InvalidArgument, "all source directories/files do not exist");
}

Result<Excludes> read_excludes(const Flags& flags) {
  const auto patterns = std::make_shared<const PatternSet>(TRY(PatternSet::read(flags, "exclude")));
  const auto markers = std::make_shared<Markers>(TRY(read_markers(flags)));
  const ByteCount largest =
      flags.given("exclude-larger-than")
          ? TRY(parse_size(flags.text("exclude-larger-than")).wrap("--exclude-larger-than"))
          : 0;
  Excludes excludes{.texts = patterns->texts()};
  excludes.exclude = [patterns, markers, largest](const std::string& path,
                                                  const repository::Entry& entry) {
    if (largest > 0 && entry.type == repository::EntryType::File && entry.size > largest)
      return true;
    return patterns->look_at(path).matched || markers->excludes(path);
  };
  return excludes;
}

}  // namespace lateen::cli::repo
