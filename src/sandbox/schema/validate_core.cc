// core/v1.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/quantity.h"
#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::size_t kMaxDataBytes = 1024 * 1024;

// ---- Services

bool is_ip_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    return std::ranges::all_of(text, [](char c) {
      return c == ':' || c == '.' || std::isxdigit(static_cast<unsigned char>(c)) != 0;
    });
  }
  int parts = 0;
  while (!text.empty()) {
    const std::string_view number = text.substr(0, text.find('.'));
    if (number.empty() || number.size() > 3 || (number.size() > 1 && number[0] == '0'))
      return false;
    int value = 0;
    for (const char c : number) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    ++parts;
    text.remove_prefix(std::min(text.size(), number.size() + 1));
  }
  return parts == 4;
}

void check_service_port(const Json& port,
                        const std::string& at,
                        bool name_needed,
                        FieldErrors& errors) {
  const std::string_view name = string_at(port, "name");
  if (name.empty() && name_needed) errors.push_back(required(at + ".name", ""));
  if (!name.empty()) complain(at + ".name", name, check_dns_label(name), errors);
  const std::int64_t number = int_at(port, "port").value_or(0);
  if (number < 1 || number > 65535) {
    errors.push_back(invalid(at + ".port", Json(number), "must be between 1 and 65535, inclusive"));
  }
  const Json* protocol = find(port, "protocol");
  const std::string_view spoken = as_text(protocol);
  if (spoken.empty()) {
    errors.push_back(required(at + ".protocol", ""));
  } else if (spoken != "TCP" && spoken != "UDP" && spoken != "SCTP") {
    errors.push_back(not_supported(at + ".protocol", *protocol, {"SCTP", "TCP", "UDP"}));
  }
  const Json* target = find(port, "targetPort");
  if (target != nullptr && target->is_int64() &&
      (target->get_int64() < 1 || target->get_int64() > 65535)) {
    errors.push_back(
        invalid(at + ".targetPort", *target, "must be between 1 and 65535, inclusive"));
  } else if (target != nullptr && target->is_string()) {
    complain(at + ".targetPort", target->get_string(), check_port_name(target->get_string()),
             errors);
  }
}

void check_service_ports(const Json& object, std::string_view type, FieldErrors& errors) {
  const JsonArray* ports = array_at(object, "spec.ports");
  const std::size_t count = ports != nullptr ? ports->size() : 0;
  const bool headless = string_at(object, "spec.clusterIP") == "None";
  if (count == 0 && !headless && type != "ExternalName")
    errors.push_back(required("spec.ports", ""));
  std::set<std::string> names;
  std::set<std::string> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    const Json& port = (*ports)[i];
    const std::string at = fmt::format("spec.ports[{}]", i);
    check_service_port(port, at, count > 1, errors);
    const std::string_view name = string_at(port, "name");
    if (!name.empty() && !names.emplace(name).second)
      errors.push_back(duplicate(at + ".name", Json(name)));
    const std::int64_t node_port = int_at(port, "nodePort").value_or(0);
    if (node_port != 0 && (type == "ClusterIP" || type == "ExternalName")) {
      errors.push_back(
          forbidden(at + ".nodePort", fmt::format("may not be used when `type` is '{}'", type)));
    }
    const std::string key =
        fmt::format("{}/{}", string_at(port, "protocol"), int_at(port, "port").value_or(0));
    if (!numbers.insert(key).second) {
      const JsonObject same{{"port", int_at(port, "port").value_or(0)},
                            {"protocol", string_at(port, "protocol")}};
      errors.push_back(duplicate(at, Json(same)));
    }
  }
}

