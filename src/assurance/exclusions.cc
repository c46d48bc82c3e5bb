#include "assurance/exclusions.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "assurance/made_anew.h"
#include "assurance/object_needs.h"
#include "assurance/platform_namespaces.h"
#include "backup/backed_up_items.h"
#include "base/text.h"
#include "kube/object.h"

namespace lateen::assurance {
namespace {

// What people write with.
bool is_by_people(std::string_view manager) {
  constexpr std::array<std::string_view, 14> kPeople = {"kubectl",
                                                        "helm",
                                                        "terraform",
                                                        "pulumi",
                                                        "oc",
                                                        "k9s",
                                                        "lens",
                                                        "Mozilla",
                                                        "lateen",
                                                        "velero",
                                                        "kustomize",
                                                        "skaffold",
                                                        "before-first-apply",
                                                        "tilt"};
  return std::ranges::any_of(
      kPeople, [manager](std::string_view person) { return manager.starts_with(person); });
}

// The controller that wrote an object first, by its managed fields; "" for one that a person wrote,
// though a controller (the scheduler) may have followed in the same second.
std::string maker_of(const Json& object) {
  const JsonArray* fields = array_at(object, "metadata.managedFields");
  if (fields == nullptr) return {};
  std::string_view maker;
  std::string_view earliest;
  for (const Json& one : *fields) {
    // A status is a controller's in any case.
    if (!string_at(one, "subresource").empty()) continue;
    const std::string_view manager = string_at(one, "manager");
    const std::string_view time = string_at(one, "time");
    const bool is_first = maker.empty() || time < earliest;
    if (is_first || (time == earliest && is_by_people(manager))) {
      maker = manager;
      earliest = time;
    }
  }
  return is_by_people(maker) ? std::string() : std::string(maker);
}

std::size_t count_of(const LostKind& kind, Recovery recovery) {
  const auto at = kind.by_recovery.find(recovery);
  return at == kind.by_recovery.end() ? 0 : at->second;
}

Json to_json(const LostKind& kind) {
  JsonObject counts;
  for (const auto& [recovery, count] : kind.by_recovery)
    counts[to_string(recovery)] = count;
  return JsonObject{{"namespace", kind.ns},
                    {"kind", kind.kind},
                    {"custom", kind.is_custom},
                    {"objects", kind.total},
                    {"atRisk", kind.at_risk()},
                    {"recovery", std::move(counts)},
                    {"examples", texts_json(kind.examples)},
                    {"platform", kind.platform}};
}

}  // namespace

std::string_view to_string(Recovery recovery) {
  switch (recovery) {
    case Recovery::MadeAnew:
      return "made anew";
    case Recovery::Tracked:
      return "tracked";
    case Recovery::Release:
      return "Helm release";
    case Recovery::Controller:
      return "made by a controller";
    case Recovery::Nowhere:
      return "nowhere";
  }
  return "nowhere";
}

ObjectOrigin origin_of(std::string_view group_resource, const Json& object) {
  if (is_made_anew(group_resource, object)) return {Recovery::MadeAnew, "Kubernetes"};
  const std::string_view tool = tracking_tool(object);
  if (!tool.empty()) {
    return {tool == "Helm" ? Recovery::Release : Recovery::Tracked, std::string(tool)};
  }
  if (const auto controller = kube::controller_of(object)) {
    return {Recovery::Controller, fmt::format("{} {}", controller->kind, controller->name)};
  }
  if (std::string maker = maker_of(object); !maker.empty())
    return {Recovery::Controller, std::move(maker)};
  return {Recovery::Nowhere, {}};
}

// What a controller of Kubernetes' own made of another object comes back with that; a custom
// resource that a controller made is state that no repository has.
std::size_t LostKind::at_risk() const {
  if (!platform.empty()) return 0;
  return count_of(*this, Recovery::Nowhere) +
         (is_custom ? count_of(*this, Recovery::Controller) : 0);
}

std::size_t ExclusionAudit::at_risk() const {
  std::size_t sum = 0;
  for (const LostKind& kind : lost)
    sum += kind.at_risk();
  return sum;
}

bool LostObjects::holds(const backup::ItemId& item) const {
  const auto at = held_.find(fmt::format("{}/{}", item.type->gvr.api_version(), item.type->kind));
  return at != held_.end() &&
         std::ranges::binary_search(at->second, kube::object_key(item.ns, item.name));
}

void LostObjects::see(const backup::ItemId& item, BytesView json) {
  const std::string kind = fmt::format("{}/{}", item.type->gvr.api_version(), item.type->kind);
  if (is_made_anew_kind(kind) || holds(item)) return;
  const auto object = parse_json(json);
  if (!object) return;  // whoever lists the cluster says so
  const std::string group_resource = item.type->group_resource();
  const ObjectOrigin origin = origin_of(group_resource, *object);
  const std::string ns = group_resource == "namespaces" ? item.name : item.ns;
  const PlatformNamespace* platform = platform_namespace(ns);
  const Lock lock(mu_);
  LostKind& lost = lost_[{ns, group_resource}];
  if (lost.total == 0) {
    lost.ns = ns;
    lost.kind = group_resource;
    lost.is_custom = !is_kubernetes_group(item.type->gvr.group);
    if (platform != nullptr) lost.platform = platform->platform;
  }
  ++lost.total;
  ++lost.by_recovery[origin.recovery];
  const bool at_risk = origin.recovery == Recovery::Nowhere ||
                       (lost.is_custom && origin.recovery == Recovery::Controller);
  if (at_risk && lost.examples.size() < kExamples) {
    lost.examples.push_back(
        origin.by.empty() ? item.name : fmt::format("{} (made by {})", item.name, origin.by));
  }
  if (group_resource == "persistentvolumeclaims" && platform == nullptr)
    lost_volumes_.push_back(kube::object_key(item.ns, item.name));
}

std::vector<LostKind> LostObjects::lost() const {
  std::vector<LostKind> all;
  const Lock lock(mu_);
  for (const auto& [key, kind] : lost_) {
    all.push_back(kind);
    std::ranges::sort(all.back().examples);
  }
  return all;
}

std::vector<std::string> LostObjects::lost_volumes() const {
  std::vector<std::string> all;
  {
    const Lock lock(mu_);
    all = lost_volumes_;
  }
  std::ranges::sort(all);
  return all;
}

ExclusionAudit audit_exclusions(std::string schedule,
                                const BackupCoverage& selection,
                                const LostObjects& lost) {
  return {.schedule = std::move(schedule),
          .namespaces = selection.left_out_namespaces,
          .kinds = selection.left_out_kinds,
          .lost = lost.lost(),
          .lost_volumes = lost.lost_volumes()};
}

Json to_json(const ExclusionAudit& audit) {
  JsonArray lost;
  for (const LostKind& kind : audit.lost)
    lost.push_back(to_json(kind));
  const Json left_out = to_json(
      BackupCoverage{.left_out_namespaces = audit.namespaces, .left_out_kinds = audit.kinds});
  return JsonObject{{"apiVersion", "lateen.io/v1"}, {"kind", "ExclusionAudit"},
                    {"schedule", audit.schedule},   {"leftOut", left_out.at("leftOut")},
                    {"lost", std::move(lost)},      {"lostVolumes", texts_json(audit.lost_volumes)},
                    {"atRisk", audit.at_risk()}};
}

}  // namespace lateen::assurance
