// One run of maintenance. Space comes back in two marks: contents that no snapshot needs are marked
// deleted by one run; a later run, long after others could have seen the mark, drops them; and
// packs that nothing refers to go when they are old. Time is the storage's: how old a blob is
// follows from the storage's own stamps, and this machine's clock must agree with them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "repository/kopia/opened.h"

namespace lateen::repository::kopia {

// Not thread-safe; used once.
class Maintenance {
 public:
  Maintenance(Opened& repository,
              const MaintenanceRequest& request,
              Progress& progress,
              std::stop_token stop)
      : repo_(repository),
        request_(request),
        margins_(request.no_safety ? SafetyMargins::none() : SafetyMargins{}),
        progress_(progress),
        stop_(std::move(stop)) {}

  Result<MaintenanceReport> run();

  // What a full run would find were these snapshots forgotten: nothing is written.
  Result<PruneReport> estimate(std::span<const std::string> without);

 private:
  // Unused contents, by what the snapshots need.
  struct Garbage {
    std::vector<bool> is_unused = {};        // of the index' rows: to be marked deleted
    std::vector<ContentEntry> revived = {};  // marked deleted, and needed
    std::uint64_t unused = 0;
    std::uint64_t too_young = 0;
    ByteCount unused_bytes = 0;
  };

  struct StoredPacks {
    std::vector<BlobInfo> packs = {};
    std::vector<BlobInfo> markers = {};  // of sessions
  };

  // Packs that may go: nothing refers to them, they are old, and no session can be about to.
  struct UnusedPacks {
    std::vector<BlobInfo> packs = {};
    ByteCount bytes = 0;
    std::uint64_t kept = 0;
    std::vector<BlobInfo> expired_markers = {};
  };

  Status read_parameters();
  Status read_schedule();
  Status write_schedule();
  // What is due; Auto if nothing is.
  MaintenanceMode due() const;
  // Says when it begins: the storage's time.
  Status begin(MaintenanceMode mode);
  // Carries out one task and writes down when it ran and how it ended.
  Status task(std::string_view name, const std::function<Status()>& work);

  Status run_full();
  Status run_quick();
  Result<Garbage> find_garbage(std::span<const std::string> without);
  Status collect_garbage();
  Status mark_unused(const Garbage& garbage, ContentWriter& writer);
  ContentWriterOptions rewriting(std::span<const ContentEntry> contents) const;
  Status rewrite_short_packs(std::vector<ContentEntry> contents);
  // `gone`: rows that are taken for dropped; none if empty.
  std::vector<ContentEntry> contents_of_short_packs(const std::vector<bool>& gone) const;
  Status drop_deleted();
  Result<StoredPacks> list_stored_packs();
  UnusedPacks find_unused_packs(const StoredPacks& stored, const std::vector<bool>& gone) const;
  Status delete_packs();
  Status delete_markers(const std::vector<BlobInfo>& markers);
  Status compact_epochs();
  Status advance_epoch();
  Status compact_range();
  Status delete_superseded();

  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    report_.done.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  Opened& repo_;
  const MaintenanceRequest request_;
  const SafetyMargins margins_;
  Progress& progress_;
  const std::stop_token stop_;
  MaintenanceParameters parameters_;
  Schedule schedule_;
  Bytes schedule_key_;
  TimePoint start_ = {};  // by the storage's clock
  MaintenanceReport report_;
};

}  // namespace lateen::repository::kopia
