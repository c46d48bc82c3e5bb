#include "sandbox/schema/table_parts.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/time.h"
#include "kube/selector.h"

namespace lateen::sandbox::schema {
namespace {

std::string member_texts(const Json& object, std::string_view pod_spec, std::string_view key) {
  std::vector<std::string_view> texts;
  if (const JsonArray* containers = array_at(object, fmt::format("{}.containers", pod_spec))) {
    for (const Json& container : *containers)
      texts.push_back(string_at(container, key));
  }
  return fmt::format("{}", fmt::join(texts, ","));
}

bool has_true_condition(const Json& object, std::string_view type) {
  const JsonArray* conditions = array_at(object, "status.conditions");
  return conditions != nullptr && std::ranges::any_of(*conditions, [type](const Json& condition) {
           return string_at(condition, "type") == type && string_at(condition, "status") == "True";
         });
}

// ---- Jobs

std::string job_status(const Json& job) {
  if (has_true_condition(job, "Complete")) return "Complete";
  if (has_true_condition(job, "Failed")) return "Failed";
  if (!string_at(job, "metadata.deletionTimestamp").empty()) return "Terminating";
  for (const std::string_view condition : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (has_true_condition(job, condition)) return std::string(condition);
  }
  return "Running";
}

std::string job_completions(const Json& job) {
  const std::int64_t done = int_at(job, "status.succeeded").value_or(0);
  if (const auto wanted = int_at(job, "spec.completions"))
    return fmt::format("{}/{}", done, *wanted);
  const std::int64_t parallel = int_at(job, "spec.parallelism").value_or(0);
  return parallel > 1 ? fmt::format("{}/1 of {}", done, parallel) : fmt::format("{}/1", done);
}

std::string job_duration(const Json& job, TimePoint now) {
  const Result<TimePoint> start = parse_rfc3339(string_at(job, "status.startTime"));
  if (!start) return "";
  const Result<TimePoint> end = parse_rfc3339(string_at(job, "status.completionTime"));
  return human_duration((end ? *end : now) - *start);
}

// ---- Services

std::vector<std::string> text_list(const JsonArray* items, std::string_view key) {
  std::vector<std::string> texts;
  if (items == nullptr) return texts;
  for (const Json& item : *items) {
    const std::string_view text = key.empty() ? as_text(&item) : string_at(item, key);
    if (!text.empty()) texts.emplace_back(text);
  }
  return texts;
}

std::string outside_addresses(const Json& service) {
  const std::string_view type = string_at(service, "spec.type");
  if (type == "ExternalName") return std::string(string_at(service, "spec.externalName"));
  std::vector<std::string> addresses;
  if (type == "LoadBalancer") {
    if (const JsonArray* points = array_at(service, "status.loadBalancer.ingress")) {
      for (const Json& point : *points) {
        const std::string_view ip = string_at(point, "ip");
        addresses.emplace_back(ip.empty() ? string_at(point, "hostname") : ip);
      }
    }
  }
  const std::vector<std::string> own = text_list(array_at(service, "spec.externalIPs"), {});
  addresses.insert(addresses.end(), own.begin(), own.end());
  if (addresses.empty()) return type == "LoadBalancer" ? "<pending>" : "<none>";
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::string service_ports(const Json& service) {
  std::vector<std::string> ports;
  if (const JsonArray* items = array_at(service, "spec.ports")) {
    for (const Json& port : *items) {
      const std::int64_t number = int_at(port, "port").value_or(0);
      const std::int64_t node = int_at(port, "nodePort").value_or(0);
      const std::string_view protocol = string_at(port, "protocol");
      ports.push_back(node > 0 ? fmt::format("{}:{}/{}", number, node, protocol)
                               : fmt::format("{}/{}", number, protocol));
    }
  }
  return joined_or_none(ports);
}

// ---- Nodes

std::string node_status(const Json& node) {
  std::string status = "Unknown";
  if (const JsonArray* conditions = array_at(node, "status.conditions")) {
    for (const Json& condition : *conditions) {
      if (string_at(condition, "type") != "Ready") continue;
      status = string_at(condition, "status") == "True" ? "Ready" : "NotReady";
    }
  }
  if (bool_at(node, "spec.unschedulable").value_or(false)) status += ",SchedulingDisabled";
  return status;
}

std::string node_roles(const Json& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::vector<std::string> roles;
  if (const JsonObject* labels = object_at(node, "metadata.labels")) {
    for (const auto& [key, value] : *labels) {
      if (key.starts_with(kPrefix) && key.size() > kPrefix.size())
        roles.emplace_back(key.substr(kPrefix.size()));
      if (key == "kubernetes.io/role" && !as_text(&value).empty())
        roles.emplace_back(as_text(&value));
    }
  }
  std::ranges::sort(roles);
  return joined_or_none(roles);
}

std::string node_address(const Json& node, std::string_view type) {
  if (const JsonArray* addresses = array_at(node, "status.addresses")) {
    for (const Json& address : *addresses) {
      if (string_at(address, "type") == type) return std::string(string_at(address, "address"));
    }
  }
  return "<none>";
}

// ---- Autoscalers

std::string amount_or(const Json* target, std::string_view key) {
  const Json* value = target != nullptr ? find(*target, key) : nullptr;
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : write_json(*value);
}

const Json* current_resource(const Json& autoscaler, std::string_view name) {
  const JsonArray* metrics = array_at(autoscaler, "status.currentMetrics");
  if (metrics == nullptr) return nullptr;
  for (const Json& metric : *metrics) {
    if (string_at(metric, "resource.name") == name) return find(metric, "resource.current");
  }
  return nullptr;
}

std::string metric_text(const Json& autoscaler, const Json& metric) {
  if (string_at(metric, "type") != "Resource")
    return fmt::format("<unknown>/{}", string_at(metric, "type"));
  const std::string_view name = string_at(metric, "resource.name");
  const Json* target = find(metric, "resource.target");
  const Json* current = current_resource(autoscaler, name);
  const std::string share = amount_or(target, "averageUtilization");
  std::string now = amount_or(current, share.empty() ? "averageValue" : "averageUtilization");
  if (now.empty()) {
    now = "<unknown>";
  } else if (!share.empty()) {
    now += "%";
  }
  return fmt::format("{}: {}/{}", name, now,
                     share.empty() ? amount_or(target, "averageValue") : share + "%");
}

std::string metric_texts(const Json& autoscaler) {
  std::vector<std::string> texts;
  if (const JsonArray* metrics = array_at(autoscaler, "spec.metrics")) {
    for (const Json& metric : *metrics)
      texts.push_back(metric_text(autoscaler, metric));
  }
  if (texts.empty()) return "<none>";
  if (texts.size() <= 2) return fmt::format("{}", fmt::join(texts, ", "));
  return fmt::format("{}, {} + {} more...", texts[0], texts[1], texts.size() - 2);
}

}  // namespace

std::string or_none(std::string_view text) {
  return text.empty() ? "<none>" : std::string(text);
}

std::string age_text(const Json* time, TimePoint now) {
  const Result<TimePoint> then = parse_rfc3339(as_text(time));
  return then ? human_duration(now - *then) : "<unknown>";
}

std::string labels_text(const Json* labels) {
  std::map<std::string_view, std::string_view> sorted;
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->get_object())
      sorted.emplace(key, as_text(&value));
  }
  std::vector<std::string> texts;
  for (const auto& [key, value] : sorted)
    texts.push_back(fmt::format("{}={}", key, value));
  return joined_or_none(texts);
}

