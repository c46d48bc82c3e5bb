#include "voyages/testing/objects.h"

#include <algorithm>

#include <fmt/format.h>

namespace lateen::voyages {
namespace {

void drop_if_empty(Json& object, std::string_view path) {
  const JsonObject* members = object_at(object, path);
  if (members != nullptr && members->empty()) erase(object, path);
}

void strip_metadata(Json& object) {
  for (const char* own :
       {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink",
        "finalizers", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    erase(object, fmt::format("metadata.{}", own));
  }
  if (object_at(object, "metadata.labels") != nullptr) {
    JsonObject& labels = ensure(object, "metadata.labels").as_object();
    erase(labels, JsonKey{"velero.io/backup-name"});
    erase(labels, JsonKey{"velero.io/restore-name"});
  }
  if (array_at(object, "metadata.ownerReferences") != nullptr) {
    for (Json& owner : ensure(object, "metadata.ownerReferences").as_array())
      erase(owner, "uid");
  }
}

void strip_service(Json& object) {
  if (string_at(object, "spec.clusterIP") != "None") {
    erase(object, "spec.clusterIP");
    erase(object, "spec.clusterIPs");
  }
  if (array_at(object, "spec.ports") == nullptr) return;
  for (Json& port : ensure(object, "spec.ports").as_array())
    erase(port, "nodePort");
}

void strip_claim(Json& object) {
  for (const char* own : {"spec.volumeName", "spec.dataSource", "spec.dataSourceRef"})
    erase(object, own);
  if (object_at(object, "metadata.annotations") == nullptr) return;
  JsonObject& annotations = ensure(object, "metadata.annotations").as_object();
  std::vector<std::string> own;
  for (const auto& [key, value] : annotations) {
    if (std::string_view(key).find("kubernetes.io/") != std::string_view::npos)
      own.emplace_back(key);
  }
  for (const std::string& key : own)
    erase(annotations, JsonKey{key});
}

}  // namespace

Json as_written(Json object) {
  strip_metadata(object);
  erase(object, "status");
  const std::string_view kind = string_at(object, "kind");
  if (kind == "Service") strip_service(object);
  if (kind == "PersistentVolumeClaim") strip_claim(object);
  drop_if_empty(object, "metadata.labels");
  drop_if_empty(object, "metadata.annotations");
  return object;
}

std::vector<Json> items_of(const Json& list) {
  const JsonArray* items = array_at(list, "items");
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

std::vector<std::string> kinds_and_names(const Json& list) {
  std::vector<std::string> names;
  for (const Json& item : items_of(list)) {
    names.push_back(
        fmt::format("{}/{}", string_at(item, "kind"), string_at(item, "metadata.name")));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string as_written_text(const Json& list) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Json& item : items_of(list)) {
    texts.emplace_back(
        fmt::format("{}/{}", string_at(item, "kind"), string_at(item, "metadata.name")),
        write_json_pretty(as_written(item)));
  }
  std::sort(texts.begin(), texts.end());
  std::string all;
  for (const auto& [name, text] : texts)
    all += text + "\n";
  return all;
}

}  // namespace lateen::voyages
