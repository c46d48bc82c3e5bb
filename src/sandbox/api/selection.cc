#include "sandbox/api/selection.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

namespace {

using Fields = std::vector<std::string_view>;

// What each kind can be selected by beside metadata.name and metadata.namespace
// (k8s.io/kubernetes/pkg/apis/*/v1/conversion.go and the strategies' SelectableFields).
const std::map<std::string_view, Fields, std::less<>>& selectable_fields() {
  static const std::map<std::string_view, Fields, std::less<>> fields = {
      {"pods",
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"}},
      {"events",
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}},
      {"events.events.k8s.io",
       {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
        "reportingController", "type"}},
      {"namespaces", {"status.phase", "name"}},
      {"nodes", {"spec.unschedulable"}},
      {"secrets", {"type"}},
      {"services", {"spec.clusterIP", "spec.type"}},
      {"replicationcontrollers", {"status.replicas"}},
      {"replicasets.apps", {"status.replicas"}},
      {"jobs.batch", {"status.successful"}},
      {"certificatesigningrequests.certificates.k8s.io", {"spec.signerName"}},
  };
  return fields;
}

bool is_metadata_field(std::string_view field) {
  return field == "metadata.name" || field == "metadata.namespace";
}

bool is_selectable(std::string_view group, std::string_view resource, std::string_view field) {
  if (is_metadata_field(field)) return true;
  const std::string key =
      group.empty() ? std::string(resource) : std::string(resource).append(".").append(group);
  const auto found = selectable_fields().find(key);
  return found != selectable_fields().end() &&
         std::find(found->second.begin(), found->second.end(), field) != found->second.end();
}

// Fields of the selector that are not paths into the object.
std::string text_at(const Json& object, std::string_view field) {
  if (field == "source") {
    const std::string_view component = string_at(object, "source.component");
    return std::string(component.empty() ? string_at(object, "reportingComponent") : component);
  }
  if (field == "name") return std::string(string_at(object, "metadata.name"));
  if (field == "status.successful") field = "status.succeeded";
  if (field.starts_with("regarding.") && find(object, "regarding") == nullptr) {
    return text_at(object, std::string("involvedObject").append(field.substr(9)));
  }
  if (field == "reportingController" && find(object, field) == nullptr)
    field = "reportingComponent";
  const Json* value = find(object, field);
  const bool counts = field == "spec.unschedulable" || field == "spec.hostNetwork";
  if (value == nullptr)
    return counts                                                        ? "false"
           : field.ends_with("replicas") || field.ends_with("succeeded") ? "0"
                                                                         : "";
  return value->is_string() ? std::string(value->as_string()) : write_json(*value);
}

}  // namespace

ApiResult<Selection> Selection::parse(std::string_view group,
                                      std::string_view resource,
                                      std::string_view label_selector,
                                      std::string_view field_selector) {
  Selection selection;
  auto labels = kube::LabelSelector::parse(label_selector);
  if (!labels) return bad_request("unable to parse requirement: " + labels.error().message());
  selection.labels_ = std::move(*labels);
  auto fields = kube::FieldSelector::parse(field_selector);
  if (!fields) return bad_request(fields.error().message());
  selection.fields_ = std::move(*fields);
  for (const auto& term : selection.fields_.terms()) {
    if (!is_selectable(group, resource, term.field)) {
      return bad_request("field label not supported: " + term.field);
    }
    selection.needs_object_ = selection.needs_object_ || !is_metadata_field(term.field);
  }
  return selection;
}

bool Selection::matches(const StoredObject& object) const {
  if (!labels_.selects_everything() && !labels_.matches(object.labels)) return false;
  for (const auto& term : fields_.terms()) {
    if (!is_metadata_field(term.field)) continue;
    const std::string& actual = term.field == "metadata.name" ? object.name : object.ns;
    if ((actual == term.value) != term.equal) return false;
  }
  if (!needs_object_) return true;
  const auto tree = parse_stored(object);
  if (!tree) return false;
  return std::ranges::all_of(fields_.terms(), [&tree](const kube::FieldSelector::Term& term) {
    return is_metadata_field(term.field) ||
           (text_at(*tree, term.field) == term.value) == term.equal;
  });
}

}  // namespace lateen::sandbox
