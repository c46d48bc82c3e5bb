#include "assurance/object_comparison.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "assurance/backup_scope.h"
#include "assurance/live_objects.h"
#include "assurance/object_noise.h"
#include "base/json.h"
#include "base/thread.h"
#include "kube/object.h"

namespace lateen::assurance {
namespace {

using archive::ArchivedItem;
using archive::ArchiveReader;
using archive::ItemKey;

constexpr std::size_t kReadAtOnce = 16;

// An object of the newer side. Views for one call.
struct NewerObject {
  const ItemKey& key;
  const archive::Sha256Digest& sha256;
  const std::function<Result<Bytes>()>& read;
  bool is_covered;  // the older side would hold it, had it been there
};

// The older side, and what the newer one was held against so far. Thread-safe.
class Comparing {
 public:
  Comparing(const ArchiveReader& before, const ComparisonOptions& options)
      : before_(before),
        options_(options),
        seen_(std::make_unique<std::atomic<bool>[]>(before.items().size())) {}

  bool is_wanted(const ItemKey& key) const {
    return key.preferred && (options_.ns.empty() || key.ns == options_.ns) &&
           (options_.group_resource.empty() || key.group_resource == options_.group_resource);
  }

  Status take(const NewerObject& newer) {
    const ItemKey& key = newer.key;
    if (!is_wanted(key)) return {};
    const ArchivedItem* older = before_.find(key.group_resource, key.ns, key.name);
    if (older == nullptr && !newer.is_covered) return {};
    if (older != nullptr) {
      seen_[static_cast<std::size_t>(older - before_.items().data())] = true;
      if (older->location.sha256 == newer.sha256) return count_same();
    }
    if (is_passed_over(key)) return count_left_out();
    const Json after = TRY(parse_json(TRY(newer.read())));
    if (is_made(after)) return count_left_out();
    if (older == nullptr) return note(key, Difference::Added, {});
    const Json before = TRY(parse_json(TRY(before_.read(*older))));
    auto changes = restore::field_changes(without_noise(before), without_noise(after),
                                          key.group_resource == "secrets");
    if (changes.empty()) return count_same();
    return note(key, Difference::Changed, std::move(changes));
  }

  // What was not on the newer side.
  Status take_unseen(std::stop_token stop) {
    std::vector<const ArchivedItem*> unseen;
    for (std::size_t i = 0; i < before_.items().size(); ++i) {
      const ArchivedItem& item = before_.items()[i];
      if (!seen_[i] && is_wanted(item.key)) unseen.push_back(&item);
    }
    return parallel_for(
        unseen.size(), kReadAtOnce,
        [&](std::size_t i, const std::stop_token&) -> Status {
          if (is_passed_over(unseen[i]->key)) return count_left_out();
          const Json before = TRY(parse_json(TRY(before_.read(*unseen[i]))));
          if (is_made(before)) return count_left_out();
          return note(unseen[i]->key, Difference::Removed, {});
        },
        std::move(stop));
  }

  ObjectComparison result() {
    const Lock lock(mu_);
    std::sort(
        result_.differences.begin(), result_.differences.end(),
        [](const ObjectDifference& a, const ObjectDifference& b) { return a.object < b.object; });
    return std::move(result_);
  }

 private:
  bool is_passed_over(const ItemKey& key) const {
    return !options_.with_made_ones && is_volatile_kind(key.group_resource);
  }

  bool is_made(const Json& object) const {
    return !options_.with_made_ones && is_made_by_controller(object);
  }

  Status note(const ItemKey& key,
              Difference difference,
              std::vector<restore::FieldChange> changes) {
    const Lock lock(mu_);
    result_.differences.push_back(
        {.object = ObjectName::of(key), .difference = difference, .changes = std::move(changes)});
    return {};
  }

  Status count_same() {
    const Lock lock(mu_);
    ++result_.same;
    return {};
  }

  Status count_left_out() {
    const Lock lock(mu_);
    ++result_.left_out;
    return {};
  }