void check_cluster_addresses(const Json& object, std::string_view type, FieldErrors& errors) {
  const JsonArray* addresses = array_at(object, "spec.clusterIPs");
  if (addresses == nullptr) return;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const std::string_view address = as_text(&(*addresses)[i]);
    const std::string at = fmt::format("spec.clusterIPs[{}]", i);
    if (address == "None") {
      if (type == "LoadBalancer" || type == "NodePort") {
        errors.push_back(invalid(at, Json(address),
                                 fmt::format("may not be set to 'None' for {} services", type)));
      }
    } else if (!is_ip_address(address)) {
      errors.push_back(invalid(at, Json(address),
                               "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
  }
}

void check_service(const Json& object, FieldErrors& errors) {
  const std::string_view type = string_at(object, "spec.type");
  check_one_of(object, "spec.type", {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"},
               errors);
  check_one_of(object, "spec.sessionAffinity", {"ClientIP", "None"}, errors);
  check_service_ports(object, type, errors);
  check_cluster_addresses(object, type, errors);
  if (type == "ExternalName") {
    const std::string_view name = string_at(object, "spec.externalName");
    if (name.empty()) {
      errors.push_back(required("spec.externalName", ""));
    } else {
      complain("spec.externalName", name,
               check_dns_subdomain(name.ends_with('.') ? name.substr(0, name.size() - 1) : name),
               errors);
    }
  }
  check_label_map(find(object, "spec.selector"), "spec.selector", errors);
}

void check_service_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  const bool had_address = string_at(old_object, "spec.type") != "ExternalName";
  const bool has_address = string_at(object, "spec.type") != "ExternalName";
  if (!had_address || !has_address) return;
  const JsonArray* before = array_at(old_object, "spec.clusterIPs");
  const JsonArray* after = array_at(object, "spec.clusterIPs");
  if (before == nullptr || before->empty()) return;
  if (after == nullptr || after->empty()) {
    errors.push_back(
        invalid("spec.clusterIPs[0]", Json(JsonArray()), "primary clusterIP can not be unset"));
  } else if ((*before)[0] != (*after)[0]) {
    errors.push_back(invalid("spec.clusterIPs[0]", Json(*after), "may not change once set"));
  }
}

// ---- Secrets and ConfigMaps

std::size_t check_data_keys(const Json& object, std::string_view member, FieldErrors& errors) {
  const JsonObject* data = object_at(object, member);
  if (data == nullptr) return 0;
  std::size_t bytes = 0;
  for (const auto& [key, value] : *data) {
    complain(fmt::format("{}[{}]", member, std::string_view(key)), key, check_config_key(key),
             errors);
    const std::size_t length = as_text(&value).size();
    bytes += member == "data" ? length : length / 4 * 3;
  }
  return bytes;
}

void check_config_map(const Json& object, FieldErrors& errors) {
  const std::size_t bytes =
      check_data_keys(object, "data", errors) + check_data_keys(object, "binaryData", errors);
  const JsonObject* texts = object_at(object, "data");
  const JsonObject* binaries = object_at(object, "binaryData");
  if (texts != nullptr && binaries != nullptr) {
    for (const auto& [key, value] : *texts) {
      if (!binaries->contains(key)) continue;
      errors.push_back(invalid(fmt::format("data[{}]", std::string_view(key)),
                               Json(std::string_view(key)),
                               "duplicate of key present in binaryData"));
    }
  }
  if (bytes > kMaxDataBytes) errors.push_back(too_long("[]", kMaxDataBytes));
}

struct SecretKey {
  std::string_view type;
  std::string_view key;
};

constexpr std::array<SecretKey, 5> kSecretKeys = {
    {{"kubernetes.io/dockercfg", ".dockercfg"},
     {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
     {"kubernetes.io/ssh-auth", "ssh-privatekey"},
     {"kubernetes.io/tls", "tls.crt"},
     {"kubernetes.io/tls", "tls.key"}}};

void check_secret(const Json& object, FieldErrors& errors) {
  std::size_t bytes = 0;
  check_data_keys(object, "data", errors);
  const JsonObject* data = object_at(object, "data");
  if (data != nullptr) {
    for (const auto& [key, value] : *data)
      bytes += as_text(&value).size() / 4 * 3;
  }
  if (bytes > kMaxDataBytes) errors.push_back(too_long("data", kMaxDataBytes));
  const std::string_view type = string_at(object, "type");
  const auto has = [data](std::string_view key) { return data != nullptr && data->contains(key); };
  for (const SecretKey& needed : kSecretKeys) {
    if (needed.type == type && !has(needed.key))
      errors.push_back(required(fmt::format("data[{}]", needed.key), ""));
  }
  if (type == "kubernetes.io/basic-auth" && !has("username") && !has("password")) {
    errors.push_back(required("data[username]", ""));
    errors.push_back(required("data[password]", ""));
  }
  if (type == "kubernetes.io/service-account-token") {
    const Json* annotations = find(object, "metadata.annotations");
    if (as_text(find(annotations, JsonKey{"kubernetes.io/service-account.name"})).empty()) {
      errors.push_back(required("metadata.annotations[kubernetes.io/service-account.name]", ""));
    }
  }
}

// What `immutable: true` has sealed.
void check_sealed(const Json& old_object,
                  const Json& object,
                  std::initializer_list<std::string_view> members,
                  FieldErrors& errors) {
  if (!bool_at(old_object, "immutable").value_or(false)) return;
  constexpr std::string_view kText = "field is immutable when `immutable` is set";
  if (!bool_at(object, "immutable").value_or(false))
    errors.push_back(forbidden("immutable", std::string(kText)));
  for (const std::string_view name : members) {
    if (!same_value(find(old_object, name), find(object, name))) {
      errors.push_back(forbidden(std::string(name), std::string(kText)));
    }
  }
}

// ---- Volumes

Result<Quantity> storage_of(const Json& spec) {
  return Quantity::parse(string_at(spec, "resources.requests.storage"));
}

void check_access_modes(const Json& spec, const std::string& field, FieldErrors& errors) {
  const JsonArray* modes = array_at(spec, "accessModes");
  if (modes == nullptr || modes->empty()) {
    errors.push_back(required(field + ".accessModes", "at least 1 access mode is required"));
    return;
  }
  static const std::vector<std::string> kModes = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                                  "ReadWriteOncePod"};
  bool alone = false;
  for (const Json& mode : *modes) {
    const std::string_view name = as_text(&mode);
    if (std::ranges::find(kModes, name) == kModes.end()) {
      errors.push_back(not_supported(field + ".accessModes", mode, kModes));
    }
    alone = alone || name == "ReadWriteOncePod";
  }
  if (alone && modes->size() > 1) {
    errors.push_back(
        forbidden(field + ".accessModes", "may not use ReadWriteOncePod with other access modes"));
  }
}

void check_persistent_volume(const Json& object, FieldErrors& errors) {
  static const std::set<std::string_view> kNotSources = {"capacity",
                                                         "accessModes",
                                                         "claimRef",
                                                         "persistentVolumeReclaimPolicy",
                                                         "storageClassName",
                                                         "mountOptions",
                                                         "volumeMode",
                                                         "nodeAffinity",
                                                         "volumeAttributesClassName"};
  const Json* spec = find(object, "spec");
  const Json nothing = JsonObject();
  const Json& checked = spec != nullptr ? *spec : nothing;
  const JsonArray* modes = array_at(checked, "accessModes");
  if (modes == nullptr || modes->empty()) {
    errors.push_back(required("spec.accessModes", ""));
  } else {
    check_access_modes(checked, "spec", errors);
  }
  const Json* capacity = find(checked, "capacity");
  if (same_value(capacity, nullptr)) {
    errors.push_back(required("spec.capacity", ""));
  } else if (find(*capacity, "storage") == nullptr) {
    errors.push_back(not_supported("spec.capacity", *capacity, {"storage"}));
  }
  check_one_of(object, "spec.persistentVolumeReclaimPolicy", {"Delete", "Recycle", "Retain"},
               errors);
  check_one_of(object, "spec.volumeMode", {"Block", "Filesystem"}, errors);
  std::size_t sources = 0;
  for (const auto& [key, value] : checked.get_object()) {
    if (!value.is_null() && !kNotSources.contains(std::string_view(key))) ++sources;
  }
  if (sources == 0) errors.push_back(required("spec", "must specify a volume type"));
  if (find(checked, "csi") != nullptr) {
    check_required_text(object, "spec.csi.driver", errors);
    check_required_text(object, "spec.csi.volumeHandle", errors);
  }
  if (find(checked, "local") != nullptr && find(checked, "nodeAffinity") == nullptr) {
    errors.push_back(required("metadata.annotations", "Local volume requires node affinity"));
  }
}

void check_volume_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  const auto source = [](const Json& of) {
    const JsonObject* spec = object_at(of, "spec");
    JsonObject rest = spec != nullptr ? *spec : JsonObject();
    for (const std::string_view key :
         {"capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy",
          "storageClassName", "mountOptions", "volumeMode", "nodeAffinity",
          "volumeAttributesClassName"}) {
      erase(rest, JsonKey{key});
    }
    return rest;
  };
  if (source(old_object) != source(object)) {
    errors.push_back(forbidden("spec.persistentvolumesource",
                               "spec.persistentvolumesource is immutable after creation"));
  }
  check_immutable(old_object, object, "spec.volumeMode", errors);
  const Json* affinity = find(old_object, "spec.nodeAffinity");
  if (affinity != nullptr && !same_value(affinity, find(object, "spec.nodeAffinity"))) {
    errors.push_back(invalid("spec.nodeAffinity", value_or_null(find(object, "spec.nodeAffinity")),
                             "field is immutable, except for updating from beta label to GA"));
  }
}

constexpr std::string_view kClaimText =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims";

void check_claim_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  const bool bound = string_at(old_object, "status.phase") == "Bound";
  const auto fixed = [&](const Json& of, bool is_old) {
    Json spec = value_or_null(find(of, "spec"));
    if (!spec.is_object()) return spec;
    // The name of its volume may be set once; a bound claim may grow.
    if (string_at(old_object, "spec.volumeName").empty()) erase(spec, "volumeName");
    const bool was_unset = find(old_object, "spec.storageClassName") == nullptr;
    if (was_unset && !is_old) erase(spec, "storageClassName");
    if (bound) {
      erase(spec, "resources.requests");
      erase(spec, "volumeAttributesClassName");
    }
    return spec;
  };
  if (fixed(old_object, true) != fixed(object, false)) {
    errors.push_back(forbidden("spec", std::string(kClaimText)));
    return;
  }
  const Result<Quantity> after = storage_of(value_or_null(find(object, "spec")));
  const Result<Quantity> least = Quantity::parse(string_at(old_object, "status.capacity.storage"));
  const Result<Quantity> before = storage_of(value_or_null(find(old_object, "spec")));
  if (after && before && least && *after < *before && *after < *least) {
    errors.push_back(
        forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
}

// ---- Pods

constexpr std::string_view kPodText =
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

void drop_images(Json& spec) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    Json* items = spec.get_object().if_contains(list);
    if (items == nullptr || !items->is_array()) continue;
    for (Json& container : items->get_array())
      erase(container, "image");
  }
}

