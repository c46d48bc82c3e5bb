// Which checks are made of which kind.
#include <array>
#include <utility>

#include "sandbox/schema/schema.h"
#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::array<std::pair<std::string_view, NameRule>, 8> kNameRules = {
    {{"Namespace", NameRule::DnsLabel},
     {"Service", NameRule::Dns1035Label},
     {"StatefulSet", NameRule::DnsLabel},
     {"Role", NameRule::PathSegment},
     {"ClusterRole", NameRule::PathSegment},
     {"RoleBinding", NameRule::PathSegment},
     {"ClusterRoleBinding", NameRule::PathSegment},
     {"APIService", NameRule::PathSegment}}};

NameRule name_rule(std::string_view kind) {
  for (const auto& [name, rule] : kNameRules) {
    if (name == kind) return rule;
  }
  return NameRule::DnsSubdomain;
}

void check_kind(std::string_view group,
                std::string_view kind,
                const Json& object,
                FieldErrors& errors) {
  if (group.empty()) {
    check_core_kind(kind, object, errors);
  } else if (group == "apps") {
    check_apps_kind(kind, object, errors);
  } else if (group == "batch") {
    check_batch_kind(kind, object, errors);
  } else {
    check_cluster_kind(group, kind, object, errors);
  }
}

}  // namespace

FieldErrors validate_create(std::string_view group,
                            std::string_view version,
                            std::string_view kind,
                            const Json& object) {
  const Resource* resource = find_kind(group, version, kind);
  const bool namespaced = resource != nullptr && resource->namespaced;
  FieldErrors errors = validate_metadata(object, namespaced, name_rule(kind));
  check_kind(group, kind, object, errors);
  return errors;
}

FieldErrors validate_update(std::string_view group,
                            std::string_view version,
                            std::string_view kind,
                            const Json& old_object,
                            const Json& object) {
  FieldErrors errors = validate_metadata_update(old_object, object);
  const FieldErrors created = validate_create(group, version, kind, object);
  errors.insert(errors.end(), created.begin(), created.end());
  if (group.empty()) {
    check_core_update(kind, old_object, object, errors);
  } else if (group == "apps" || group == "batch") {
    check_workload_update(kind, old_object, object, errors);
  } else {
    check_cluster_update(kind, old_object, object, errors);
  }
  return errors;
}

}  // namespace lateen::sandbox::schema
