#include "cli/install_pods.h"

#include <algorithm>

#include "base/file.h"
#include "cli/plugin_image.h"

namespace lateen::cli {
namespace {

// Where the image has this program, besides /lateen: what is there already in a Deployment of
// Velero's, so that another image alone makes it ours.
constexpr std::string_view kProgramPath = "/velero";
constexpr std::string_view kCredentials = "cloud-credentials";

Json mount_of(std::string_view name, std::string_view path) {
  return JsonObject{{"mountPath", path}, {"name", name}};
}

Json node_mount_of(std::string_view name, std::string_view path) {
  return JsonObject{{"mountPath", path}, {"mountPropagation", "HostToContainer"}, {"name", name}};
}

Json empty_dir_of(std::string_view name) {
  return JsonObject{{"emptyDir", JsonObject()}, {"name", name}};
}

Json host_path_of(std::string_view name, const std::string& path) {
  return JsonObject{{"hostPath", JsonObject{{"path", path}}}, {"name", name}};
}

Json variable_of(std::string_view name, std::string_view value) {
  return JsonObject{{"name", name}, {"value", value}};
}

Json field_variable_of(std::string_view name, std::string_view path) {
  return JsonObject{{"name", name},
                    {"valueFrom", JsonObject{{"fieldRef", JsonObject{{"fieldPath", path}}}}}};
}

Json node_affinity(std::string_view operation) {
  JsonObject expression{
      {"key", "kubernetes.io/os"}, {"operator", operation}, {"values", JsonArray{"windows"}}};
  JsonObject term{{"matchExpressions", JsonArray{std::move(expression)}}};
  JsonObject required{{"nodeSelectorTerms", JsonArray{std::move(term)}}};
  return JsonObject{{"nodeAffinity", JsonObject{{"requiredDuringSchedulingIgnoredDuringExecution",
                                                 std::move(required)}}}};
}

// What a pod consists of, before it is put together.
struct PodParts {
  JsonArray args;
  JsonArray env;
  JsonArray mounts;
  JsonArray volumes;
};

// The credentials, where every provider's library looks for them.
void add_credentials(PodParts& parts) {
  parts.volumes.push_back(
      JsonObject{{"name", kCredentials},
                 {"secret", JsonObject{{"defaultMode", 0444}, {"secretName", kCredentials}}}});
  parts.mounts.push_back(mount_of(kCredentials, "/credentials"));
  for (const char* name : {"GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE",
                           "AZURE_CREDENTIALS_FILE", "ALIBABA_CLOUD_CREDENTIALS_FILE"}) {
    parts.env.push_back(variable_of(name, "/credentials/cloud"));
  }
}

// A bucket that is a folder of the node appears in the pod under its own name.
void add_folder(const InstallOptions& options, PodParts& parts) {
  const auto path = options.location_config.find("path");
  if (path == options.location_config.end() || options.provider == "aws") return;
  parts.volumes.push_back(
      JsonObject{{"hostPath", JsonObject{{"path", path->second}, {"type", "DirectoryOrCreate"}}},
                 {"name", "backups"}});
  parts.mounts.push_back(mount_of("backups", path->second));
}

JsonObject pod_labels(const InstallOptions& options) {
  JsonObject labels{{"component", "velero"}};
  for (const auto& [key, value] : options.pod_labels)
    labels[key] = value;
  return labels;
}

JsonArray arguments_of(std::initializer_list<std::string_view> first,
                       const std::vector<std::string>& rest) {
  JsonArray out;
  for (const std::string_view word : first)
    out.push_back(Json(word));
  for (const std::string& word : rest)
    out.push_back(Json(word));
  return out;
}

JsonObject make_container(const InstallOptions& options,
                          std::string_view name,
                          const Json& resources,
                          PodParts& parts) {
  return {{"args", std::move(parts.args)},
          {"command", JsonArray{kProgramPath}},
          {"env", std::move(parts.env)},
          {"image", options.image},
          {"imagePullPolicy", install_pull_policy(options.image)},
          {"name", name},
          {"ports", JsonArray{JsonObject{{"containerPort", 8085}, {"name", "metrics"}}}},
          {"resources", resources},
          {"volumeMounts", std::move(parts.mounts)}};
}

JsonObject make_pod(const InstallOptions& options, Json container, PodParts& parts) {
  return {{"affinity", node_affinity("NotIn")},
          {"containers", JsonArray{std::move(container)}},
          {"serviceAccountName", options.service_account.empty()
                                     ? kInstallAccount
                                     : std::string_view(options.service_account)},
          {"volumes", std::move(parts.volumes)}};
}

JsonArray plugin_containers(const InstallOptions& options) {
  JsonArray out;
  for (const std::string& image : options.plugins) {
    out.push_back(JsonObject{
        {"image", image},
        {"imagePullPolicy", install_pull_policy(options.image)},
        {"name", plugin_container_name(image)},
        {"resources", JsonObject()},
        {"volumeMounts", JsonArray{JsonObject{{"mountPath", "/target"}, {"name", "plugins"}}}}});
  }
  return out;
}

PodParts agent_parts(const InstallOptions& options) {
  PodParts parts{.args = arguments_of({"node-agent", "server"}, options.agent_args),
                 .env = {field_variable_of("NODE_NAME", "spec.nodeName"),
                         field_variable_of("VELERO_NAMESPACE", "metadata.namespace"),
                         variable_of("VELERO_SCRATCH_DIR", "/scratch")},
                 .mounts = {},
                 .volumes = {}};
  if (options.agent_host_paths) {
    const FilePath root = options.kubelet_root;
    parts.volumes.push_back(host_path_of("host-pods", (root / "pods").string()));
    parts.volumes.push_back(host_path_of("host-plugins", (root / "plugins").string()));
    parts.mounts.push_back(node_mount_of("host-pods", "/host_pods"));
    parts.mounts.push_back(node_mount_of("host-plugins", "/var/lib/kubelet/plugins"));
  }
  parts.volumes.push_back(empty_dir_of("scratch"));
  parts.mounts.push_back(mount_of("scratch", "/scratch"));
  if (options.credentials) add_credentials(parts);
  add_folder(options, parts);
  return parts;
}

Json agent_template(const InstallOptions& options, std::string_view name, JsonObject pod) {
  JsonObject labels = pod_labels(options);
  labels["name"] = name;
  labels["role"] = "node-agent";
  if (!options.agent_priority.empty()) pod["priorityClassName"] = options.agent_priority;
  JsonObject meta{{"creationTimestamp", nullptr}, {"labels", std::move(labels)}};
  if (!options.pod_annotations.empty()) {
    JsonObject annotations;
    for (const auto& [key, value] : options.pod_annotations)
      annotations[key] = value;
    meta["annotations"] = std::move(annotations);
  }
  return JsonObject{{"metadata", std::move(meta)}, {"spec", std::move(pod)}};
}

Json toleration_of(std::string_view effect) {
  return JsonObject{{"effect", effect}, {"key", "os"}, {"operator", "Equal"}, {"value", "windows"}};
}

}  // namespace

std::string_view install_pull_policy(std::string_view image) {
  const std::size_t colon = image.find(':');
  const bool pinned = colon != std::string_view::npos &&
                      image.find(':', colon + 1) == std::string_view::npos &&
                      image.substr(colon + 1) != "latest";
  return pinned ? "IfNotPresent" : "Always";
}

Json install_server_pod(const InstallOptions& options) {
  PodParts parts{.args = arguments_of({"server"}, options.server_args),
                 .env = {variable_of("VELERO_SCRATCH_DIR", "/scratch"),
                         field_variable_of("VELERO_NAMESPACE", "metadata.namespace"),
                         variable_of("LD_LIBRARY_PATH", "/plugins")},
                 .mounts = {mount_of("plugins", "/plugins"), mount_of("scratch", "/scratch")},
                 .volumes = {empty_dir_of("plugins"), empty_dir_of("scratch")}};
  if (options.credentials) add_credentials(parts);
  if (options.early_frequent_polling)
    parts.env.push_back(variable_of("CSI_SNAPSHOT_EARLY_FREQUENT_POLLING", "true"));
  add_folder(options, parts);
  JsonObject container = make_container(options, "velero", options.server_resources, parts);
  JsonObject pod = make_pod(options, std::move(container), parts);
  pod["os"] = JsonObject{{"name", "linux"}};
  pod["restartPolicy"] = "Always";
  if (!options.plugins.empty()) pod["initContainers"] = plugin_containers(options);
  if (!options.server_priority.empty()) pod["priorityClassName"] = options.server_priority;
  JsonObject labels = pod_labels(options);
  labels["deploy"] = "velero";
  JsonObject annotations{{"prometheus.io/path", "/metrics"},
                         {"prometheus.io/port", "8085"},
                         {"prometheus.io/scrape", "true"}};
  for (const auto& [key, value] : options.pod_annotations)
    annotations[key] = value;
  return JsonObject{{"metadata", JsonObject{{"annotations", std::move(annotations)},
                                            {"creationTimestamp", nullptr},
                                            {"labels", std::move(labels)}}},
                    {"spec", std::move(pod)}};
}

Json install_agent_pod(const InstallOptions& options) {
  PodParts parts = agent_parts(options);
  JsonObject container = make_container(options, "node-agent", options.agent_resources, parts);
  container["securityContext"] = JsonObject{{"privileged", options.privileged_agent}};
  JsonObject pod = make_pod(options, std::move(container), parts);
  pod["securityContext"] = JsonObject{{"runAsUser", 0}};
  return agent_template(options, "node-agent", std::move(pod));
}

Json install_windows_agent_pod(const InstallOptions& options) {
  PodParts parts = agent_parts(options);
  JsonObject container =
      make_container(options, "node-agent-windows", options.agent_resources, parts);
  JsonObject pod = make_pod(options, std::move(container), parts);
  pod["affinity"] = node_affinity("In");
  pod["os"] = JsonObject{{"name", "windows"}};
  pod["tolerations"] = JsonArray{toleration_of("NoSchedule"), toleration_of("NoExecute")};
  return agent_template(options, "node-agent-windows", std::move(pod));
}

}  // namespace lateen::cli
