#include "backup/related_actions.h"

#include <map>
#include <optional>

#include "backup/pod_blocks.h"
#include "base/text.h"
#include "base/thread.h"
#include "kube/list.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::backup {

bool any_applies(const ItemActions& actions, std::string_view group_resource) {
  for (const auto& action : actions) {
    if (action->applies_to(group_resource)) return true;
  }
  return false;
}

namespace {

const kube::GroupResource kPriorityClasses{"scheduling.k8s.io", "priorityclasses"};
const kube::GroupResource kClaims{"", "persistentvolumeclaims"};
const kube::GroupResource kVolumes{"", "persistentvolumes"};
const kube::GroupResource kBindings{"rbac.authorization.k8s.io", "clusterrolebindings"};
const kube::GroupResource kRoles{"rbac.authorization.k8s.io", "clusterroles"};

class PodAction final : public ItemAction {
 public:
  std::string_view name() const override { return "velero.io/pod"; }

  bool applies_to(std::string_view kind) const override { return kind == "pods"; }

  Result<ActionOutcome> execute(Json& pod, const Log&, std::stop_token) override {
    ActionOutcome outcome;
    if (const auto priority = string_at(pod, "spec.priorityClassName"); !priority.empty()) {
      outcome.related.push_back({kPriorityClasses, {}, std::string(priority)});
    }
    for (const std::string& claim : claims_of(pod)) {
      const auto [ns, name] = kube::parse_object_key(claim);
      outcome.related.push_back({kClaims, ns, name});
    }
    return outcome;
  }
};

// Labels and selector keys of velero.io that a former restore or backup left on a claim.
void clean_claim_labels(Json& claim, std::string_view backup_name) {
  kube::remove_label(claim, model::labels::kRestoreName);
  kube::remove_label(claim, model::labels::kVolumeSnapshotName);
  if (kube::label_of(claim, model::labels::kBackupName) != backup_name) {
    kube::remove_label(claim, model::labels::kBackupName);
  }
}

class ClaimAction final : public ItemAction {
 public:
  explicit ClaimAction(std::string backup_name) : backup_name_(std::move(backup_name)) {}

  std::string_view name() const override { return "velero.io/pv"; }

  bool applies_to(std::string_view kind) const override { return kind == "persistentvolumeclaims"; }

  Result<ActionOutcome> execute(Json& claim, const Log&, std::stop_token) override {
    ActionOutcome outcome;
    clean_claim_labels(claim, backup_name_);
    const std::string volume(string_at(claim, "spec.volumeName"));
    if (volume.empty() || string_at(claim, "status.phase") != "Bound") return outcome;
    // The restored claim gets its data from the backup, and must not wait for what it was once made
    // from.
    erase(claim, "spec.dataSource");
    erase(claim, "spec.dataSourceRef");
    const Json* storage_class = find(claim, "spec.storageClassName");
    // Without a class nothing provisions a volume: the selector is then all that finds one.
    const bool statically_bound = storage_class != nullptr && as_text(storage_class).empty();
    if (!statically_bound) erase(claim, "spec.selector");
    outcome.related.push_back({kVolumes, {}, volume});
    return outcome;
  }

 private:
  const std::string backup_name_;
};

class ServiceAccountAction final : public ItemAction {
 public:
  explicit ServiceAccountAction(kube::Client& client) : client_(client) {}

  std::string_view name() const override { return "velero.io/service-account"; }

  bool applies_to(std::string_view kind) const override { return kind == "serviceaccounts"; }

  Result<ActionOutcome> execute(Json& account, const Log&, std::stop_token stop) override {
    const Lock lock(mu_);  // the first one reads for all
    if (!bindings_) bindings_ = TRY(read_bindings(stop));
    ActionOutcome outcome;
    const auto found = bindings_->find(kube::object_key(account));
    if (found == bindings_->end()) return outcome;
    for (const auto& [binding, role] : found->second) {
      outcome.related.push_back({kBindings, {}, binding});
      outcome.related.push_back({kRoles, {}, role});
    }
    return outcome;
  }

 private:
  // "namespace/account" → its (binding, role) pairs.
  using Bindings = std::map<std::string, std::vector<std::pair<std::string, std::string>>>;

  Result<Bindings> read_bindings(std::stop_token stop) {
    Bindings bindings;
    kube::ListPager pager(client_,
                          {.gvr = {"rbac.authorization.k8s.io", "v1", "clusterrolebindings"}}, {});
    while (auto page = TRY(pager.next(stop).wrap("listing ClusterRoleBindings"))) {
      for (const ObjectSlice& slice : page->items()) {
        const Json binding = TRY(slice.parse());
        const JsonArray* subjects = array_at(binding, "subjects");
        if (subjects == nullptr) continue;
        for (const Json& subject : *subjects) {
          if (string_at(subject, "kind") != "ServiceAccount") continue;
          bindings[fmt::format("{}/{}", string_at(subject, "namespace"),
                               string_at(subject, "name"))]
              .emplace_back(kube::name_of(binding), string_at(binding, "roleRef.name"));
        }
      }
    }
    return bindings;
  }

  kube::Client& client_;
  Mutex mu_;
  std::optional<Bindings> bindings_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<ItemAction> make_pod_action() {
  return std::make_unique<PodAction>();
}

std::unique_ptr<ItemAction> make_claim_action(std::string backup_name) {
  return std::make_unique<ClaimAction>(std::move(backup_name));
}

std::unique_ptr<ItemAction> make_service_account_action(kube::Client& client) {
  return std::make_unique<ServiceAccountAction>(client);
}

}  // namespace lateen::backup
