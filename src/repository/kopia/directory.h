// Directories as kopia keeps them: a JSON document of entries, directories first, each group by the
// bytes of the names; and a summary of all that lies below. An entry's object is the text of its
// ObjectId.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::repository::kopia {

// Why what is not complete is so: an upload that was still going on.
inline constexpr std::string_view kCheckpoint = "checkpoint";

// A summary, and why what it is about is not complete ("checkpoint", "canceled"), if so.
struct KeptSummary {
  DirectorySummary summary = {};
  std::string incomplete = {};
};

struct Directory {
  std::vector<StoredEntry> entries = {};
  KeptSummary summary = {};
};

// Corrupt if it is not a directory, or an entry is not one of a directory (no name, a name with a
// '/', no object).
Result<Directory> parse_directory(BytesView json);

// The same, one entry after the other, for directories of millions.
Result<KeptSummary> read_directory(BytesView json,
                                   const std::function<Status(StoredEntry&&)>& each);

// As kopia writes it, newline included: the entries in kopia's order, whatever order they come in.
std::string write_directory(std::span<const StoredEntry> entries, const KeptSummary& summary);

// One entry by itself: the root in a snapshot's manifest, which need not have a name.
struct RootEntry {
  StoredEntry stored = {};
  std::string incomplete = {};
};

Result<RootEntry> parse_root_entry(BytesView json);
// `incomplete` goes into the entry's summary.
void append_entry(std::string& out, const StoredEntry& entry, std::string_view incomplete = {});

// Modes in JSON are Go's: "0755", "040000755" with setuid. Nothing if it is not a mode.
std::optional<std::uint32_t> parse_go_mode(std::string_view text);
std::string write_go_mode(std::uint32_t mode);

}  // namespace lateen::repository::kopia
