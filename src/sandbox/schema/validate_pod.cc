// A pod's spec, wherever it occurs.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/quantity.h"
#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

std::string item_path(const std::string& list, std::size_t at) {
  return fmt::format("{}[{}]", list, at);
}

void check_port_number(const Json* number, const std::string& field, FieldErrors& errors) {
  const std::int64_t value = number != nullptr && number->is_int64() ? number->get_int64() : 0;
  if (value < 1 || value > 65535)
    errors.push_back(invalid(field, Json(value), "must be between 1 and 65535, inclusive"));
}

void check_ports(const Json& container, const std::string& field, FieldErrors& errors) {
  const JsonArray* ports = array_at(container, "ports");
  if (ports == nullptr) return;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports->size(); ++i) {
    const Json& port = (*ports)[i];
    const std::string at = item_path(field + ".ports", i);
    const std::string_view name = string_at(port, "name");
    if (!name.empty()) {
      const Complaints complaints = check_port_name(name);
      complain(at + ".name", name, complaints, errors);
      if (complaints.empty() && !names.insert(name).second)
        errors.push_back(duplicate(at + ".name", Json(name)));
    }
    if (int_at(port, "containerPort").value_or(0) == 0) {
      errors.push_back(required(at + ".containerPort", ""));
    } else {
      check_port_number(find(port, "containerPort"), at + ".containerPort", errors);
    }
    if (int_at(port, "hostPort").value_or(0) != 0)
      check_port_number(find(port, "hostPort"), at + ".hostPort", errors);
    const Json* protocol = find(port, "protocol");
    const std::string_view spoken = as_text(protocol);
    if (spoken.empty()) {
      errors.push_back(required(at + ".protocol", ""));
    } else if (spoken != "TCP" && spoken != "UDP" && spoken != "SCTP") {
      errors.push_back(not_supported(at + ".protocol", *protocol, {"SCTP", "TCP", "UDP"}));
    }
  }
}

void check_env(const Json& container, const std::string& field, FieldErrors& errors) {
  const JsonArray* variables = array_at(container, "env");
  if (variables == nullptr) return;
  for (std::size_t i = 0; i < variables->size(); ++i) {
    const Json& variable = (*variables)[i];
    const std::string at = item_path(field + ".env", i);
    const std::string_view name = string_at(variable, "name");
    if (name.empty()) {
      errors.push_back(required(at + ".name", ""));
    } else {
      complain(at + ".name", name, check_env_name(name), errors);
    }
    if (find(variable, "valueFrom") != nullptr && !string_at(variable, "value").empty()) {
      errors.push_back(
          invalid(at + ".valueFrom", Json(""), "may not be specified when `value` is not empty"));
    }
  }
}

void check_mounts(const Json& container,
                  const std::set<std::string_view>& volumes,
                  const std::string& field,
                  FieldErrors& errors) {
  const JsonArray* mounts = array_at(container, "volumeMounts");
  if (mounts == nullptr) return;
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < mounts->size(); ++i) {
    const Json& mount = (*mounts)[i];
    const std::string at = item_path(field + ".volumeMounts", i);
    const std::string_view name = string_at(mount, "name");
    const std::string_view path = string_at(mount, "mountPath");
    if (name.empty()) {
      errors.push_back(required(at + ".name", ""));
    } else if (!volumes.contains(name)) {
      errors.push_back(not_found(at + ".name", Json(name)));
    }
    if (path.empty()) {
      errors.push_back(required(at + ".mountPath", ""));
    } else if (!paths.insert(path).second) {
      errors.push_back(invalid(at + ".mountPath", Json(path), "must be unique"));
    }
  }
}

void check_amounts(const Json* amounts, const std::string& field, FieldErrors& errors) {
  if (amounts == nullptr || !amounts->is_object()) return;
  for (const auto& [name, amount] : amounts->get_object()) {
    const Result<Quantity> quantity = Quantity::parse(as_text(&amount));
    if (quantity && *quantity < Quantity()) {
      errors.push_back(invalid(fmt::format("{}[{}]", field, std::string_view(name)), amount,
                               "must be greater than or equal to 0"));
    }
  }
}

