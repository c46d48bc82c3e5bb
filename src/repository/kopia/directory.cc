#include "repository/kopia/directory.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/json.h"
#include "repository/json_reader.h"
#include "repository/kopia/additions.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

// Go's bits for what lies above the permissions.
constexpr std::uint32_t kGoSetuid = 1U << 23U;
constexpr std::uint32_t kGoSetgid = 1U << 22U;
constexpr std::uint32_t kGoSticky = 1U << 20U;

constexpr std::string_view kSpecials = "specials";

// Go's int64.
Result<std::uint64_t> read_count(JsonReader& in) {
  const std::uint64_t value = TRY(in.read_u64());
  if (value > static_cast<std::uint64_t>(INT64_MAX)) {
    return Error(Code::Corrupt, "{} is no size or number of anything", value);
  }
  return value;
}

Result<std::uint32_t> read_owner(JsonReader& in) {
  const std::uint64_t value = TRY(in.read_u64());
  if (value > UINT32_MAX) return Error(Code::Corrupt, "{} is not the ID of a user", value);
  return static_cast<std::uint32_t>(value);
}

Result<TimePoint> read_time(JsonReader& in, std::string& scratch) {
  TRY(in.read_string(scratch));
  return parse_go_time(scratch);
}

Status read_problems(JsonReader& in, std::vector<DirectorySummary::Problem>& problems) {
  if (in.take_null()) return {};
  std::string key;
  TRY(in.begin_array());
  while (TRY(in.next_value())) {
    DirectorySummary::Problem problem;
    TRY(in.begin_object());
    while (TRY(in.next_key(key))) {
      if (key == "path") {
        TRY(in.read_string(problem.path));
      } else if (key == "error") {
        TRY(in.read_string(problem.error));
      } else {
        TRY(in.skip());
      }
    }
    problems.push_back(std::move(problem));
  }
  return {};
}

Status read_summary_field(JsonReader& in, const std::string& key, KeptSummary& kept) {
  DirectorySummary& summary = kept.summary;
  std::string scratch;
  if (key == "size") {
    summary.size = TRY(read_count(in));
  } else if (key == "files") {
    summary.files = TRY(read_count(in));
  } else if (key == "symlinks") {
    summary.symlinks = TRY(read_count(in));
  } else if (key == "dirs") {
    summary.dirs = TRY(read_count(in));
  } else if (key == "maxTime") {
    summary.max_mtime = TRY(read_time(in, scratch));
  } else if (key == "incomplete") {
    TRY(in.read_string(kept.incomplete));
  } else if (key == "numFailed") {
    summary.failed = TRY(read_count(in));
  } else if (key == "numIgnoredErrors") {
    summary.ignored = TRY(read_count(in));
  } else if (key == "errors") {
    TRY(read_problems(in, summary.problems));
  } else {
    TRY(in.skip());
  }
  return {};
}

Result<KeptSummary> read_summary(JsonReader& in) {
  KeptSummary kept;
  std::string key;
  TRY(in.begin_object());
  while (TRY(in.next_key(key)))
    TRY(read_summary_field(in, key, kept));
  const DirectorySummary& summary = kept.summary;
  kept.summary.has_entries = summary.files + summary.symlinks > 0 || summary.dirs > 1;
  return kept;
}

Status read_text_field(const std::string& key, const std::string& text, StoredEntry& stored) {
  Entry& entry = stored.entry;
  if (key == "mode") {
    const auto mode = parse_go_mode(text);
    if (!mode) return Error(Code::Corrupt, "\"{}\" is not a mode", text);
    entry.mode = static_cast<std::uint16_t>(*mode);
  } else if (key == "mtime") {
    entry.mtime = TRY(parse_go_time(text));
  } else if (key == "obj") {
    if (!text.empty()) TRY(ObjectId::parse(text));
    stored.object = text;
  } else if (text == "f") {
    entry.type = EntryType::File;
  } else if (text == "d") {
    entry.type = EntryType::Directory;
  } else if (text == "s") {
    entry.type = EntryType::Symlink;
  } else {
    entry.type = special_type(text);
  }
  return {};
}

Status read_entry_field(JsonReader& in,
                        const std::string& key,
                        std::string& scratch,
                        RootEntry& root) {
  Entry& entry = root.stored.entry;
  if (in.take_null()) return {};
  if (key == "name") {
    TRY(in.read_string(entry.name));
  } else if (key == "size") {
    entry.size = TRY(read_count(in));
  } else if (key == "uid") {
    entry.uid = TRY(read_owner(in));
  } else if (key == "gid") {
    entry.gid = TRY(read_owner(in));
  } else if (key == "summ") {
    KeptSummary kept = TRY(read_summary(in));
    root.incomplete = std::move(kept.incomplete);
    root.stored.summary = std::make_shared<const DirectorySummary>(std::move(kept.summary));
  } else if (key == kAdditions) {
    TRY(read_additions(in, entry));
  } else if (key == "mode" || key == "mtime" || key == "obj" || key == "type") {
    TRY(in.read_string(scratch));
    TRY(read_text_field(key, scratch, root.stored));
  } else {
    TRY(in.skip());
  }
  return {};
}

