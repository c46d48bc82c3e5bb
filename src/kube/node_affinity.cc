#include "kube/node_affinity.h"

namespace lateen::kube {

Json node_affinity(const Json& selector) {
  JsonArray expressions;
  if (const JsonObject* labels = object_at(selector, "matchLabels")) {
    for (const auto& [key, value] : *labels) {
      expressions.emplace_back(
          JsonObject{{"key", key}, {"operator", "In"}, {"values", JsonArray{value}}});
    }
  }
  if (const JsonArray* more = array_at(selector, "matchExpressions"))
    expressions.insert(expressions.end(), more->begin(), more->end());
  Json affinity = JsonObject();
  ensure(affinity,
         "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms") =
      JsonArray{JsonObject{{"matchExpressions", std::move(expressions)}}};
  return affinity;
}

}  // namespace lateen::kube
