// metadata: of every kind, custom resources included.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::size_t kMaxAnnotationBytes = 256 * 1024;

Complaints check_name(std::string_view name, NameRule rule) {
  switch (rule) {
    case NameRule::DnsSubdomain:
      return check_dns_subdomain(name);
    case NameRule::DnsLabel:
      return check_dns_label(name);
    case NameRule::Dns1035Label:
      return check_dns1035_label(name);
    case NameRule::PathSegment:
      return check_path_segment(name);
  }
  return {};
}

// A generateName is the beginning of a name: its last dash does not count.
std::string masked_prefix(std::string_view prefix) {
  std::string name(prefix);
  if (name.size() > 1 && name.back() == '-') name.back() = 'a';
  return name;
}

void check_names(const Json& metadata, bool namespaced, NameRule rule, FieldErrors& errors) {
  const std::string_view prefix = string_at(metadata, "generateName");
  if (!prefix.empty()) {
    complain("metadata.generateName", prefix, check_name(masked_prefix(prefix), rule), errors);
  }
  const std::string_view name = string_at(metadata, "name");
  if (name.empty()) {
    errors.push_back(required("metadata.name", "name or generateName is required"));
  } else {
    complain("metadata.name", name, check_name(name, rule), errors);
  }
  const std::string_view ns = string_at(metadata, "namespace");
  if (namespaced && ns.empty()) errors.push_back(required("metadata.namespace", ""));
  if (namespaced && !ns.empty()) complain("metadata.namespace", ns, check_dns_label(ns), errors);
  if (!namespaced && !ns.empty())
    errors.push_back(forbidden("metadata.namespace", "not allowed on this type"));
}

void check_annotations(const Json* annotations, FieldErrors& errors) {
  if (annotations == nullptr || !annotations->is_object()) return;
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations->get_object()) {
    // Annotation keys may have capitals in their prefix.
    std::string lower(key);
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    complain("metadata.annotations", key, check_qualified_name(lower), errors);
    bytes += key.size() + as_text(&value).size();
  }
  if (bytes > kMaxAnnotationBytes)
    errors.push_back(too_long("metadata.annotations", kMaxAnnotationBytes));
}

void check_owner(const Json& owner, FieldErrors& errors) {
  struct Member {
    std::string_view name;
    std::string_view detail;
  };

  constexpr std::array<Member, 4> kMembers = {{{"apiVersion", "version must not be empty"},
                                               {"kind", "must not be empty"},
                                               {"name", "must not be empty"},
                                               {"uid", "must not be empty"}}};
  for (const Member& member : kMembers) {
    const std::string_view text = string_at(owner, member.name);
    if (!text.empty()) continue;
    errors.push_back(invalid(fmt::format("metadata.ownerReferences.{}", member.name), Json(""),
                             std::string(member.detail)));
  }
}

void check_owners(const Json& metadata, FieldErrors& errors) {
  const JsonArray* owners = array_at(metadata, "ownerReferences");
  if (owners == nullptr) return;
  std::string controller;
  for (const Json& owner : *owners) {
    check_owner(owner, errors);
    if (!bool_at(owner, "controller").value_or(false)) continue;
    const std::string name =
        fmt::format("{}/{}", string_at(owner, "kind"), string_at(owner, "name"));
    if (controller.empty()) {
      controller = name;
    } else {
      errors.push_back(invalid(
          "metadata.ownerReferences", Json(*owners),
          fmt::format("Only one reference can have Controller set to true. Found \"true\" in "
                      "references for {} and {}",
                      controller, name)));
    }
  }
}

void check_finalizers(const Json& metadata, FieldErrors& errors) {
  const JsonArray* finalizers = array_at(metadata, "finalizers");
  if (finalizers == nullptr) return;
  std::set<std::string_view> names;
  for (const Json& item : *finalizers) {
    const std::string_view name = as_text(&item);
    complain("metadata.finalizers", name, check_qualified_name(name), errors);
    names.insert(name);
  }
  if (names.contains("orphan") && names.contains("foregroundDeletion")) {
    errors.push_back(invalid("metadata.finalizers", Json(*finalizers),
                             "finalizer orphan and foregroundDeletion cannot be both set"));
  }
}

std::vector<std::string> added_finalizers(const Json& old_object, const Json& object) {
  std::vector<std::string> added;
  const JsonArray* after = array_at(object, "metadata.finalizers");
  const JsonArray* before = array_at(old_object, "metadata.finalizers");
  if (after == nullptr) return added;
  for (const Json& name : *after) {
    if (before == nullptr || std::ranges::find(*before, name) == before->end()) {
      added.push_back(fmt::format("\"{}\"", as_text(&name)));
    }
  }
  return added;
}

}  // namespace

FieldErrors validate_metadata(const Json& object, bool namespaced, NameRule rule) {
  FieldErrors errors;
  const Json* metadata = find(object, "metadata");
  const Json nothing = JsonObject();
  const Json& checked = metadata != nullptr ? *metadata : nothing;
  check_names(checked, namespaced, rule, errors);
  if (const auto generation = int_at(checked, "generation"); generation && *generation < 0) {
    errors.push_back(
        invalid("metadata.generation", Json(*generation), "must be greater than or equal to 0"));
  }
  check_label_map(find(checked, "labels"), "metadata.labels", errors);
  check_annotations(find(checked, "annotations"), errors);
  check_owners(checked, errors);
  check_finalizers(checked, errors);
  return errors;
}

FieldErrors validate_metadata_update(const Json& old_object, const Json& object) {
  FieldErrors errors;
  for (const std::string_view path : {"metadata.name", "metadata.namespace", "metadata.uid",
                                      "metadata.creationTimestamp", "metadata.deletionTimestamp"}) {
    check_immutable(old_object, object, path, errors);
  }
  if (!string_at(old_object, "metadata.deletionTimestamp").empty()) {
    const std::vector<std::string> added = added_finalizers(old_object, object);
    if (!added.empty()) {
      errors.push_back(forbidden(
          "metadata.finalizers",
          fmt::format("no new finalizers can be added if the object is being deleted, found new "
                      "finalizers []string{{{}}}",
                      fmt::join(added, ", "))));
    }
  }
  const std::int64_t before = int_at(old_object, "metadata.generation").value_or(0);
  const std::int64_t after = int_at(object, "metadata.generation").value_or(0);
  if (after < before) {
    errors.push_back(invalid("metadata.generation", Json(after), "must not be decremented"));
  }
  return errors;
}

}  // namespace lateen::sandbox::schema