std::string selector_text(const Json* selector) {
  const Result<kube::LabelSelector> parsed = kube::LabelSelector::from_json(selector);
  if (!parsed || parsed->selects_nothing() || parsed->selects_everything()) return "<none>";
  std::vector<std::string> texts;
  for (const kube::Requirement& requirement : parsed->requirements())
    texts.push_back(requirement.to_string());
  return fmt::format("{}", fmt::join(texts, ","));
}

std::string joined_or_none(const std::vector<std::string>& texts) {
  return texts.empty() ? "<none>" : fmt::format("{}", fmt::join(texts, ","));
}

std::string container_names(const Json& object, std::string_view pod_spec) {
  return member_texts(object, pod_spec, "name");
}

std::string container_images(const Json& object, std::string_view pod_spec) {
  return member_texts(object, pod_spec, "image");
}

Json text_at(const Json& object, std::string_view path) {
  return Json(string_at(object, path));
}

Json number_at(const Json& object, std::string_view path) {
  return Json(int_at(object, path).value_or(0));
}

Json text_or_none(const Json& object, std::string_view path, std::string_view none) {
  const std::string_view text = string_at(object, path);
  return Json(text.empty() ? none : text);
}

Json name_of(const Json& object) {
  return text_at(object, "metadata.name");
}