  const ArchiveReader& before_;
  const ComparisonOptions& options_;
  const std::unique_ptr<std::atomic<bool>[]> seen_;  // by the number of the older side's items
  Mutex mu_;
  ObjectComparison result_ LATEEN_GUARDED_BY(mu_);
};

// The kinds to list, and what the plan covers of each. Immutable.
class LiveKinds {
 public:
  LiveKinds(const ArchiveReader& before,
            const backup::BackupPlan& plan,
            const kube::Discovery& discovery) {
    for (const auto& rank : plan.ranks) {
      for (const backup::CollectionStep& step : rank)
        add(discovery.find(step.type.gvr));
    }
    for (const ArchivedItem& item : before.items()) {
      if (types_.count(item.key.group_resource) == 0)
        add(discovery.find(kube::parse_group_resource(item.key.group_resource)));
    }
  }

  std::vector<const kube::ResourceType*> wanted(const ComparisonOptions& options) const {
    std::vector<const kube::ResourceType*> wanted;
    for (const auto& [name, type] : types_) {
      if (!options.group_resource.empty() && options.group_resource != name) continue;
      if (options.ns.empty() || type->namespaced) wanted.push_back(type);
    }
    return wanted;
  }

 private:
  void add(const kube::ResourceType* type) {
    if (type != nullptr) types_.emplace(type->group_resource(), type);
  }

  std::map<std::string, const kube::ResourceType*, std::less<>> types_;
};

Status take_page(Comparing& comparing,
                 const backup::BackupPlan& plan,
                 const kube::ResourceType& type,
                 const ListPage& page) {
  const std::string group_resource = type.group_resource();
  for (const ObjectSlice& slice : page.items()) {
    const ItemKey key{.group_resource = group_resource,
                      .ns = slice.ns,
                      .name = slice.name,
                      .version = type.gvr.version};
    if (!comparing.is_wanted(key)) continue;
    // As a backup would store it.
    const Bytes bytes = page.typed(slice);
    const archive::Sha256Digest sha256 = archive::sha256_digest(bytes);
    const std::function<Result<Bytes>()> read = [&bytes] { return Result<Bytes>(bytes); };
    const JsonObject labels = TRY(slice.parse_labels());
    const kube::Labels known = kube::to_labels(&labels);
    const bool covered = verdict_on(plan, type, ObjectName::of(key), &known).taken;
    TRY(comparing.take(
        {.key = key, .sha256 = sha256, .read = read, .is_covered = covered && !slice.deleting}));
  }
  return {};
}

}  // namespace

std::string_view to_string(Difference difference) {
  switch (difference) {
    case Difference::Added:
      return "added";
    case Difference::Removed:
      return "removed";
    case Difference::Changed:
      return "changed";
  }
  return "changed";
}

Result<ObjectComparison> compare_backups(const ArchiveReader& before,
                                         const ArchiveReader& after,
                                         const ComparisonOptions& options,
                                         std::stop_token stop) {
  Comparing comparing(before, options);
  const auto items = after.items();
  const auto take = [&](std::size_t i, const std::stop_token&) {
    const ArchivedItem& item = items[i];
    const std::function<Result<Bytes>()> read = [&] { return after.read(item); };
    return comparing.take(
        {.key = item.key, .sha256 = item.location.sha256, .read = read, .is_covered = true});
  };
  TRY(parallel_for(items.size(), kReadAtOnce, take, stop));
  TRY(comparing.take_unseen(stop));
  return comparing.result();
}

Result<ObjectComparison> compare_with_cluster(const ArchiveReader& before,
                                              const backup::BackupPlan& plan,
                                              const kube::Discovery& discovery,
                                              kube::Client& client,
                                              const ComparisonOptions& options,
                                              std::stop_token stop) {
  Comparing comparing(before, options);
  const LiveKinds kinds(before, plan, discovery);
  const auto visit = [&](const kube::ResourceType& type, const ListPage& page) {
    return take_page(comparing, plan, type, page);
  };
  TRY(visit_live(client, kinds.wanted(options), options.ns, visit, stop));
  TRY(comparing.take_unseen(stop));
  return comparing.result();
}

}  // namespace lateen::assurance
