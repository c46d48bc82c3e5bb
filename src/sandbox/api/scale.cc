#include "sandbox/api/scale.h"

#include <utility>

#include "kube/object.h"
#include "kube/selector.h"

namespace lateen::sandbox {

namespace {

// matchLabels and matchExpressions (or a plain map) as a selector's text.
std::string selector_text(const Json* selector) {
  if (selector == nullptr) return {};
  if (selector->is_string()) return std::string(selector->as_string());
  const bool is_struct =
      find(*selector, "matchLabels") != nullptr || find(*selector, "matchExpressions") != nullptr;
  if (!is_struct && selector->is_object()) {
    return kube::LabelSelector::from_labels(kube::to_labels(&selector->as_object())).to_string();
  }
  const auto parsed = kube::LabelSelector::from_json(selector);
  return parsed ? parsed->to_string() : std::string();
}

void copy_path(const Json& from, Json& to, std::string_view path) {
  if (const Json* value = find(from, path)) {
    ensure(to, path) = *value;
  } else {
    erase(to, path);
  }
}

}  // namespace

ScalePaths scale_paths_of(const ServedType& type) {
  if (type.custom && type.custom->scale) return *type.custom->scale;
  return {.spec_replicas = "spec.replicas",
          .status_replicas = "status.replicas",
          .label_selector = "spec.selector"};
}

ApiResult<Json> make_scale(const ServedType& type, const Json& object) {
  if (type.type.find_subresource("scale") == nullptr) return no_such_resource();
  const ScalePaths paths = scale_paths_of(type);
  JsonObject metadata;
  for (const std::string_view name :
       {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    const Json* value = find(find(object, "metadata"), JsonKey{name});
    if (value != nullptr) metadata[name] = *value;
  }
  JsonObject spec;
  if (const auto replicas = int_at(object, paths.spec_replicas); replicas && *replicas != 0)
    spec["replicas"] = *replicas;
  JsonObject status;
  status["replicas"] = int_at(object, paths.status_replicas).value_or(0);
  const Json* selector =
      paths.label_selector.empty() ? nullptr : find(object, paths.label_selector);
  const std::string text = selector_text(selector);
  if (!text.empty()) status["selector"] = text;
  JsonObject scale;
  scale["kind"] = "Scale";
  scale["apiVersion"] = "autoscaling/v1";
  scale["metadata"] = std::move(metadata);
  scale["spec"] = std::move(spec);
  scale["status"] = std::move(status);
  return Json(std::move(scale));
}

ApiStatus keep_only_subresource(std::string_view subresource,
                                const Json& old_object,
                                Json& object) {
  std::string_view part;
  if (subresource == "finalize") part = "spec.finalizers";
  if (subresource == "ephemeralcontainers") part = "spec.ephemeralContainers";
  if (subresource == "resize") part = "spec.containers";
  if (subresource == "binding") part = "spec.nodeName";
  if (part.empty()) return no_such_resource();
  Json next = old_object;
  copy_path(object, next, part);
  copy_path(object, next, "metadata.managedFields");
  object = std::move(next);
  return {};
}

}  // namespace lateen::sandbox
