#include "sandbox/api/deletion.h"

#include "kube/object.h"

namespace lateen::sandbox {

namespace {

bool is_empty_list(const Json& object, std::string_view path) {
  const JsonArray* list = array_at(object, path);
  return list == nullptr || list->empty();
}

}  // namespace

bool is_free_to_go(const Json& object) {
  if (!is_empty_list(object, "metadata.finalizers")) return false;
  if (int_at(object, "metadata.deletionGracePeriodSeconds").value_or(0) != 0) return false;
  const bool is_namespace =
      kube::kind_of(object) == "Namespace" && kube::api_version_of(object) == "v1";
  return !is_namespace || is_empty_list(object, "spec.finalizers");
}

}  // namespace lateen::sandbox
