#include "assurance/deleted_objects.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_set>

#include "assurance/live_objects.h"
#include "assurance/object_noise.h"
#include "base/json.h"
#include "base/thread.h"

namespace lateen::assurance {
namespace {

using archive::ArchivedItem;
using archive::ItemKey;

constexpr std::size_t kMissingAtOnce = 16;

std::string identity(std::string_view group_resource, std::string_view ns, std::string_view name) {
  return fmt::format("{}\n{}\n{}", group_resource, ns, name);
}

// Names of what lives. About a hundred bytes each. Thread-safe.
class LiveNames {
 public:
  void add(const std::string& group_resource, const ListPage& page) {
    const Lock lock(mu_);
    for (const ObjectSlice& item : page.items())
      names_.insert(identity(group_resource, item.ns, item.name));
  }

  // Notes the object as known from then on. False when it was.
  bool add(const ItemKey& key) {
    const Lock lock(mu_);
    return names_.insert(identity(key.group_resource, key.ns, key.name)).second;
  }

 private:
  Mutex mu_;
  std::unordered_set<std::string> names_ LATEEN_GUARDED_BY(mu_);
};

bool is_looked_for(const ItemKey& key, const std::string& ns) {
  return key.preferred && !is_volatile_kind(key.group_resource) && (ns.empty() || key.ns == ns);
}

std::vector<const kube::ResourceType*> kinds_in(std::span<const OpenBackup> backups,
                                                const std::string& ns,
                                                const kube::Discovery& discovery) {
  std::set<std::string_view> names;
  for (const OpenBackup& backup : backups) {
    for (const ArchivedItem& item : backup.reader->items()) {
      if (is_looked_for(item.key, ns)) names.insert(item.key.group_resource);
    }
  }
  std::vector<const kube::ResourceType*> types;
  for (const std::string_view name : names) {
    const auto* type = discovery.find(kube::parse_group_resource(name));
    if (type != nullptr) types.push_back(type);
  }
  return types;
}

}  // namespace

Result<std::vector<DeletedObject>> find_deleted(std::span<const OpenBackup> newest_first,
                                                const std::string& ns,
                                                const kube::Discovery& discovery,
                                                kube::Client& client,
                                                std::stop_token stop) {
  LiveNames live;
  const auto visit = [&live](const kube::ResourceType& type, const ListPage& page) -> Status {
    live.add(type.group_resource(), page);
    return {};
  };
  TRY(visit_live(client, kinds_in(newest_first, ns, discovery), ns, visit, stop));
  std::vector<DeletedObject> deleted;
  for (const OpenBackup& backup : newest_first) {
    std::vector<const ArchivedItem*> missing;
    for (const ArchivedItem& item : backup.reader->items()) {
      if (is_looked_for(item.key, ns) && live.add(item.key)) missing.push_back(&item);
    }
    std::vector<char> made(missing.size(), 0);
    TRY(parallel_for(
        missing.size(), kMissingAtOnce,
        [&](std::size_t i, const std::stop_token& inner) -> Status {
          if (inner.stop_requested()) return Error(Code::Canceled, "it was stopped");
          // One that cannot be read is named: its restore will say what is wrong with it.
          const auto text = backup.reader->read(*missing[i]);
          const auto object = text ? parse_json(*text) : Result<Json>(Json());
          made[i] = object && is_made_by_controller(*object) ? 1 : 0;
          return {};
        },
        stop));
    for (std::size_t i = 0; i < missing.size(); ++i) {
      if (made[i] == 0)
        deleted.push_back({.object = ObjectName::of(missing[i]->key), .backup = backup.name});
    }
  }
  std::sort(deleted.begin(), deleted.end(), [](const DeletedObject& a, const DeletedObject& b) {
    return std::tie(a.backup, a.object) < std::tie(b.backup, b.object);
  });
  return deleted;
}

std::vector<std::size_t> backups_since(std::span<const BackupTime> backups, TimePoint since) {
  std::map<std::string_view, std::size_t> before;  // by schedule: the newest one
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < backups.size(); ++i) {
    if (backups[i].time > since) {
      chosen.push_back(i);
      continue;
    }
    const auto [known, is_first] = before.emplace(backups[i].schedule, i);
    if (!is_first && backups[known->second].time <= backups[i].time) known->second = i;
  }
  for (const auto& [schedule, i] : before)
    chosen.push_back(i);
  // Of one second, the later in the list first.
  std::sort(chosen.begin(), chosen.end(), [&backups](std::size_t a, std::size_t b) {
    return std::tuple(backups[a].time, a) > std::tuple(backups[b].time, b);
  });
  return chosen;
}

}  // namespace lateen::assurance
