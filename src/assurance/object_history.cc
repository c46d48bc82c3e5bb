#include "assurance/object_history.h"

#include <algorithm>
#include <map>

#include "assurance/object_noise.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/thread.h"

namespace lateen::assurance {
namespace {

// Requests wait for each other more than they cost; a backup without an index takes its tarball's
// size of scratch space while it is read.
constexpr std::size_t kBackupsAtOnce = 16;

HistoryEntry look_into(const HistoryBackup& backup,
                       const ObjectName& object,
                       const std::stop_token& stop) {
  HistoryEntry entry{.backup = backup.name, .time = backup.time};
  auto held = backup.lookup->find(backup.name, object, stop);
  if (!held) {
    entry.presence = Presence::Unreadable;
    entry.reason = held.error().message();
  } else if (*held) {
    entry.presence = Presence::Held;
    entry.held = std::move(*held);
  } else if (!backup.why_not_covered.empty()) {
    entry.presence = Presence::NotCovered;
    entry.reason = backup.why_not_covered;
  }
  return entry;
}

Status look_into_all(std::span<const HistoryBackup> backups,
                     const ObjectName& object,
                     std::span<HistoryEntry> entries,
                     std::stop_token stop) {
  return parallel_for(
      backups.size(), kBackupsAtOnce,
      [&](std::size_t i, const std::stop_token& inner) -> Status {
        entries[i] = look_into(backups[i], object, inner);
        if (inner.stop_requested()) return Error(Code::Canceled, "it was stopped");
        return {};
      },
      stop);
}

// The entries that hold what no entry before them holds, byte for byte.
std::vector<std::size_t> first_holders(const std::vector<HistoryEntry>& entries) {
  std::map<archive::Sha256Digest, std::size_t> seen;
  std::vector<std::size_t> firsts;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].held && seen.emplace(entries[i].held->sha256, i).second) firsts.push_back(i);
  }
  return firsts;
}

// What the digests stand for, without its noise. Bound: one object for each different digest.
using Contents = std::map<archive::Sha256Digest, Json>;

Result<Contents> read_contents(std::span<const HistoryBackup> backups,
                               std::vector<HistoryEntry>& entries,
                               std::stop_token stop) {
  const std::vector<std::size_t> firsts = first_holders(entries);
  std::vector<Json> read(firsts.size());
  const auto read_one = [&](std::size_t i, const std::stop_token& inner) -> Status {
    HistoryEntry& entry = entries[firsts[i]];
    const Bytes text = TRY(backups[firsts[i]].lookup->read(entry.backup, *entry.held, inner));
    read[i] = without_noise(TRY(parse_json(text).wrap("backup {}", entry.backup)));
    return {};
  };
  const auto try_one = [&](std::size_t i, const std::stop_token& inner) -> Status {
    const Status done = read_one(i, inner);
    if (done || inner.stop_requested()) return done;
    HistoryEntry& entry = entries[firsts[i]];
    entry.presence = Presence::Unreadable;
    entry.reason = done.error().message();
    return {};
  };
  TRY(parallel_for(firsts.size(), kBackupsAtOnce, try_one, std::move(stop)));
  Contents contents;
  for (std::size_t i = 0; i < firsts.size(); ++i)
    contents.emplace(entries[firsts[i]].held->sha256, std::move(read[i]));
  return contents;
}

ObjectVersion version_of(const HistoryEntry& entry, std::size_t at) {
  const archive::Sha256Digest& digest = entry.held->sha256;
  return {.sha256 = hex_encode({digest.data(), digest.size()}), .first = at, .last = at};
}

void number_versions(ObjectHistory& history, const Contents& contents) {
  const bool is_secret = history.object.group_resource == "secrets";
  const Json* current = nullptr;
  bool absent_since = false;
  for (std::size_t i = 0; i < history.entries.size(); ++i) {
    HistoryEntry& entry = history.entries[i];
    if (entry.presence == Presence::Absent) absent_since = current != nullptr;
    if (entry.presence != Presence::Held) continue;
    const Json& content = contents.at(entry.held->sha256);
    if (content.is_null()) {  // it could not be read out of the first backup that has these bytes
      entry.presence = Presence::Unreadable;
      continue;
    }
    if (current == nullptr || absent_since || *current != content) {
      ObjectVersion version = version_of(entry, i);
      version.after_absence = absent_since;
      if (current != nullptr)
        version.changes = restore::field_changes(*current, content, is_secret);
      history.versions.push_back(std::move(version));
    }
    current = &content;
    absent_since = false;
    ObjectVersion& version = history.versions.back();
    version.last = i;
    ++version.backups;
    entry.version = history.versions.size() - 1;
  }
}

}  // namespace

std::string_view to_string(Presence presence) {
  switch (presence) {
    case Presence::Held:
      return "held";
    case Presence::Absent:
      return "absent";
    case Presence::NotCovered:
      return "not covered";
    case Presence::Unreadable:
      return "unreadable";
  }
  return "unreadable";
}

const HistoryEntry* ObjectHistory::newest() const {
  const auto found = std::find_if(entries.rbegin(), entries.rend(), [](const HistoryEntry& entry) {
    return entry.presence == Presence::Held;
  });
  return found == entries.rend() ? nullptr : &*found;
}

Result<ObjectHistory> make_history(const ObjectName& object,
                                   std::span<const HistoryBackup> backups,
                                   std::stop_token stop) {
  ObjectHistory history{.object = object};
  history.entries.resize(backups.size());
  TRY(look_into_all(backups, object, history.entries, stop));
  const Contents contents = TRY(read_contents(backups, history.entries, stop));
  number_versions(history, contents);
  return history;
}

Result<std::optional<HistoryEntry>> find_newest(const ObjectName& object,
                                                std::span<const HistoryBackup> backups,
                                                std::vector<std::string>& problems,
                                                std::stop_token stop) {
  while (!backups.empty()) {
    const std::size_t count = std::min(backups.size(), kBackupsAtOnce);
    const auto newest = backups.last(count);
    std::vector<HistoryEntry> entries(count);
    TRY(look_into_all(newest, object, entries, stop));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (entry->presence == Presence::Held) return std::optional(std::move(*entry));
      if (entry->presence == Presence::Unreadable) problems.push_back(entry->reason);
    }
    backups = backups.first(backups.size() - count);
  }
  return std::optional<HistoryEntry>();
}

}  // namespace lateen::assurance