Result<RootEntry> read_entry(JsonReader& in) {
  RootEntry root;
  std::string key;
  std::string scratch;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    auto read = read_entry_field(in, key, scratch, root);
    if (!read) {
      return std::move(read.error()).wrap("\"{}\" of entry \"{}\"", key, root.stored.entry.name);
    }
  }
  return root;
}

Status check_entry(const StoredEntry& stored) {
  if (stored.entry.type == EntryType::Unknown) {
    return Error(Code::Corrupt, "the entry \"{}\" is of a kind that is not known",
                 stored.entry.name);
  }
  if (stored.object.empty() && !is_special(stored.entry.type)) {
    return Error(Code::Corrupt, "the entry \"{}\" has no object", stored.entry.name);
  }
  return {};
}

// A name that could lead out of the directory that it is restored to is not one that kopia wrote.
Status check_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return Error(Code::Corrupt, "\"{}\" is not the name of a file", name);
  }
  return {};
}

// Velero names the one file of a block volume's snapshot by the path of its device. Without its
// folders it is a name as others are.
bool take_device_name(Entry& entry) {
  if (entry.type != EntryType::File || !entry.name.starts_with('/')) return false;
  entry.name.erase(0, entry.name.rfind('/') + 1);
  return true;
}

Status read_entries(JsonReader& in, const std::function<Status(StoredEntry&&)>& each) {
  if (in.take_null()) return {};
  TRY(in.begin_array());
  bool device = false;
  for (std::size_t count = 1; TRY(in.next_value()); ++count) {
    RootEntry entry = TRY(read_entry(in));
    device = take_device_name(entry.stored.entry) || device;
    if (device && count > 1)
      return Error(Code::Corrupt, "a path of a device, and it is not all of its directory");
    TRY(check_name(entry.stored.entry.name));
    TRY(check_entry(entry.stored));
    TRY(each(std::move(entry.stored)));
  }
  return {};
}

// What lies in a directory that kopia has no place for.
Status read_specials(JsonReader& in, const std::function<Status(StoredEntry&&)>& each) {
  std::string key;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key == kSpecials) {
      TRY(read_entries(in, each));
    } else {
      TRY(in.skip());
    }
  }
  return {};
}

}  // namespace

Result<KeptSummary> read_directory(BytesView json,
                                   const std::function<Status(StoredEntry&&)>& each) {
  JsonReader in(json);
  std::string key;
  std::string stream;
  KeptSummary summary;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key == "stream") {
      TRY(in.read_string(stream));
      if (stream != "kopia:directory") {
        return Error(Code::Corrupt, "a directory was expected, but this is \"{}\"", stream);
      }
    } else if (key == "entries") {
      TRY(read_entries(in, each));
    } else if (key == kAdditions && !in.take_null()) {
      TRY(read_specials(in, each));
    } else if (key == "summary" && !in.take_null()) {
      summary = TRY(read_summary(in));
    } else if (key != "summary" && key != kAdditions) {
      TRY(in.skip());
    }
  }
  TRY(in.end());
  if (stream.empty()) return Error(Code::Corrupt, "this is not a directory");
  return summary;
}

Result<Directory> parse_directory(BytesView json) {
  Directory directory;
  directory.summary = TRY(read_directory(json, [&](StoredEntry&& entry) -> Status {
    directory.entries.push_back(std::move(entry));
    return {};
  }));
  return directory;
}

Result<RootEntry> parse_root_entry(BytesView json) {
  JsonReader in(json);
  RootEntry root = TRY(read_entry(in));
  TRY(in.end());
  TRY(check_entry(root.stored));
  return root;
}

