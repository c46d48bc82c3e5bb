#include "agent/pod_template.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace lateen::agent {
namespace {

constexpr const char* kDaemonSet = "node-agent";

// Mounts that follow what is mounted on the node lead to kubelet's folders, and to other pods'
// volumes. Those of the service account come by themselves.
bool reaches_into_node(const Json& mount) {
  return !string_at(mount, "mountPropagation").empty();
}

void take_volumes(const Json& spec, const Json& container, PodTemplate& made) {
  const JsonArray* mounts = array_at(container, "volumeMounts");
  const JsonArray* volumes = array_at(spec, "volumes");
  if (mounts == nullptr || volumes == nullptr) return;
  for (const Json& mount : *mounts) {
    if (!reaches_into_node(mount)) made.mounts.push_back(mount);
  }
  for (const Json& volume : *volumes) {
    const bool used = std::any_of(made.mounts.begin(), made.mounts.end(), [&](const Json& mount) {
      return string_at(mount, "name") == string_at(volume, "name");
    });
    if (used) made.volumes.push_back(volume);
  }
}

// Velero's agent passes these two on as well.
std::vector<std::string> log_arguments_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!word.starts_with("--log-level") && !word.starts_with("--log-format")) continue;
    found.push_back(word);
    if (word.find('=') == std::string::npos && i + 1 < arguments.size())
      found.push_back(arguments[++i]);
  }
  return found;
}

}  // namespace

Result<PodTemplate> read_pod_template(kube::Client& client,
                                      const std::string& ns,
                                      std::stop_token stop) {
  const auto set = client.get({.gvr = {"apps", "v1", "daemonsets"}, .ns = ns, .name = kDaemonSet},
                              {}, std::move(stop));
  if (!set && set.error().is(Code::NotFound)) {
    return Error(Code::NotFound,
                 "DaemonSet {}/{} is not there: the data mover's pods are made as its are", ns,
                 kDaemonSet)
        .with_hint("`lateen install --use-node-agent` makes it.");
  }
  if (!set) return Error(set.error()).wrap("reading DaemonSet {}/{}", ns, kDaemonSet);
  const Json* spec = find(*set, "spec.template.spec");
  const JsonArray* containers = array_at(*set, "spec.template.spec.containers");
  if (spec == nullptr || containers == nullptr || containers->empty())
    return Error(Code::InvalidArgument, "DaemonSet {}/{} has no container", ns, kDaemonSet);
  const Json& first = containers->front();
  PodTemplate made{.image = std::string(string_at(first, "image")),
                   .pull_policy = std::string(string_at(first, "imagePullPolicy")),
                   .command = {"/lateen"},
                   .log_arguments = log_arguments_of(texts_at(first, "args")),
                   .service_account = std::string(string_at(*spec, "serviceAccountName"))};
  if (const auto command = texts_at(first, "command"); !command.empty())
    made.command = {command.front()};
  const std::array<std::tuple<const Json*, const char*, Json*>, 6> parts = {
      {{spec, "imagePullSecrets", &made.pull_secrets},
       {spec, "tolerations", &made.tolerations},
       {spec, "dnsPolicy", &made.dns_policy},
       {spec, "dnsConfig", &made.dns_config},
       {&first, "env", &made.env},
       {&first, "envFrom", &made.env_from}}};
  for (const auto& [holder, key, to] : parts) {
    if (const Json* value = find(*holder, key)) *to = *value;
  }
  take_volumes(*spec, first, made);
  return made;
}

PodTemplate bare(const PodTemplate& pod) {
  return {.image = pod.image,
          .pull_policy = pod.pull_policy,
          .command = pod.command,
          .tolerations = pod.tolerations};
}

}  // namespace lateen::agent
