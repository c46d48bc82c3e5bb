#include "backup/plugin_blocks.h"

#include "kube/object.h"

namespace lateen::backup {
namespace {

constexpr std::string_view kPodResource = "pods";
constexpr std::string_view kClaimResource = "persistentvolumeclaims";

class BlockItemAction final : public ItemAction {
 public:
  explicit BlockItemAction(std::shared_ptr<const PluginBlockAction> action)
      : action_(std::move(action)) {}

  std::string_view name() const override { return action_->name(); }

  bool applies_to(std::string_view group_resource) const override {
    return action_->wants_kind(group_resource);
  }

  bool wants(const Json& object) const override { return action_->wants_object(object); }

  Result<ActionOutcome> execute(Json& object, const Log& log, std::stop_token stop) override {
    ActionOutcome outcome;
    for (const model::ResourceIdentifier& item : action_->related(object, log, stop)) {
      outcome.related.push_back(
          {.kind = {item.group, item.resource}, .ns = item.ns, .name = item.name});
    }
    return outcome;
  }

 private:
  const std::shared_ptr<const PluginBlockAction> action_;
};

}  // namespace

std::vector<model::ResourceIdentifier> PluginBlockAction::related(const Json& object,
                                                                  const Log& log,
                                                                  std::stop_token stop) const {
  auto items = action_.related_items(write_json(object), backup_, stop);
  if (items) return std::move(*items);
  log.error("Error getting related items of an item",
            {{"error", items.error()}, {"hint", items.error().hint()}, {"actionName", name()}});
  return {};
}

std::unique_ptr<ItemAction> make_block_item_action(
    std::shared_ptr<const PluginBlockAction> action) {
  return std::make_unique<BlockItemAction>(std::move(action));
}

std::vector<std::string> block_keys_of(const Json& pod,
                                       const PluginBlockActions& actions,
                                       const Log& log,
                                       std::stop_token stop) {
  std::vector<std::string> keys;
  for (const auto& action : actions) {
    if (!action->wants_kind(kPodResource)) continue;
    // Also of a pod that is named by another.
    if (keys.empty()) keys.push_back(fmt::format("{} {}", kPodResource, kube::object_key(pod)));
    if (!action->wants_object(pod)) continue;
    for (const model::ResourceIdentifier& item : action->related(pod, log, stop)) {
      const std::string key = kube::object_key(item.ns, item.name);
      if (item.group_resource() == kPodResource)
        keys.push_back(fmt::format("{} {}", kPodResource, key));
      if (item.group_resource() == kClaimResource) keys.push_back(key);
    }
  }
  return keys;
}

}  // namespace lateen::backup
