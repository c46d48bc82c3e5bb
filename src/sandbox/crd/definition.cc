#include "sandbox/crd/definition.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::sandbox {

namespace {

const std::vector<std::string>& custom_verbs() {
  static const std::vector<std::string> verbs = {"delete", "deletecollection", "get",    "list",
                                                 "patch",  "create",           "update", "watch"};
  return verbs;
}

std::string without_dot(std::string_view path) {
  return std::string(path.starts_with('.') ? path.substr(1) : path);
}

CustomVersion custom_version_of(const Json& version) {
  CustomVersion custom;
  const Json* schema = find(version, "schema.openAPIV3Schema");
  custom.schema = schema != nullptr ? *schema : Json(JsonObject{});
  custom.status = find(version, "subresources.status") != nullptr;
  if (const Json* scale = find(version, "subresources.scale");
      scale != nullptr && scale->is_object()) {
    custom.scale =
        ScalePaths{.spec_replicas = without_dot(string_at(*scale, "specReplicasPath")),
                   .status_replicas = without_dot(string_at(*scale, "statusReplicasPath")),
                   .label_selector = without_dot(string_at(*scale, "labelSelectorPath"))};
  }
  if (const Json* columns = find(version, "additionalPrinterColumns"))
    custom.printer_columns = *columns;
  return custom;
}

std::string storage_version_of(const Json& crd) {
  if (const JsonArray* versions = array_at(crd, "spec.versions")) {
    for (const Json& version : *versions) {
      if (bool_at(version, "storage").value_or(false))
        return std::string(string_at(version, "name"));
    }
  }
  return {};
}

std::vector<kube::Subresource> subresources_of(const CustomVersion& custom,
                                               const std::string& kind) {
  std::vector<kube::Subresource> out;
  if (custom.scale)
    out.push_back({.name = "scale", .kind = "Scale", .verbs = {"get", "patch", "update"}});
  if (custom.status)
    out.push_back({.name = "status", .kind = kind, .verbs = {"get", "patch", "update"}});
  return out;
}

// (stability, major, minor): v2 > v1 > v1beta2 > v1beta1 > v1alpha1 > foo.
struct VersionRank {
  int stability = 0;
  long major = 0;
  long minor = 0;

  auto operator<=>(const VersionRank&) const = default;
};

long take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9')
    ++digits;
  if (digits == 0) return -1;
  const auto number = parse_int(text.substr(0, digits));
  text.remove_prefix(digits);
  return number ? static_cast<long>(*number) : -1;
}

VersionRank rank_of(std::string_view version) {
  if (!version.starts_with('v')) return {};
  version.remove_prefix(1);
  const long major = take_number(version);
  if (major < 0) return {};
  if (version.empty()) return {.stability = 3, .major = major};
  const bool beta = version.starts_with("beta");
  if (!beta && !version.starts_with("alpha")) return {};
  version.remove_prefix(beta ? 4 : 5);
  const long minor = take_number(version);
  if (minor < 0 || !version.empty()) return {};
  return {.stability = beta ? 2 : 1, .major = major, .minor = minor};
}

JsonObject condition(std::string_view type,
                     bool holds,
                     std::string_view reason,
                     std::string_view message,
                     std::string_view now) {
  return {{"type", type},
          {"status", holds ? "True" : "False"},
          {"lastTransitionTime", now},
          {"reason", reason},
          {"message", message}};
}

}  // namespace

bool is_better_version(std::string_view a, std::string_view b) {
  const VersionRank left = rank_of(a);
  const VersionRank right = rank_of(b);
  if (left != right) return left > right;
  return a < b;
}

std::vector<ServedTypePtr> served_types_of(const Json& crd) {
  std::vector<ServedTypePtr> types;
  const std::string group(string_at(crd, "spec.group"));
  const std::string plural(string_at(crd, "spec.names.plural"));
  const std::string kind(string_at(crd, "spec.names.kind"));
  const JsonArray* versions = array_at(crd, "spec.versions");
  if (versions == nullptr) return types;
  const std::string_view list_kind = string_at(crd, "spec.names.listKind");
  const std::string_view singular = string_at(crd, "spec.names.singular");
  for (const Json& version : *versions) {
    if (!bool_at(version, "served").value_or(false)) continue;
    auto served = std::make_shared<ServedType>();
    served->custom = custom_version_of(version);
    served->type.gvr = {
        .group = group, .version = std::string(string_at(version, "name")), .resource = plural};
    served->type.kind = kind;
    served->type.namespaced = string_at(crd, "spec.scope") == "Namespaced";
    served->type.verbs = custom_verbs();
    served->type.singular = singular.empty() ? to_lower(kind) : std::string(singular);
    served->type.short_names = texts_at(crd, "spec.names.shortNames");
    served->type.categories = texts_at(crd, "spec.names.categories");
    served->type.subresources = subresources_of(*served->custom, kind);
    served->list_kind = list_kind.empty() ? kind + "List" : std::string(list_kind);
    served->storage_key = group + "/" + plural;
    served->storage_api_version = group + "/" + storage_version_of(crd);
    types.push_back(std::move(served));
  }
  std::ranges::sort(types, [](const ServedTypePtr& a, const ServedTypePtr& b) {
    return is_better_version(a->type.gvr.version, b->type.gvr.version);
  });
  return types;
}

bool is_established(const Json& crd) {
  return kube::is_condition_true(crd, "Established");
}

void establish(Json& crd, std::string_view taken_by, std::string_view now) {
  const bool accepted = taken_by.empty();
  const bool before = is_established(crd);
  if (before && accepted) {
    const Json* old_names = find(crd, "status.acceptedNames");
    const Json* names = find(crd, "spec.names");
    if (old_names != nullptr && names != nullptr && *old_names == *names) return;
  }
  const std::string storage = storage_version_of(crd);
  JsonArray stored;
  for (const std::string& one : texts_at(crd, "status.storedVersions"))
    stored.emplace_back(one);
  if (std::ranges::find(stored, Json(storage)) == stored.end()) stored.emplace_back(storage);
  JsonArray conditions;
  const std::string refused = fmt::format("{} is already in use", taken_by);
  conditions.push_back(
      accepted ? condition("NamesAccepted", true, "NoConflicts", "no conflicts found", now)
               : condition("NamesAccepted", false, "NameConflict", refused, now));
  conditions.push_back(accepted || before ? condition("Established", true, "InitialNamesAccepted",
                                                      "the initial names have been accepted", now)
                                          : condition("Established", false, "NotAccepted",
                                                      "not all names are accepted", now));
  Json& status = ensure(crd, "status");
  if (!status.is_object()) status = JsonObject{};
  status.as_object()["conditions"] = std::move(conditions);
  if (accepted) {
    const Json* names = find(crd, "spec.names");
    ensure(crd, "status.acceptedNames") = names != nullptr ? *names : Json(JsonObject{});
  } else if (find(crd, "status.acceptedNames") == nullptr) {
    ensure(crd, "status.acceptedNames") = {{"kind", ""}, {"plural", ""}};
  }
  ensure(crd, "status.storedVersions") = std::move(stored);
}

}  // namespace lateen::sandbox
