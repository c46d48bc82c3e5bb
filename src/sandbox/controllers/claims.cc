#include "sandbox/controllers/claims.h"

#include <algorithm>

#include "base/quantity.h"
#include "kube/object.h"
#include "kube/selector.h"

namespace lateen::sandbox {
namespace {

bool has_modes(const Json& volume, const Json& claim) {
  const JsonArray* wanted = array_at(claim, "spec.accessModes");
  const JsonArray* offered = array_at(volume, "spec.accessModes");
  if (wanted == nullptr) return true;
  if (offered == nullptr) return false;
  return std::all_of(wanted->begin(), wanted->end(), [&](const Json& mode) {
    return std::find(offered->begin(), offered->end(), mode) != offered->end();
  });
}

Quantity quantity_at(const Json& object, std::string_view path) {
  auto quantity = Quantity::parse(string_at(object, path));
  return quantity ? *quantity : Quantity();
}

std::string_view mode_of(const Json& object) {
  const std::string_view mode = string_at(object, "spec.volumeMode");
  return mode.empty() ? std::string_view("Filesystem") : mode;
}

bool fits(const Json& volume, const Json& claim) {
  if (find(volume, "spec.claimRef") != nullptr || kube::is_being_deleted(volume)) return false;
  if (string_at(volume, "status.phase") == "Released" ||
      string_at(volume, "status.phase") == "Failed")
    return false;
  if (string_at(volume, "spec.storageClassName") != string_at(claim, "spec.storageClassName"))
    return false;
  if (mode_of(volume) != mode_of(claim) || !has_modes(volume, claim)) return false;
  if (quantity_at(volume, "spec.capacity.storage") <
      quantity_at(claim, "spec.resources.requests.storage"))
    return false;
  const Json* selector = find(claim, "spec.selector");
  if (selector == nullptr) return true;
  auto parsed = kube::LabelSelector::from_json(selector);
  return parsed && parsed->matches(kube::labels_of(volume));
}

}  // namespace

bool is_reserved_for(const Json& volume, const Json& claim) {
  if (string_at(volume, "spec.claimRef.name") != kube::name_of(claim)) return false;
  if (string_at(volume, "spec.claimRef.namespace") != kube::namespace_of(claim)) return false;
  const std::string_view uid = string_at(volume, "spec.claimRef.uid");
  return uid.empty() || uid == kube::uid_of(claim);
}

bool is_bound_to(const Json& volume, const Json& claim) {
  return is_reserved_for(volume, claim) && !string_at(volume, "spec.claimRef.uid").empty();
}

ObjectPtr find_volume_for(const Json& claim, const std::vector<ObjectPtr>& volumes) {
  ObjectPtr best;
  for (const ObjectPtr& volume : volumes) {
    // What is kept for the claim must be large enough, and may be of another class.
    const bool large = quantity_at(*volume, "spec.capacity.storage") >=
                       quantity_at(claim, "spec.resources.requests.storage");
    if (is_reserved_for(*volume, claim) && !kube::is_being_deleted(*volume) && large &&
        mode_of(*volume) == mode_of(claim))
      return volume;
    if (!fits(*volume, claim)) continue;
    if (!best ||
        quantity_at(*volume, "spec.capacity.storage") < quantity_at(*best, "spec.capacity.storage"))
      best = volume;
  }
  return best;
}

std::string why_not_for(const Json& volume, const Json& claim) {
  if (quantity_at(volume, "spec.capacity.storage") <
      quantity_at(claim, "spec.resources.requests.storage"))
    return "requested PV is too small";
  if (string_at(volume, "spec.storageClassName") != string_at(claim, "spec.storageClassName"))
    return "storageClassName does not match";
  if (mode_of(volume) != mode_of(claim)) return "incompatible volumeMode";
  return has_modes(volume, claim) ? "" : "incompatible accessMode";
}

bool pod_uses_claim(const Json& pod, std::string_view claim) {
  const std::string_view phase = string_at(pod, "status.phase");
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (phase == "Succeeded" || phase == "Failed" || volumes == nullptr) return false;
  return std::any_of(volumes->begin(), volumes->end(), [&](const Json& volume) {
    if (string_at(volume, "persistentVolumeClaim.claimName") == claim) return true;
    return find(volume, "ephemeral") != nullptr &&
           fmt::format("{}-{}", kube::name_of(pod), string_at(volume, "name")) == claim;
  });
}

const Json* data_source_of(const Json& claim) {
  const Json* source = find(claim, "spec.dataSource");
  if (source == nullptr || !source->is_object()) source = find(claim, "spec.dataSourceRef");
  return source != nullptr && source->is_object() ? source : nullptr;
}

}  // namespace lateen::sandbox
