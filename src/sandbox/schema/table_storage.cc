// Cells of volumes, claims and what provides them.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sandbox/schema/table_parts.h"

namespace lateen::sandbox::schema {
namespace {

// "RWO,ROX", each once.
std::string access_modes(const JsonArray* modes) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kShort = {
      {{"ReadWriteOnce", "RWO"},
       {"ReadOnlyMany", "ROX"},
       {"ReadWriteMany", "RWX"},
       {"ReadWriteOncePod", "RWOP"}}};
  std::vector<std::string_view> texts;
  for (const auto& [mode, text] : kShort) {
    if (modes != nullptr && std::ranges::find(*modes, Json(mode)) != modes->end())
      texts.push_back(text);
  }
  return fmt::format("{}", fmt::join(texts, ","));
}

Json phase_of(const Json& object) {
  const bool leaving = !string_at(object, "metadata.deletionTimestamp").empty();
  return leaving ? Json("Terminating") : text_at(object, "status.phase");
}

}  // namespace

JsonArray volume_cells(const Json& object, TimePoint now) {
  const Json* claim = find(object, "spec.claimRef");
  return {name_of(object),
          text_at(object, "spec.capacity.storage"),
          Json(access_modes(array_at(object, "spec.accessModes"))),
          text_at(object, "spec.persistentVolumeReclaimPolicy"),
          phase_of(object),
          claim == nullptr ? Json("")
                           : Json(fmt::format("{}/{}", string_at(*claim, "namespace"),
                                              string_at(*claim, "name"))),
          text_at(object, "spec.storageClassName"),
          text_or_none(object, "spec.volumeAttributesClassName", "<unset>"),
          text_at(object, "status.reason"),
          age_of(object, now),
          text_or_none(object, "spec.volumeMode", "<unset>")};
}

JsonArray claim_cells(const Json& object, TimePoint now) {
  const bool bound = !string_at(object, "spec.volumeName").empty();
  return {name_of(object),
          phase_of(object),
          text_at(object, "spec.volumeName"),
          bound ? text_at(object, "status.capacity.storage") : Json(""),
          bound ? Json(access_modes(array_at(object, "status.accessModes"))) : Json(""),
          text_at(object, "spec.storageClassName"),
          text_or_none(object, "spec.volumeAttributesClassName", "<unset>"),
          age_of(object, now),
          text_or_none(object, "spec.volumeMode", "<unset>")};
}

JsonArray storage_class_cells(const Json& object, TimePoint now) {
  std::string name(string_at(object, "metadata.name"));
  const Json* annotations = find(object, "metadata.annotations");
  for (const std::string_view key : {"storageclass.kubernetes.io/is-default-class",
                                     "storageclass.beta.kubernetes.io/is-default-class"}) {
    if (as_text(find(annotations, JsonKey{key})) == "true") {
      name += " (default)";
      break;
    }
  }
  return {Json(name),
          text_at(object, "provisioner"),
          text_or_none(object, "reclaimPolicy", "Delete"),
          text_or_none(object, "volumeBindingMode", "Immediate"),
          Json(bool_at(object, "allowVolumeExpansion").value_or(false)),
          age_of(object, now)};
}

JsonArray attachment_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          text_at(object, "spec.attacher"),
          text_at(object, "spec.source.persistentVolumeName"),
          text_at(object, "spec.nodeName"),
          Json(bool_at(object, "status.attached").value_or(false)),
          age_of(object, now)};
}

JsonArray csi_driver_cells(const Json& object, TimePoint now) {
  std::vector<std::string> modes;
  if (const JsonArray* items = array_at(object, "spec.volumeLifecycleModes")) {
    for (const Json& mode : *items)
      modes.emplace_back(as_text(&mode));
  }
  const auto flag = [&object](std::string_view path) {
    return Json(bool_at(object, path).value_or(false));
  };
  return {name_of(object),
          Json(bool_at(object, "spec.attachRequired").value_or(true)),
          flag("spec.podInfoOnMount"),
          flag("spec.storageCapacity"),
          Json("<unset>"),
          flag("spec.requiresRepublish"),
          Json(joined_or_none(modes)),
          age_of(object, now)};
}

JsonArray csi_node_cells(const Json& object, TimePoint now) {
  return {name_of(object), Json(size_at(object, "spec.drivers")), age_of(object, now)};
}

}  // namespace lateen::sandbox::schema
