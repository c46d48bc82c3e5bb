#include "backup/policy_gate.h"

#include <optional>

#include "kube/object.h"

namespace lateen::backup {
namespace {

constexpr std::string_view kVsphereAction = "velero.io/vsphere-pvc-backupper";

class GatedAction final : public ItemAction {
 public:
  GatedAction(std::unique_ptr<ItemAction> action,
              kube::Client& client,
              const model::ResourcePolicy& policy)
      : action_(std::move(action)), client_(client), policy_(policy) {}

  std::string_view name() const override { return action_->name(); }

  bool applies_to(std::string_view kind) const override { return action_->applies_to(kind); }

  bool wants(const Json& object) const override { return action_->wants(object); }

  Result<ActionOutcome> execute(Json& object, const Log& log, std::stop_token stop) override {
    if (!TRY(is_skipped(object, stop))) return action_->execute(object, log, stop);
    log.info("Skip executing Backup Item Action for the matched resource policies",
             {{"actionName", name()}});
    return ActionOutcome();
  }

 private:
  Result<bool> is_skipped(const Json& object, std::stop_token stop) const {
    if (kube::kind_of(object) != "PersistentVolumeClaim") return false;
    std::optional<Json> volume;
    if (const std::string_view name = string_at(object, "spec.volumeName"); !name.empty()) {
      volume = TRY(
          client_.get({.gvr = {"", "v1", "persistentvolumes"}, .name = std::string(name)}, {}, stop)
              .wrap("reading the volume of {}", kube::object_key(object)));
    }
    const auto facts = model::VolumeFacts::from(volume ? &*volume : nullptr, nullptr, &object);
    const model::VolumePolicy* match = policy_.match(facts);
    return match != nullptr && match->action == model::VolumeAction::Skip;
  }

  const std::unique_ptr<ItemAction> action_;
  kube::Client& client_;
  const model::ResourcePolicy& policy_;
};

}  // namespace

std::unique_ptr<ItemAction> gate_by_policy(std::unique_ptr<ItemAction> action,
                                           kube::Client& client,
                                           const model::ResourcePolicy& policy) {
  if (action->name() != kVsphereAction) return action;
  return std::make_unique<GatedAction>(std::move(action), client, policy);
}

}  // namespace lateen::backup
