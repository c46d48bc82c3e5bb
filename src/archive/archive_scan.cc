#include "archive/archive_scan.h"

#include "base/gzip.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kMaxRefusedNames = 20;

// Stops what unpacks without end. Not thread-safe.
class BoundedSource final : public ByteSource {
 public:
  BoundedSource(GunzipStream& source, const ArchiveLimits& limits)
      : source_(source), limits_(limits) {}

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t n = TRY(source_.read(room));
    total_ += n;
    if (total_ > limits_.max_unpacked_size) {
      return Error(Code::Corrupt, "it unpacks to more than the {} bytes that are accepted",
                   limits_.max_unpacked_size);
    }
    const ByteCount packed = source_.compressed_offset();
    if (total_ > limits_.ratio_from && total_ / limits_.max_ratio > packed) {
      return Error(Code::Corrupt,
                   "its first {} bytes unpack to {}: more than {} times, which no objects do",
                   packed, total_, limits_.max_ratio);
    }
    return n;
  }

 private:
  GunzipStream& source_;
  const ArchiveLimits& limits_;
  ByteCount total_ = 0;
};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

bool leads_elsewhere(std::string_view name) {
  while (name.starts_with("./"))
    name.remove_prefix(2);
  while (name.ends_with('/'))
    name.remove_suffix(1);
  return !name.empty() && name != "." && !is_safe_entry_name(name);
}

}  // namespace

Result<ScanResult> scan_tarball(ByteSource& gzipped,
                                const ArchiveLimits& limits,
                                const VisitObject& visit,
                                std::stop_token stop) {
  GunzipStream unpacked(gzipped);
  BoundedSource bounded(unpacked, limits);
  TarReader tar(bounded);
  ScanResult result;
  const auto refuse = [&result](std::string& name, std::string_view why) {
    if (result.refused.size() < kMaxRefusedNames) {
      result.refused.push_back({.name = std::move(name), .why = why});
    }
  };
  for (std::size_t entries = 0;; ++entries) {
    if (stop.stop_requested()) return Error(Code::Canceled, "reading the tarball was stopped");
    auto entry = TRY(tar.next());
    if (!entry) return result;
    if (entries == limits.max_entries) {
      return Error(Code::Corrupt, "the archive has more than the {} entries that are accepted",
                   limits.max_entries);
    }
    if (leads_elsewhere(entry->name)) {
      refuse(entry->name, "its name leads out of the archive");
    } else if (entry->type == TarType::Other) {
      refuse(entry->name, "a link or a device");
    } else if (entry->type == TarType::Directory) {
      continue;
    } else if (entry->name == kVersionEntry ||
               entry->name == std::string("./").append(kVersionEntry)) {
      result.format_version = trimmed(TRY(tar.read_all(1_KiB)));
    } else if (const auto object = parse_entry_name(entry->name)) {
      const std::string_view why = why_no_object(object->key);
      if (why.empty()) {
        TRY(visit(*object, tar));
      } else {
        refuse(entry->name, why);
      }
    }
  }
}

}  // namespace lateen::archive