void check_resources(const Json& container, const std::string& field, FieldErrors& errors) {
  const Json* limits = find(container, "resources.limits");
  const Json* requests = find(container, "resources.requests");
  check_amounts(limits, field + ".resources.limits", errors);
  check_amounts(requests, field + ".resources.requests", errors);
  if (limits == nullptr || requests == nullptr || !limits->is_object() || !requests->is_object())
    return;
  for (const auto& [name, amount] : requests->get_object()) {
    const Json* most = limits->get_object().if_contains(name);
    if (most == nullptr) continue;
    const Result<Quantity> wanted = Quantity::parse(as_text(&amount));
    const Result<Quantity> limit = Quantity::parse(as_text(most));
    if (wanted && limit && *wanted > *limit) {
      errors.push_back(invalid(field + ".resources.requests", amount,
                               fmt::format("must be less than or equal to {} limit of {}",
                                           std::string_view(name), as_text(most))));
    }
  }
}

constexpr std::array<std::string_view, 4> kHandlers = {"exec", "httpGet", "tcpSocket", "grpc"};

void check_probe(const Json& container,
                 std::string_view which,
                 const std::string& field,
                 FieldErrors& errors) {
  const Json* probe = find(container, which);
  if (probe == nullptr || !probe->is_object()) return;
  const std::string at = fmt::format("{}.{}", field, which);
  const auto handlers = std::ranges::count_if(
      kHandlers, [probe](std::string_view handler) { return find(*probe, handler) != nullptr; });
  if (handlers == 0) errors.push_back(required(at, "must specify a handler type"));
  for (const std::string_view number : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                                        "successThreshold", "failureThreshold"}) {
    const auto value = int_at(*probe, number);
    if (value && *value < 0) {
      errors.push_back(invalid(fmt::format("{}.{}", at, number), Json(*value),
                               "must be greater than or equal to 0"));
    }
  }
  if (which != "readinessProbe" && int_at(*probe, "successThreshold").value_or(1) != 1) {
    errors.push_back(
        invalid(at + ".successThreshold", Json(*int_at(*probe, "successThreshold")), "must be 1"));
  }
}

void check_choice(const Json& owner,
                  std::string_view name,
                  const std::string& field,
                  const std::vector<std::string>& supported,
                  FieldErrors& errors) {
  const Json* value = find(owner, name);
  const std::string at = fmt::format("{}.{}", field, name);
  const std::string_view text = as_text(value);
  if (text.empty()) {
    errors.push_back(required(at, ""));
  } else if (std::ranges::find(supported, text) == supported.end()) {
    errors.push_back(not_supported(at, *value, supported));
  }
}

struct ContainerNames {
  std::set<std::string_view> seen;
  std::set<std::string_view> volumes;
};

void check_container(const Json& container,
                     const std::string& field,
                     ContainerNames& names,
                     FieldErrors& errors) {
  const std::string_view name = string_at(container, "name");
  if (name.empty()) {
    errors.push_back(required(field + ".name", ""));
  } else {
    complain(field + ".name", name, check_dns_label(name), errors);
    if (!names.seen.insert(name).second) errors.push_back(duplicate(field + ".name", Json(name)));
  }
  const std::string_view image = string_at(container, "image");
  if (image.empty()) {
    errors.push_back(required(field + ".image", ""));
  } else if (image.front() == ' ' || image.back() == ' ') {
    errors.push_back(
        invalid(field + ".image", Json(image), "must not have leading or trailing whitespace"));
  }
  check_choice(container, "terminationMessagePolicy", field, {"FallbackToLogsOnError", "File"},
               errors);
  check_choice(container, "imagePullPolicy", field, {"Always", "IfNotPresent", "Never"}, errors);
  check_ports(container, field, errors);
  check_env(container, field, errors);
  check_mounts(container, names.volumes, field, errors);
  check_resources(container, field, errors);
  for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    check_probe(container, probe, field, errors);
  }
}

