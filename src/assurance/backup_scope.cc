#include "assurance/backup_scope.h"

#include <algorithm>

#include "base/text.h"
#include "model/names.h"

namespace lateen::assurance {
namespace {

const backup::CollectionStep* step_of(const backup::BackupPlan& plan,
                                      const kube::ResourceType& type) {
  for (const auto& rank : plan.ranks) {
    for (const backup::CollectionStep& step : rank) {
      if (step.type.gvr.group_resource() == type.gvr.group_resource()) return &step;
    }
  }
  return nullptr;
}

bool is_selected(const backup::CollectionStep& step, const kube::Labels& labels) {
  return step.label_selectors.empty() ||
         std::any_of(step.label_selectors.begin(), step.label_selectors.end(),
                     [&labels](const std::string& text) {
                       const auto selector = kube::LabelSelector::parse(text);
                       return selector && selector->matches(labels);
                     });
}

std::string why_not(const backup::BackupPlan& plan,
                    const kube::ResourceType& type,
                    const ObjectName& object,
                    const kube::Labels* labels) {
  const backup::CollectionStep* step = step_of(plan, type);
  if (step == nullptr) {
    const backup::Reason reason = plan.resources.why_not_collected(type);
    return reason.empty() ? fmt::format("{} cannot be listed", object.group_resource)
                          : fmt::format("{} are not taken: {}", object.group_resource, reason);
  }
  if (type.namespaced && !plan.namespaces.includes(object.ns))
    return fmt::format("namespace {} is not included", object.ns);
  if (labels == nullptr) return {};
  const auto excluded = labels->find(model::labels::kExcludeFromBackup);
  if (excluded != labels->end() && excluded->second == "true")
    return fmt::format("it has the label {}=true", model::labels::kExcludeFromBackup);
  if (is_selected(*step, *labels)) return {};
  return fmt::format("its labels do not match {}", join(step->label_selectors, " or "));
}

}  // namespace

ScopeVerdict verdict_on(const backup::BackupPlan& plan,
                        const kube::ResourceType& type,
                        const ObjectName& object,
                        const kube::Labels* labels) {
  ScopeVerdict verdict{.reason = why_not(plan, type, object, labels)};
  verdict.taken = verdict.reason.empty();
  verdict.may_come_along = !verdict.taken && plan.resources.why_not_as_additional(type).empty() &&
                           (!type.namespaced || plan.namespaces.includes(object.ns));
  return verdict;
}

}  // namespace lateen::assurance