bool only_adds_tolerations(const Json& before, const Json& after) {
  const JsonArray* old_items = array_at(before, "tolerations");
  const JsonArray* items = array_at(after, "tolerations");
  if (old_items == nullptr) return true;
  return std::ranges::all_of(*old_items, [items](const Json& toleration) {
    return items != nullptr && std::ranges::find(*items, toleration) != items->end();
  });
}

void check_pod_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  Json before = value_or_null(find(old_object, "spec"));
  Json after = value_or_null(find(object, "spec"));
  if (!before.is_object() || !after.is_object()) return;
  const bool tolerations = only_adds_tolerations(before, after);
  for (Json* spec : {&before, &after}) {
    drop_images(*spec);
    erase(*spec, "activeDeadlineSeconds");
    erase(*spec, "tolerations");
  }
  // A gate that is lifted, and the node that a scheduler binds to, come by other ways.
  if (find(old_object, "spec.schedulingGates") != nullptr) {
    erase(before, "schedulingGates");
    erase(after, "schedulingGates");
  }
  if (!tolerations || before != after) errors.push_back(forbidden("spec", std::string(kPodText)));
}

}  // namespace

void check_claim_spec(const Json& spec, const std::string& field, FieldErrors& errors) {
  check_access_modes(spec, field, errors);
  const Json* storage = find(spec, "resources.requests.storage");
  if (storage == nullptr) {
    errors.push_back(required(field + ".resources[storage]", ""));
  } else if (const Result<Quantity> amount = Quantity::parse(as_text(storage));
             amount && *amount <= Quantity()) {
    errors.push_back(invalid(field + ".resources[storage]", *storage, "must be greater than zero"));
  }
  const Json* mode = find(spec, "volumeMode");
  if (mode != nullptr && as_text(mode) != "Filesystem" && as_text(mode) != "Block") {
    errors.push_back(not_supported(field + ".volumeMode", *mode, {"Block", "Filesystem"}));
  }
  if (const std::string_view name = string_at(spec, "storageClassName"); !name.empty()) {
    complain(field + ".storageClassName", name, check_dns_subdomain(name), errors);
  }
}