// What a volume's source must say about where it comes from.
struct SourceMember {
  std::string_view source;
  std::string_view member;
};

constexpr std::array<SourceMember, 4> kSourceMembers = {{{"persistentVolumeClaim", "claimName"},
                                                         {"hostPath", "path"},
                                                         {"secret", "secretName"},
                                                         {"configMap", "name"}}};

void check_volume(const Json& volume,
                  const std::string& field,
                  std::set<std::string_view>& names,
                  FieldErrors& errors) {
  const std::string_view name = string_at(volume, "name");
  if (name.empty()) {
    errors.push_back(required(field + ".name", ""));
  } else {
    complain(field + ".name", name, check_dns_label(name), errors);
    if (!names.insert(name).second) errors.push_back(duplicate(field + ".name", Json(name)));
  }
  std::string_view first;
  for (const auto& [key, value] : volume.get_object()) {
    if (key == "name" || value.is_null()) continue;
    if (!first.empty()) {
      errors.push_back(forbidden(fmt::format("{}.{}", field, std::string_view(key)),
                                 "may not specify more than 1 volume type"));
    }
    first = key;
  }
  if (first.empty()) errors.push_back(required(field, "must specify a volume type"));
  for (const SourceMember& member : kSourceMembers) {
    const Json* source = find(volume, JsonKey{member.source});
    if (source != nullptr && string_at(*source, member.member).empty()) {
      errors.push_back(required(fmt::format("{}.{}.{}", field, member.source, member.member), ""));
    }
  }
}

void check_volumes(const Json& spec,
                   const std::string& field,
                   std::set<std::string_view>& names,
                   FieldErrors& errors) {
  const JsonArray* volumes = array_at(spec, "volumes");
  if (volumes == nullptr) return;
  for (std::size_t i = 0; i < volumes->size(); ++i) {
    if ((*volumes)[i].is_object())
      check_volume((*volumes)[i], item_path(field + ".volumes", i), names, errors);
  }
}

}  // namespace

void check_pod_spec(const Json& spec, const std::string& field, FieldErrors& errors) {
  ContainerNames names;
  check_volumes(spec, field, names.volumes, errors);
  const JsonArray* containers = array_at(spec, "containers");
  if (containers == nullptr || containers->empty())
    errors.push_back(required(field + ".containers", ""));
  for (const std::string_view list : {"containers", "initContainers"}) {
    const JsonArray* items = array_at(spec, list);
    if (items == nullptr) continue;
    for (std::size_t i = 0; i < items->size(); ++i) {
      check_container((*items)[i], item_path(fmt::format("{}.{}", field, list), i), names, errors);
    }
  }
  check_choice(spec, "restartPolicy", field, {"Always", "OnFailure", "Never"}, errors);
  check_choice(spec, "dnsPolicy", field,
               {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"}, errors);
  check_label_map(find(spec, "nodeSelector"), field + ".nodeSelector", errors);
  if (const std::string_view account = string_at(spec, "serviceAccountName"); !account.empty()) {
    complain(field + ".serviceAccountName", account, check_dns_subdomain(account), errors);
  }
  const auto grace = int_at(spec, "terminationGracePeriodSeconds");
  if (grace && *grace < 0) {
    errors.push_back(invalid(field + ".terminationGracePeriodSeconds", Json(*grace),
                             "must be greater than or equal to 0"));
  }
  const auto active = int_at(spec, "activeDeadlineSeconds");
  if (active && (*active < 1 || *active > INT32_MAX)) {
    errors.push_back(invalid(field + ".activeDeadlineSeconds", Json(*active),
                             "must be between 1 and 2147483647, inclusive"));
  }
}

}  // namespace lateen::sandbox::schema
