#include "backup/pod_backupper.h"

#include <algorithm>
#include <memory>

#include "kube/object.h"
#include "model/names.h"
#include "volumes/decision.h"

namespace lateen::backup {
namespace {

const kube::GroupVersionResource kPodClaims{"", "v1", "persistentvolumeclaims"};

// Of one block, while other blocks are at work too.
constexpr std::size_t kClaimsAtOnce = 4;

// Puts the pods that orderedResources names before the others; says how many there are.
std::size_t put_first(const std::vector<std::string>& order, std::vector<Json>& pods) {
  const auto place = [&order](const Json& pod) {
    return std::find(order.begin(), order.end(), kube::object_key(pod)) - order.begin();
  };
  std::stable_sort(pods.begin(), pods.end(),
                   [&place](const Json& a, const Json& b) { return place(a) < place(b); });
  const auto others = std::find_if(
      pods.begin(), pods.end(), [&](const Json& pod) { return place(pod) == std::ssize(order); });
  return static_cast<std::size_t>(others - pods.begin());
}

bool is_selecting(const model::BackupSpec& spec) {
  return spec.label_selector || !spec.or_label_selectors.empty();
}

// Running pods by the claims that they mount, whatever their labels.
using MountingPods = std::multimap<std::string, std::shared_ptr<const Json>>;

Result<MountingPods> find_mounting_pods(const CollectionStep& pods,
                                        const BackupTools& tools,
                                        const BackupRunOptions& options,
                                        std::stop_token stop) {
  MountingPods found;
  CollectionStep all = pods;
  all.label_selectors = {""};
  const ItemTaker noting{
      .take = [&found](const ListPage& page, const ObjectSlice& slice) -> Status {
        if (slice.deleting || slice.label(model::labels::kExcludeFromBackup) == "true") return {};
        auto pod = parse_json(slice.kind.empty() ? page.typed(slice) : Bytes(slice.raw));
        if (!pod || string_at(*pod, "status.phase") != "Running") return {};
        const std::vector<std::string> claims = claims_of(*pod);
        if (claims.empty()) return {};
        const auto shared = std::make_shared<const Json>(std::move(*pod));
        for (const std::string& claim : claims)
          found.emplace(claim, shared);
        return {};
      },
      .again = [] {}};
  TRY(collect(all, tools, options.page_size, noting, stop));
  return found;
}

}  // namespace

Log PodBackupper::log_of(const Json& pod) const {
  return parts_.tools.log.with(
      {{"resource", "pods"}, {"namespace", kube::namespace_of(pod)}, {"name", kube::name_of(pod)}});
}

bool PodBackupper::needs_block(const Json& pod) const {
  const bool by_plugin = std::any_of(parts_.block_actions.begin(), parts_.block_actions.end(),
                                     [](const auto& action) { return action->wants_kind("pods"); });
  if (by_plugin || parts_.hooks.has_hooks(pod) || !claims_of(pod).empty()) return true;
  const JsonArray* all = array_at(pod, "spec.volumes");
  return all != nullptr && std::any_of(all->begin(), all->end(), [&](const Json& volume) {
           return (parts_.options.policy && volumes::can_be_copied(volume)) ||
                  volumes::is_chosen_for_file_system(pod, volume, nullptr, parts_.backup.spec);
         });
}

Status PodBackupper::collect_pods(const CollectionStep& step,
                                  const ItemTaker& plain,
                                  std::stop_token stop) {
  TRY(volumes_.find_claims_by_alias(step, stop));
  Pods waiting;  // of one that comes again the later counts
  ItemTaker sorting = plain;
  sorting.take = [&](const ListPage& page, const ObjectSlice& slice) -> Status {
    if (slice.deleting || slice.label(model::labels::kExcludeFromBackup) == "true") {
      return plain.take(page, slice);
    }
    auto pod = parse_json(slice.kind.empty() ? page.typed(slice) : Bytes(slice.raw));
    const std::string key = kube::object_key(slice.ns, slice.name);
    const bool is_ordered =
        std::find(step.first.begin(), step.first.end(), key) != step.first.end();
    if (!pod || !(is_ordered || needs_block(*pod))) return plain.take(page, slice);
    waiting.insert_or_assign(key, std::move(*pod));
    return {};
  };
  TRY(collect(step, parts_.tools, parts_.options.page_size, sorting, stop));
  if (is_selecting(parts_.backup.spec)) TRY(add_companions(step, waiting, stop));
  std::vector<Json> pods;
  for (const std::string& key : step.first) {
    if (waiting.count(key) > 0) continue;
    parts_.tools.log.warning(
        "An object that orderedResources names is not among those to be backed up",
        {{"resource", "pods"}, {"name", key}});
  }
  for (auto& [key, pod] : waiting)
    pods.push_back(std::move(pod));
  return back_up_pods(step, std::move(pods), stop);
}

Status PodBackupper::add_companions(const CollectionStep& step, Pods& pods, std::stop_token stop) {
  std::vector<std::string> claims;  // still to be looked at
  for (const auto& [key, pod] : pods) {
    for (std::string& claim : claims_of(pod))
      claims.push_back(std::move(claim));
  }
  for (const CollectionStep& other : parts_.plan.ranks.at(1)) {  // the claims
    const ItemTaker noting{.take = [&claims](const ListPage&, const ObjectSlice& slice) -> Status {
                             claims.push_back(kube::object_key(slice.ns, slice.name));
                             return {};
                           },
                           .again = [] {}};
    TRY(collect(other, parts_.tools, parts_.options.page_size, noting, stop));
  }
  if (claims.empty()) return {};
  const MountingPods mounting = TRY(find_mounting_pods(step, parts_.tools, parts_.options, stop));
  std::set<std::string> seen;
  while (!claims.empty()) {
    const std::string claim = std::move(claims.back());
    claims.pop_back();
    if (!seen.insert(claim).second) continue;
    for (auto [at, end] = mounting.equal_range(claim); at != end; ++at) {
      const auto [added, is_new] = pods.emplace(kube::object_key(*at->second), *at->second);
      if (!is_new) continue;
      log_of(added->second).info("Adding pod to ItemBlock", {{"claim", claim}});
      for (std::string& further : claims_of(added->second))
        claims.push_back(std::move(further));
    }
  }
  return {};
}

Status PodBackupper::back_up_pods(const CollectionStep& step,
                                  std::vector<Json> pods,
                                  std::stop_token stop) {
  const std::size_t ordered = put_first(step.first, pods);
  const std::vector<PodBlock> blocks = group_pods(std::move(pods), ordered, [&](const Json& pod) {
    return block_keys_of(pod, parts_.block_actions, log_of(pod), stop);
  });
  const std::size_t begin = ordered > 0 ? 1 : 0;
  if (ordered > 0) TRY(back_up_block(step.type, blocks.front(), stop));
  return parallel_for(
      blocks.size() - begin, parts_.options.workers,
      [&](std::size_t i, std::stop_token s) {
        return back_up_block(step.type, blocks[begin + i], s);
      },
      stop);
}

Status PodBackupper::back_up_block(const kube::ResourceType& type,
                                   const PodBlock& block,
                                   std::stop_token stop) {
  std::vector<const Json*> begun;
  std::vector<const Json*> passed;
  for (const Json& pod : block) {
    if (stop.stop_requested()) break;
    begun.push_back(&pod);
    const Log log = log_of(pod);
    if (parts_.hooks.run(pod, model::HookPhase::Pre, log, stop)) {
      passed.push_back(&pod);
    } else {
      log.error("Error running pre hooks for pod, it is not in this backup");
    }
  }
  Status stored = stop.stop_requested() ? Error(Code::Canceled, "the backup was stopped")
                                        : store_block(type, passed, stop);
  // What a pre hook froze is thawed whatever happened since, also when told to stop; and where one
  // failed, for nobody knows how far it came. (Velero leaves such a pod as it is.)
  for (const Json* pod : begun)
    parts_.hooks.run(*pod, model::HookPhase::Post, log_of(*pod), {});
  return stored;
}

Status PodBackupper::store_block(const kube::ResourceType& type,
                                 const std::vector<const Json*>& pods,
                                 std::stop_token stop) {
  // Of all pods before the first claim: a claim that one of them wants copied is not snapshotted
  // for another.
  std::vector<std::vector<ChosenPodVolume>> chosen;
  for (const Json* pod : pods)
    chosen.push_back(TRY(volumes_.choose(*pod, log_of(*pod), stop)));
  TRY(store_claims(pods, stop));
  std::vector<const Json*> copied;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const bool is_in = TRY(parts_.items.back_up(type, *pods[i], stop));
    parts_.tell_progress();
    if (!is_in) {
      for (const ChosenPodVolume& one : chosen[i])
        parts_.volumes.copy_refused(*pods[i], one, "the pod is not in the backup");
    } else if (!chosen[i].empty()) {
      TRY(volumes_.begin_copies(*pods[i], chosen[i], log_of(*pods[i]), stop));
      copied.push_back(pods[i]);
    }
  }
  if (parts_.options.pod_volumes == nullptr) return {};
  for (const Json* pod : copied) {
    if (parts_.hooks.has_hooks(*pod)) TRY(parts_.options.pod_volumes->wait_for(*pod, stop));
  }
  return {};
}

// Several at once: each snapshot takes the storage its time. What the pods lead to is then in.
Status PodBackupper::store_claims(const std::vector<const Json*>& pods, std::stop_token stop) {
  std::vector<RelatedItem> claims;
  std::vector<Log> logs;
  for (const Json* pod : pods) {
    // Of one that does not run a claim may be missing, which is told when the pod's turn comes.
    if (string_at(*pod, "status.phase") != "Running") continue;
    for (const std::string& key : claims_of(*pod)) {
      const auto [ns, name] = kube::parse_object_key(key);
      claims.push_back({.kind = kPodClaims.group_resource(), .ns = ns, .name = name});
      logs.push_back(log_of(*pod));
    }
  }
  if (claims.size() < 2) return {};  // one comes with its pod
  return parallel_for(
      claims.size(), std::min(kClaimsAtOnce, parts_.options.workers),
      [&](std::size_t i, std::stop_token s) {
        return parts_.items.back_up_related(claims[i], logs[i], s);
      },
      stop);
}

}  // namespace lateen::backup