Json age_of(const Json& object, TimePoint now) {
  return Json(age_text(find(object, "metadata.creationTimestamp"), now));
}

std::size_t size_at(const Json& object, std::string_view path) {
  if (const JsonObject* members = object_at(object, path)) return members->size();
  if (const JsonArray* items = array_at(object, path)) return items->size();
  return 0;
}

std::string value_or(const Json& object, std::string_view path, std::string_view otherwise) {
  const Json* value = find(object, path);
  if (value == nullptr || value->is_null()) return std::string(otherwise);
  return value->is_string() ? std::string(value->get_string()) : write_json(*value);
}

Json containers(const Json& object) {
  return Json(container_names(object, "spec.template.spec"));
}

Json images(const Json& object) {
  return Json(container_images(object, "spec.template.spec"));
}

JsonArray job_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(job_status(object)),
          Json(job_completions(object)),
          Json(job_duration(object, now)),
          age_of(object, now),
          Json(container_names(object, "spec.template.spec")),
          Json(container_images(object, "spec.template.spec")),
          Json(selector_text(find(object, "spec.selector")))};
}

JsonArray service_cells(const Json& object, TimePoint now) {
  return {name_of(object),
          Json(string_at(object, "spec.type")),
          Json(or_none(string_at(object, "spec.clusterIP"))),
          Json(outside_addresses(object)),
          Json(service_ports(object)),
          age_of(object, now),
          Json(labels_text(find(object, "spec.selector")))};
}

JsonArray node_cells(const Json& object, TimePoint now) {
  const auto info = [&object](std::string_view key) {
    const std::string_view text = string_at(object, fmt::format("status.nodeInfo.{}", key));
    return Json(text.empty() ? std::string_view("<unknown>") : text);
  };
  return {name_of(object),
          Json(node_status(object)),
          Json(node_roles(object)),
          age_of(object, now),
          Json(string_at(object, "status.nodeInfo.kubeletVersion")),
          Json(node_address(object, "InternalIP")),
          Json(node_address(object, "ExternalIP")),
          info("osImage"),
          info("kernelVersion"),
          info("containerRuntimeVersion")};
}

JsonArray event_cells(const Json& object, TimePoint now) {
  const auto first_of = [&object](std::initializer_list<std::string_view> paths) {
    for (const std::string_view path : paths) {
      const Json* time = find(object, path);
      if (time != nullptr && time->is_string()) return time;
    }
    return static_cast<const Json*>(nullptr);
  };
  std::string kind(string_at(object, "involvedObject.kind"));
  std::ranges::transform(kind, kind.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  std::string source(string_at(object, "source.component"));
  if (source.empty()) source = string_at(object, "reportingComponent");
  std::string_view host = string_at(object, "source.host");
  if (host.empty()) host = string_at(object, "reportingInstance");
  if (!host.empty()) source += fmt::format(", {}", host);
  std::string_view message = string_at(object, "message");
  while (!message.empty() && (message.back() == '\n' || message.back() == ' '))
    message.remove_suffix(1);
  const std::int64_t count =
      int_at(object, "series.count").value_or(int_at(object, "count").value_or(0));
  return {Json(age_text(first_of({"series.lastObservedTime", "lastTimestamp", "eventTime"}), now)),
          Json(string_at(object, "type")),
          Json(string_at(object, "reason")),
          Json(fmt::format("{}/{}", kind, string_at(object, "involvedObject.name"))),
          Json(string_at(object, "involvedObject.fieldPath")),
          Json(source),
          Json(message),
          Json(age_text(first_of({"firstTimestamp", "eventTime"}), now)),
          Json(std::max<std::int64_t>(count, 1)),
          name_of(object)};
}

JsonArray autoscaler_cells(const Json& object, TimePoint now) {
  const auto least = int_at(object, "spec.minReplicas");
  return {name_of(object),
          Json(fmt::format("{}/{}", string_at(object, "spec.scaleTargetRef.kind"),
                           string_at(object, "spec.scaleTargetRef.name"))),
          Json(metric_texts(object)),
          least ? Json(std::to_string(*least)) : Json("<unset>"),
          Json(int_at(object, "spec.maxReplicas").value_or(0)),
          Json(int_at(object, "status.currentReplicas").value_or(0)),
          age_of(object, now)};
}

}  // namespace lateen::sandbox::schema
