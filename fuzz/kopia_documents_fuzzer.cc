// The JSON documents of kopia's repositories: what is read and written again reads as the same.
#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "fuzzer.h"
#include "repository/kopia/directory.h"
#include "repository/kopia/epoch.h"
#include "repository/kopia/format.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/manifests.h"
#include "repository/kopia/object_id.h"
#include "repository/kopia/pack_session.h"
#include "repository/kopia/schedule.h"
#include "repository/kopia/sharded_store.h"
#include "repository/kopia/snapshot.h"
#include "repository/kopia/tree_format.h"

namespace {

namespace kopia = lateen::repository::kopia;

void try_directory(lateen::BytesView bytes) {
  const auto directory = kopia::parse_directory(bytes);
  if (!directory) return;
  const std::string once = kopia::write_directory(directory->entries, directory->summary);
  const auto again = kopia::parse_directory(once);
  LATEEN_ASSERT(again, "what was written is a directory");
  LATEEN_ASSERT(kopia::write_directory(again->entries, again->summary) == once, "and the same one");
}

void try_manifests(lateen::BytesView bytes) {
  const auto manifests = kopia::parse_manifests(bytes);
  if (!manifests) return;
  const auto again = kopia::parse_manifests(kopia::write_manifests(*manifests));
  LATEEN_ASSERT(again && again->size() == manifests->size(), "as many come back");
}

void try_snapshot(lateen::BytesView bytes) {
  const auto snapshot = kopia::parse_snapshot({.id = "00", .data = lateen::Bytes(bytes)});
  if (!snapshot) return;
  const lateen::Bytes once = kopia::write_snapshot(*snapshot);
  const auto again = kopia::parse_snapshot({.id = "00", .data = once});
  LATEEN_ASSERT(again && again->root.object == snapshot->root.object, "the same root comes back");
}

void try_list(lateen::BytesView bytes) {
  static_cast<void>(kopia::parse_list(bytes));
}

void try_format(lateen::BytesView bytes) {
  const auto format = kopia::parse_format(bytes);
  if (format) LATEEN_ASSERT(kopia::parse_format(kopia::write_format(*format)), "it reads again");
  static_cast<void>(kopia::FormatBlob::parse(bytes));
}

void try_schedule(lateen::BytesView bytes) {
  const auto schedule = kopia::parse_schedule(bytes);
  if (schedule) {
    LATEEN_ASSERT(kopia::parse_schedule(kopia::write_schedule(*schedule)), "it reads again");
  }
  static_cast<void>(kopia::parse_session_marker(bytes));
  static_cast<void>(kopia::parse_maintenance_parameters(bytes));
}

void try_names(lateen::BytesView bytes) {
  const auto object = kopia::ObjectId::parse(bytes);
  if (object) {
    LATEEN_ASSERT(kopia::ObjectId::parse(object->to_string()) == *object, "IDs come back");
  }
  const auto time = kopia::parse_go_time(bytes);
  if (time && *time != lateen::TimePoint::max()) {
    LATEEN_ASSERT(kopia::parse_go_time(kopia::format_go_time_json(*time)) == *time,
                  "times come back");
  }
  const kopia::Sharding sharding;
  LATEEN_ASSERT(bytes.find('/') != bytes.npos || sharding.blob_of(sharding.key_of(bytes)) == bytes,
                "names come back");
  static_cast<void>(kopia::Sharding::parse(bytes));
}

// A listing of index blobs: what counts is always some of what is there.
void try_epochs(lateen::BytesView bytes) {
  std::vector<kopia::BlobInfo> blobs;
  for (const std::string_view name : lateen::split(bytes, '\n')) {
    blobs.push_back({.id = std::string(name),
                     .size = name.size(),
                     .modified = lateen::TimePoint(std::chrono::hours(30 * blobs.size()))});
  }
  std::ranges::sort(blobs, {}, &kopia::BlobInfo::id);
  const kopia::EpochState state = kopia::epoch_state(blobs);
  for (const kopia::BlobInfo& active : kopia::active_indexes(state))
    LATEEN_ASSERT(std::ranges::find(blobs, active) != blobs.end(), "it was in the listing");
  static_cast<void>(kopia::should_advance(state, {}));
  static_cast<void>(kopia::complete_sets(blobs));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kTries = {try_directory, try_manifests, try_snapshot, try_list,
                                 try_format,    try_schedule,  try_names,    try_epochs};
  if (size == 0) return 0;
  kTries[data[0] % kTries.size()](lateen::fuzz::as_bytes(data + 1, size - 1));
  return 0;
}
