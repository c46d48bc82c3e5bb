#include "sandbox/api/limits.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/quantity.h"
#include "kube/object.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/quota_usage.h"

namespace lateen::sandbox {

namespace {

std::vector<Json> objects_of(const Store& store, std::string_view key, std::string_view ns) {
  std::vector<Json> out;
  const auto page = store.list(key, {.ns = std::string(ns)});
  if (!page) return out;
  for (const StoredPtr& stored : page->objects) {
    if (auto tree = parse_stored(*stored)) out.push_back(std::move(*tree));
  }
  return out;
}

// The items of all LimitRanges that are for this type ("Container", "PersistentVolumeClaim").
std::vector<Json> limit_items(const std::vector<Json>& ranges, std::string_view type) {
  std::vector<Json> out;
  for (const Json& range : ranges) {
    const JsonArray* const items = array_at(range, "spec.limits");
    if (items == nullptr) continue;
    for (const Json& item : *items)
      if (string_at(item, "type") == type) out.push_back(item);
  }
  return out;
}

// Fills `which` ("limits") from `from` ("default"); says what it set.
std::vector<std::string> fill_in(Json& container,
                                 const Json& item,
                                 std::string_view which,
                                 std::string_view from) {
  std::vector<std::string> set;
  const JsonObject* const defaults = object_at(item, from);
  if (defaults == nullptr) return set;
  for (const auto& [name, value] : *defaults) {
    Json& members = ensure(container, fmt::format("resources.{}", which));
    if (!members.is_object()) members = JsonObject();
    if (members.get_object().contains(name)) continue;
    members.get_object()[name] = value;
    set.emplace_back(name);
  }
  return set;
}

void fill_in_pod(Json& pod, const std::vector<Json>& items) {
  std::vector<std::string> notes;
  for (const std::string_view list : {"spec.containers", "spec.initContainers"}) {
    if (array_at(pod, list) == nullptr) continue;
    const std::string_view noun = list == "spec.containers" ? "container" : "init container";
    for (Json& container : ensure(pod, list).as_array()) {
      for (const Json& item : items) {
        const auto note = [&](const std::vector<std::string>& set, std::string_view what) {
          if (set.empty()) return;
          notes.push_back(fmt::format("{} {} for {} {}", fmt::join(set, ", "), what, noun,
                                      string_at(container, "name")));
        };
        note(fill_in(container, item, "requests", "defaultRequest"), "request");
        note(fill_in(container, item, "limits", "default"), "limit");
      }
    }
  }
  if (notes.empty()) return;
  kube::set_annotation(pod, "kubernetes.io/limit-ranger",
                       fmt::format("LimitRanger plugin set: {}", fmt::join(notes, "; ")));
}

// One bound of one resource; "" when it is kept.
std::string breach(const Json& item,
                   std::string_view bound,
                   std::string_view resource,
                   const Json& resources) {
  const bool least = bound == "min";
  const Json* const limit = find(find(item, bound), JsonKey{resource});
  const std::string_view which = least ? "requests" : "limits";
  // A claim has requests alone.
  const bool claim = string_at(item, "type") == "PersistentVolumeClaim";
  const Json* const own = find(find(resources, claim ? "requests" : which), JsonKey{resource});
  const std::string what = fmt::format("{} {} usage per {} is {}", least ? "minimum" : "maximum",
                                       resource, string_at(item, "type"), as_text(limit));
  const std::string_view noun = least || claim ? "request" : "limit";
  if (own == nullptr) return fmt::format("{}.  No {} is specified", what, noun);
  const auto has = Quantity::parse(as_text(own));
  const auto allowed = Quantity::parse(as_text(limit));
  if (!has || !allowed || (least ? *has >= *allowed : *has <= *allowed)) return "";
  return fmt::format("{}, but {} is {}", what, noun, as_text(own));
}

void collect_breaches(const Json& item, const Json& resources, std::vector<std::string>& out) {
  for (const std::string_view bound : {"min", "max"}) {
    const JsonObject* const bounds = object_at(item, bound);
    if (bounds == nullptr) continue;
    for (const auto& [resource, value] : *bounds) {
      std::string text = breach(item, bound, resource, resources);
      if (!text.empty()) out.push_back(std::move(text));
    }
  }
}

Json resources_at(const Json& object, std::string_view path) {
  const Json* const found = find(object, path);
  return found == nullptr ? Json(JsonObject()) : *found;
}

ApiStatus refuse(const ServedType& type, const Json& object, std::vector<std::string> breaches) {
  if (breaches.empty()) return {};
  const std::string text =
      breaches.size() == 1 ? breaches.front() : fmt::format("[{}]", fmt::join(breaches, ", "));
  return forbidden(type.group(), type.resource(), kube::name_of(object), text);
}

}  // namespace

ApiStatus apply_limit_ranges(const Store& store, const ServedType& type, Json& object) {
  const bool pod = type.is("", "pods");
  if (!pod && !type.is("", "persistentvolumeclaims")) return {};
  const std::vector<Json> ranges = objects_of(store, "limitranges", kube::namespace_of(object));
  if (ranges.empty()) return {};
  std::vector<std::string> breaches;
  const std::vector<Json> items = limit_items(ranges, pod ? "Container" : "PersistentVolumeClaim");
  if (pod) fill_in_pod(object, items);
  for (const Json& item : items) {
    if (!pod) {
      collect_breaches(item, resources_at(object, "spec.resources"), breaches);
      continue;
    }
    const JsonArray* const containers = array_at(object, "spec.containers");
    if (containers == nullptr) continue;
    for (const Json& container : *containers)
      collect_breaches(item, resources_at(container, "resources"), breaches);
  }
  return refuse(type, object, std::move(breaches));
}

ApiStatus check_quotas(const Store& store, const ServedType& type, const Json& object) {
  if (!type.type.namespaced) return {};
  const std::string_view ns = kube::namespace_of(object);
  const std::vector<Json> quotas = objects_of(store, "resourcequotas", ns);
  for (const Json& quota : quotas) {
    const Usage limits = limits_of(quota);
    Usage asked;
    add_limited(asked, usage_of(type.group(), type.resource(), object), limits);
    std::vector<std::string> missing;
    for (const auto& [name, limit] : limits) {
      const bool compute =
          storage_key_of_limit(name) == "pods" && name != "pods" && !name.starts_with("count/");
      if (type.is("", "pods") && compute && !asked.contains(name)) missing.push_back(name);
    }
    if (!missing.empty()) {
      return forbidden(type.group(), type.resource(), kube::name_of(object),
                       fmt::format("failed quota: {}: must specify {}", kube::name_of(quota),
                                   fmt::join(missing, ",")));
    }
    if (asked.empty()) continue;
    Usage used;
    for (const Json& present : objects_of(store, type.storage_key, ns))
      add_limited(used, usage_of(type.group(), type.resource(), present), limits);
    Usage over;
    Usage over_used;
    Usage over_limits;
    for (const auto& [name, quantity] : asked) {
      const Quantity& limit = limits.find(name)->second;
      if (used[name] + quantity <= limit) continue;
      over[name] = quantity;
      over_used[name] = used[name];
      over_limits[name] = limit;
    }
    if (over.empty()) continue;
    return forbidden(type.group(), type.resource(), kube::name_of(object),
                     fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}",
                                 kube::name_of(quota), usage_text(over), usage_text(over_used),
                                 usage_text(over_limits)));
  }
  return {};
}

}  // namespace lateen::sandbox