void check_core_kind(std::string_view kind, const Json& object, FieldErrors& errors) {
  const Json nothing = JsonObject();
  const Json* spec = find(object, "spec");
  const Json& checked = spec != nullptr ? *spec : nothing;
  if (kind == "Pod") check_pod_spec(checked, "spec", errors);
  if (kind == "Service") check_service(object, errors);
  if (kind == "ConfigMap") check_config_map(object, errors);
  if (kind == "Secret") check_secret(object, errors);
  if (kind == "PersistentVolumeClaim") check_claim_spec(checked, "spec", errors);
  if (kind == "PersistentVolume") check_persistent_volume(object, errors);
  if (kind == "ReplicationController") check_not_negative(object, "spec.replicas", errors);
}

void check_core_update(std::string_view kind,
                       const Json& old_object,
                       const Json& object,
                       FieldErrors& errors) {
  if (kind == "Pod") check_pod_update(old_object, object, errors);
  if (kind == "Service") check_service_update(old_object, object, errors);
  if (kind == "ConfigMap") check_sealed(old_object, object, {"data", "binaryData"}, errors);
  if (kind == "Secret") {
    check_immutable(old_object, object, "type", errors);
    check_sealed(old_object, object, {"data"}, errors);
  }
  if (kind == "PersistentVolumeClaim") check_claim_update(old_object, object, errors);
  if (kind == "PersistentVolume") check_volume_update(old_object, object, errors);
}

}  // namespace lateen::sandbox::schema
