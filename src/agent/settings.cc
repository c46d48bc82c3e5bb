#include "agent/settings.h"

#include <algorithm>
#include <array>

#include "kube/object.h"

namespace lateen::agent {
namespace {

// These configure the pods in which Velero moves data. Here the agent does it itself.
constexpr std::array<const char*, 8> kWithoutEffect = {
    "loadAffinity", "podResources",   "priorityClassName", "privilegedFsBackup",
    "cachePVC",     "podAnnotations", "podLabels",         "tolerations"};

Result<std::size_t> positive(const Json& value, std::string_view key, std::size_t absent) {
  const Json* found = find(value, key);
  if (found == nullptr || found->is_null()) return absent;
  const auto number = int_at(value, key);
  if (!number || *number < 1)
    return Error(Code::InvalidArgument, "{} is {}: it must be at least 1", key, write_json(*found));
  return static_cast<std::size_t>(*number);
}

Status read_concurrency(const Json& config, AgentSettings& settings) {
  const Json* load = find(config, "loadConcurrency");
  if (load == nullptr) return {};
  settings.global_concurrency = TRY(positive(*load, "globalConfig", 1).wrap("loadConcurrency"));
  const JsonArray* nodes = array_at(*load, "perNodeConfig");
  if (nodes == nullptr) return {};
  for (const Json& node : *nodes) {
    NodeConcurrency one{.selector = {},
                        .number = TRY(positive(node, "number", 1).wrap("perNodeConfig"))};
    if (const Json* selector = find(node, "nodeSelector")) one.selector = *selector;
    TRY(kube::LabelSelector::from_json(&one.selector).wrap("perNodeConfig: nodeSelector"));
    settings.per_node.push_back(std::move(one));
  }
  return {};
}

void read_backup_claims(const Json& config, AgentSettings& settings) {
  const JsonObject* claims = object_at(config, "backupPVC");
  if (claims == nullptr) return;
  for (const auto& [storage_class, given] : *claims) {
    BackupClaimSettings& one = settings.backup_claims[std::string(storage_class)];
    one.storage_class = string_at(given, "storageClass");
    one.read_only = bool_at(given, "readOnly").value_or(false);
    if (const JsonObject* annotations = object_at(given, "annotations")) {
      for (const auto& [key, value] : *annotations)
        one.annotations[std::string(key)] = as_text(&value);
    }
  }
}

}  // namespace

Result<AgentSettings> AgentSettings::parse(const Json& config_map) {
  AgentSettings settings;
  const JsonObject* data = object_at(config_map, "data");
  if (data == nullptr || data->empty()) return settings;
  if (data->size() > 1) {
    return Error(Code::InvalidArgument, "ConfigMap {} has {} keys: it must have one",
                 kube::object_key(config_map), data->size());
  }
  const Json config = TRY(parse_json(as_text(&data->begin()->value()))
                              .wrap("ConfigMap {}", kube::object_key(config_map)));
  TRY(read_concurrency(config, settings).wrap("ConfigMap {}", kube::object_key(config_map)));
  read_backup_claims(config, settings);
  settings.ignore_delay_binding = bool_at(config, "restorePVC.ignoreDelayBinding").value_or(false);
  for (const char* key : kWithoutEffect) {
    if (find(config, key) != nullptr) settings.without_effect.emplace_back(key);
  }
  return settings;
}

std::size_t AgentSettings::concurrency(const kube::Labels& node) const {
  std::size_t least = 0;
  for (const NodeConcurrency& one : per_node) {
    const auto selector = kube::LabelSelector::from_json(&one.selector);
    if (!selector || !selector->matches(node)) continue;
    least = least == 0 ? one.number : std::min(least, one.number);
  }
  return least == 0 ? global_concurrency : least;
}

}  // namespace lateen::agent
