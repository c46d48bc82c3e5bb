#include "agent/settings.h"

#include <algorithm>
#include <array>

#include "agent/limits.h"
#include "base/quantity.h"
#include "kube/object.h"

namespace lateen::agent {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 1> kIdleKeys = {
    {{"privilegedFsBackup",
      "no pod is made for a running pod's files: the agent copies them itself. `lateen install "
      "--privileged-node-agent` lets it run privileged"}}};

// A claim holds more than what is kept in it, as Velero has it: file systems take their part.
constexpr ByteCount kClaimPercent = 120;

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
  settings.prepare_queue_length =
      TRY(positive(*load, "prepareQueueLength", 0).wrap("loadConcurrency"));
  const JsonArray* nodes = array_at(*load, "perNodeConfig");
  if (nodes == nullptr) return {};
  for (const Json& node : *nodes) {
    NodeConcurrency one;
    one.number = TRY(positive(node, "number", 1).wrap("perNodeConfig"));
    if (const Json* selector = find(node, "nodeSelector")) one.selector = *selector;
    TRY(kube::LabelSelector::from_json(&one.selector).wrap("perNodeConfig: nodeSelector"));
    settings.per_node.push_back(std::move(one));
  }
  return {};
}

std::map<std::string, std::string> texts_of(const Json& holder, std::string_view key) {
  std::map<std::string, std::string> texts;
  if (const JsonObject* given = object_at(holder, key)) {
    for (const auto& [name, value] : *given)
      texts[std::string(name)] = as_text(&value);
  }
  return texts;
}

Status read_affinity(const Json& config, AgentSettings& settings) {
  const JsonArray* given = array_at(config, "loadAffinity");
  if (given == nullptr) return {};
  for (const Json& one : *given) {
    LoadAffinity affinity{.storage_class = std::string(string_at(one, "storageClass"))};
    if (const Json* selector = find(one, "nodeSelector")) affinity.selector = *selector;
    TRY(kube::LabelSelector::from_json(&affinity.selector).wrap("loadAffinity: nodeSelector"));
    settings.load_affinity.push_back(std::move(affinity));
  }
  return {};
}

// {"cpuRequest": "1", …} as a container's resources. Zero is no bound, as Velero has it.
Status read_resources(const Json& config, AgentSettings& settings) {
  const JsonObject* given = object_at(config, "podResources");
  if (given == nullptr) return {};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kKinds = {
      {{"cpu", "cpu"}, {"memory", "memory"}, {"ephemeralStorage", "ephemeral-storage"}}};
  for (const auto& [key, resource] : kKinds) {
    for (const auto& [end, set] :
         {std::pair{"Request", "requests"}, std::pair{"Limit", "limits"}}) {
      const auto value = given->find(fmt::format("{}{}", key, end));
      const std::string_view text = value == given->end() ? "" : as_text(&value->value());
      if (text.empty()) continue;
      const Quantity amount = TRY(Quantity::parse(text).wrap("podResources: {}{}", key, end));
      if (amount.is_zero()) continue;
      ensure(settings.pod_resources, fmt::format("{}.{}", set, resource)) = text;
    }
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
    one.no_relabeling = one.read_only && bool_at(given, "spcNoRelabeling").value_or(false);
    one.annotations = texts_of(given, "annotations");
  }
}

void read_cache_claim(const Json& config, AgentSettings& settings) {
  const Json* given = find(config, "cachePVC");
  if (given == nullptr || !given->is_object()) return;
  CacheClaimSettings claim{.storage_class = std::string(string_at(*given, "storageClass"))};
  const std::int64_t threshold = int_at(*given, "residentThresholdInMB").value_or(0);
  if (threshold > 0) claim.resident_threshold = static_cast<ByteCount>(threshold) * 1_MiB;
  if (claim.storage_class.empty()) {
    settings.idle.push_back({"cachePVC", "it has no storageClass"});
    return;
  }
  settings.cache_claim = std::move(claim);
}

}  // namespace

ByteCount CacheClaimSettings::size_for(ByteCount data) const {
  if (data != 0 && data < resident_threshold) return 0;
  return (limit / 100 * kClaimPercent + 1_GiB - 1) / 1_GiB * 1_GiB;
}

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
  TRY(read_affinity(config, settings).wrap("ConfigMap {}", kube::object_key(config_map)));
  TRY(read_resources(config, settings).wrap("ConfigMap {}", kube::object_key(config_map)));
  read_backup_claims(config, settings);
  if (const Json* limits = find(config, "lateen")) {
    TRY(LimitPlan::parse(*limits, {}, {}).wrap("ConfigMap {}", kube::object_key(config_map)));
    settings.limits = *limits;
  }
  settings.priority_class = string_at(config, "priorityClassName");
  settings.pod_labels = texts_of(config, "podLabels");
  settings.pod_annotations = texts_of(config, "podAnnotations");
  settings.ignore_delay_binding = bool_at(config, "restorePVC.ignoreDelayBinding").value_or(false);
  read_cache_claim(config, settings);
  for (const auto& [key, why] : kIdleKeys) {
    const Json* given = find(config, JsonKey{key});
    if (given != nullptr && *given != Json(false)) settings.idle.push_back({key, why});
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

const LoadAffinity* AgentSettings::affinity_of(std::string_view storage_class) const {
  const LoadAffinity* of_all = nullptr;
  for (const LoadAffinity& one : load_affinity) {
    if (!one.storage_class.empty() && one.storage_class == storage_class) return &one;
    if (one.storage_class.empty() && of_all == nullptr) of_all = &one;
  }
  return of_all;
}

}  // namespace lateen::agent
