#include "archive/archive_scan.h"

#include "base/gzip.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kMaxRefusedNames = 20;

// Stops what unpacks without end. Not thread-safe.
class BoundedSource final : public ByteSource {
 public:
  BoundedSource(ByteSource& source, ByteCount max) : source_(source), max_(max) {}

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t n = TRY(source_.read(room));
    total_ += n;
    if (total_ > max_) {
      return Error(Code::Corrupt, "it unpacks to more than the {} bytes that are accepted", max_);
    }
    return n;
  }

 private:
  ByteSource& source_;
  const ByteCount max_;
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
  BoundedSource bounded(unpacked, limits.max_unpacked_size);
  TarReader tar(bounded);
  ScanResult result;
  while (true) {
    if (stop.stop_requested()) return Error(Code::Canceled, "reading the tarball was stopped");
    const auto entry = TRY(tar.next());
    if (!entry) return result;
    if (leads_elsewhere(entry->name)) {
      if (result.refused.size() < kMaxRefusedNames) result.refused.push_back(entry->name);
      continue;
    }
    if (entry->type != TarType::Regular) continue;
    if (entry->name == kVersionEntry || entry->name == std::string("./").append(kVersionEntry)) {
      result.format_version = trimmed(TRY(tar.read_all(1_KiB)));
    } else if (const auto object = parse_entry_name(entry->name)) {
      TRY(visit(*object, tar));
    }
  }
}

}  // namespace lateen::archive