namespace {

void append_number(std::string& out, std::string_view key, std::uint64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out += key;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_problems(std::string& out, const std::vector<DirectorySummary::Problem>& problems) {
  std::string_view before = ",\"errors\":[{\"path\":";
  for (const DirectorySummary::Problem& problem : problems) {
    out += before;
    append_json_string(out, problem.path);
    out += ",\"error\":";
    append_json_string(out, problem.error);
    out += '}';
    before = ",{\"path\":";
  }
  if (!problems.empty()) out += ']';
}

void append_summary(std::string& out,
                    const DirectorySummary& summary,
                    std::string_view incomplete) {
  append_number(out, "{\"size\":", summary.size);
  append_number(out, ",\"files\":", summary.files);
  append_number(out, ",\"symlinks\":", summary.symlinks);
  append_number(out, ",\"dirs\":", summary.dirs);
  out += ",\"maxTime\":\"";
  append_go_time(out, summary.max_mtime);
  out += '"';
  if (!incomplete.empty()) {
    out += ",\"incomplete\":";
    append_json_string(out, incomplete);
  }
  append_number(out, ",\"numFailed\":", summary.failed);
  if (summary.ignored != 0) append_number(out, ",\"numIgnoredErrors\":", summary.ignored);
  append_problems(out, summary.problems);
  out += '}';
}

char letter_of(EntryType type) {
  if (type == EntryType::Directory) return 'd';
  return type == EntryType::Symlink ? 's' : 'f';
}

}  // namespace

void append_entry(std::string& out, const StoredEntry& stored, std::string_view incomplete) {
  const Entry& entry = stored.entry;
  out += '{';
  if (!entry.name.empty()) {
    out += "\"name\":";
    append_json_string(out, entry.name);
    out += ',';
  }
  out += "\"type\":\"";
  if (is_special(entry.type)) {
    out += special_word(entry.type);
  } else {
    out += letter_of(entry.type);
  }
  out += '"';
  if (entry.mode != 0) {
    out += ",\"mode\":\"";
    out += write_go_mode(entry.mode);
    out += '"';
  }
  const bool sized = entry.type != EntryType::Directory;
  if (sized && entry.size != 0) append_number(out, ",\"size\":", entry.size);
  if (entry.mtime != TimePoint{}) {
    out += ",\"mtime\":\"";
    append_go_time(out, entry.mtime);
    out += '"';
  }
  if (entry.uid != 0) append_number(out, ",\"uid\":", entry.uid);
  if (entry.gid != 0) append_number(out, ",\"gid\":", entry.gid);
  if (!is_special(entry.type)) {
    out += ",\"obj\":\"";
    out += stored.object;
    out += '"';
  }
  if (stored.summary) {
    out += ",\"summ\":";
    const bool partial = incomplete.empty() && stored.summary->partial;
    append_summary(out, *stored.summary, partial ? kCheckpoint : incomplete);
  }
  append_additions(out, entry);
  out += '}';
}

namespace {

void append_specials(std::string& out, const std::vector<const StoredEntry*>& specials) {
  if (specials.empty()) return;
  out += fmt::format(",\"{}\":{{\"{}\":", kAdditions, kSpecials);
  char before = '[';
  for (const StoredEntry* entry : specials) {
    out += before;
    append_entry(out, *entry);
    before = ',';
  }
  out += "]}";
}

}  // namespace

std::string write_directory(std::span<const StoredEntry> entries, const KeptSummary& summary) {
  std::vector<const StoredEntry*> sorted;
  std::vector<const StoredEntry*> specials;
  sorted.reserve(entries.size());
  for (const StoredEntry& entry : entries)
    (is_special(entry.entry.type) ? specials : sorted).push_back(&entry);
  std::ranges::sort(sorted, [](const StoredEntry* a, const StoredEntry* b) {
    const bool a_directory = a->entry.type == EntryType::Directory;
    const bool b_directory = b->entry.type == EntryType::Directory;
    return a_directory != b_directory ? a_directory : a->entry.name < b->entry.name;
  });
  std::string out = R"({"stream":"kopia:directory","entries":)";
  char before = '[';
  for (const StoredEntry* entry : sorted) {
    out += before;
    append_entry(out, *entry);
    before = ',';
  }
  out += sorted.empty() ? "null" : "]";
  out += ",\"summary\":";
  append_summary(out, summary.summary, summary.incomplete);
  append_specials(out, specials);
  out += "}\n";
  return out;
}

std::optional<std::uint32_t> parse_go_mode(std::string_view text) {
  if (text.size() < 2 || text.front() != '0') return std::nullopt;
  std::uint32_t go = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), go, 8);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  std::uint32_t mode = go & 0777U;
  if ((go & kGoSetuid) != 0) mode |= S_ISUID;
  if ((go & kGoSetgid) != 0) mode |= S_ISGID;
  if ((go & kGoSticky) != 0) mode |= S_ISVTX;
  return mode;
}

std::string write_go_mode(std::uint32_t mode) {
  std::uint32_t go = mode & 0777U;
  if ((mode & S_ISUID) != 0) go |= kGoSetuid;
  if ((mode & S_ISGID) != 0) go |= kGoSetgid;
  if ((mode & S_ISVTX) != 0) go |= kGoSticky;
  return fmt::format("0{:o}", go);
}

}  // namespace lateen::repository::kopia
