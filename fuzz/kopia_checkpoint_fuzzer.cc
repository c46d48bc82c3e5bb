// Checkpoints: directories and snapshots that are not whole, with parts of large files under names
// of their own. What is not whole stays so when it is written again.
#include <algorithm>

#include "fuzzer.h"
#include "repository/kopia/directory.h"
#include "repository/kopia/manifests.h"
#include "repository/kopia/object_id.h"
#include "repository/kopia/snapshot.h"

namespace {

namespace kopia = lateen::repository::kopia;

using lateen::repository::StoredEntry;

void try_snapshot(lateen::BytesView bytes) {
  const auto snapshot = kopia::parse_snapshot({.id = "00", .data = lateen::Bytes(bytes)});
  if (!snapshot) return;
  const auto again = kopia::parse_snapshot({.id = "00", .data = kopia::write_snapshot(*snapshot)});
  LATEEN_ASSERT(again && again->incomplete == snapshot->incomplete, "it is as whole as it was");
}

void try_entry(const StoredEntry& entry) {
  const lateen::Bytes& name = entry.entry.name;
  LATEEN_ASSERT(!name.empty() && name != "." && name != ".." &&
                    name.find('/') == lateen::Bytes::npos && name.find('\0') == lateen::Bytes::npos,
                "a name is one component");
  std::string text;
  kopia::append_entry(text, entry, kopia::kCheckpoint);
  const auto again = kopia::parse_root_entry(text);
  LATEEN_ASSERT(again && again->stored.object == entry.object, "the same object comes back");
  LATEEN_ASSERT(!entry.summary || again->incomplete == kopia::kCheckpoint, "it is not whole");
  static_cast<void>(kopia::ObjectId::parse(entry.object));
}

void try_directory(lateen::BytesView bytes) {
  const auto directory = kopia::parse_directory(bytes);
  if (!directory) return;
  std::ranges::for_each(directory->entries, try_entry);
  kopia::KeptSummary partial = directory->summary;
  partial.incomplete = kopia::kCheckpoint;
  const auto again = kopia::parse_directory(kopia::write_directory(directory->entries, partial));
  LATEEN_ASSERT(again && again->entries.size() == directory->entries.size(), "as many come back");
  LATEEN_ASSERT(again->summary.incomplete == kopia::kCheckpoint, "it is still not whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    try_directory(bytes);
  } else {
    try_snapshot(bytes);
  }
  return 0;
}
