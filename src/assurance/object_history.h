// The versions of one object across many backups.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "assurance/object_lookup.h"
#include "base/clock.h"
#include "base/result.h"
#include "restore/field_changes.h"

namespace lateen::assurance {

// A backup to look into. Its lookup outlives the call.
struct HistoryBackup {
  std::string name = {};
  TimePoint time = {};
  const ObjectLookup* lookup = nullptr;
  std::string why_not_covered = {};  // why the object cannot be in it; empty: it can
};

enum class Presence {
  Held,
  Absent,      // it was not in the cluster then
  NotCovered,  // the backup left it out
  Unreadable,
};

// "held", "absent", "not covered", "unreadable".
std::string_view to_string(Presence presence);

struct HistoryEntry {
  std::string backup = {};
  TimePoint time = {};
  Presence presence = Presence::Absent;
  std::string reason = {};                  // why it is not held
  std::optional<std::size_t> version = {};  // into ObjectHistory::versions
  std::optional<HeldObject> held = {};
};

// What is the same but for its status and the like is one version.
struct ObjectVersion {
  std::string sha256 = {};  // hex, of its JSON in the first backup
  std::size_t first = 0;    // into ObjectHistory::entries
  std::size_t last = 0;
  std::size_t backups = 0;
  std::vector<restore::FieldChange> changes = {};  // since the version before; never a Secret's
  bool after_absence = false;                      // it was gone in between
};

struct ObjectHistory {
  ObjectName object = {};
  std::vector<HistoryEntry> entries = {};    // in the order of the backups
  std::vector<ObjectVersion> versions = {};  // oldest first

  // The newest backup that holds it; null when none does.
  const HistoryEntry* newest() const;
};

// `backups` oldest first. Several are looked into at once. A backup that cannot be read is an entry
// that says why, and no error.
Result<ObjectHistory> make_history(const ObjectName& object,
                                   std::span<const HistoryBackup> backups,
                                   std::stop_token stop);

// The newest backup that holds it, without looking into more than are needed; nothing when none
// does. Unreadable ones are told in `problems`.
Result<std::optional<HistoryEntry>> find_newest(const ObjectName& object,
                                                std::span<const HistoryBackup> backups,
                                                std::vector<std::string>& problems,
                                                std::stop_token stop);

}  // namespace lateen::assurance
