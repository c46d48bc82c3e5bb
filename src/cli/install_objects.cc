#include "cli/install_objects.h"

#include <algorithm>

#include "base/encoding.h"
#include "cli/install_pods.h"
#include "kube/object.h"
#include "model/crds.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

constexpr std::string_view kVeleroObjects = "velero.io/v1";

JsonObject install_meta(std::string_view ns, std::string_view name) {
  JsonObject meta{{"creationTimestamp", nullptr},
                  {"labels", JsonObject{{"component", "velero"}}},
                  {"name", name}};
  if (!ns.empty()) meta["namespace"] = ns;
  return meta;
}

Json install_object(std::string_view api_version,
                    std::string_view kind,
                    std::string_view ns,
                    std::string_view name) {
  return JsonObject{
      {"apiVersion", api_version}, {"kind", kind}, {"metadata", install_meta(ns, name)}};
}

JsonObject texts_of(const model::StringMap& map) {
  JsonObject out;
  for (const auto& [key, value] : map)
    out[key] = value;
  return out;
}

Json install_namespace(const InstallOptions& options) {
  Json out = install_object("v1", "Namespace", "", options.ns);
  // The node agent reaches into the node.
  for (const char* mode : {"enforce", "audit", "warn"}) {
    kube::set_label(out, fmt::format("pod-security.kubernetes.io/{}", mode), "privileged");
    kube::set_label(out, fmt::format("pod-security.kubernetes.io/{}-version", mode), "latest");
  }
  ensure(out, "spec") = JsonObject();
  return out;
}

Json install_binding(const InstallOptions& options) {
  Json out = install_object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "",
                            install_binding_name(options.ns));
  ensure(out, "roleRef") = JsonObject{{"apiGroup", "rbac.authorization.k8s.io"},
                                      {"kind", "ClusterRole"},
                                      {"name", "cluster-admin"}};
  ensure(out, "subjects") = JsonArray{
      JsonObject{{"kind", "ServiceAccount"}, {"name", kInstallAccount}, {"namespace", options.ns}}};
  return out;
}

Json install_account(const InstallOptions& options) {
  Json out = install_object("v1", "ServiceAccount", options.ns, kInstallAccount);
  if (!options.account_annotations.empty())
    ensure(out, "metadata.annotations") = texts_of(options.account_annotations);
  return out;
}

Json install_secret(const InstallOptions& options) {
  Json out = install_object("v1", "Secret", options.ns, "cloud-credentials");
  ensure(out, "data") = JsonObject{{"cloud", base64_encode(options.credentials->reveal())}};
  ensure(out, "type") = "Opaque";
  return out;
}

Json install_backup_location(const InstallOptions& options) {
  Json out = install_object(kVeleroObjects, "BackupStorageLocation", options.ns, "default");
  JsonObject bucket{{"bucket", options.bucket}};
  if (!options.prefix.empty()) bucket["prefix"] = options.prefix;
  if (!options.ca_cert.empty()) bucket["caCert"] = base64_encode(options.ca_cert);
  JsonObject spec{
      {"default", true}, {"objectStorage", std::move(bucket)}, {"provider", options.provider}};
  if (!options.location_config.empty()) spec["config"] = texts_of(options.location_config);
  ensure(out, "spec") = std::move(spec);
  return out;
}

Json install_snapshot_location(const InstallOptions& options) {
  Json out = install_object(kVeleroObjects, "VolumeSnapshotLocation", options.ns, "default");
  JsonObject spec{{"provider", options.provider}};
  if (!options.snapshot_config.empty()) spec["config"] = texts_of(options.snapshot_config);
  ensure(out, "spec") = std::move(spec);
  return out;
}

// A workload without what is of its kind alone.
Json install_workload(const InstallOptions& options,
                      std::string_view kind,
                      std::string_view name,
                      std::string_view label,
                      Json pods) {
  Json out = install_object("apps/v1", kind, options.ns, name);
  ensure(out, "spec") =
      JsonObject{{"selector", JsonObject{{"matchLabels", JsonObject{{label, name}}}}},
                 {"template", std::move(pods)}};
  return out;
}

}  // namespace

std::string install_binding_name(std::string_view ns) {
  return ns == model::kDefaultNamespace ? std::string("velero") : fmt::format("velero-{}", ns);
}

std::vector<Json> install_definitions() {
  std::vector<Json> out = model::crd_manifests();
  // Velero's v2alpha1 kinds come behind those of v1.
  std::stable_partition(out.begin(), out.end(),
                        [](const Json& crd) { return !kube::name_of(crd).starts_with("data"); });
  for (Json& own : model::own_crd_manifests())
    out.push_back(std::move(own));
  for (Json& crd : out)
    kube::set_label(crd, "component", "velero");
  return out;
}

std::vector<Json> install_objects(const InstallOptions& options) {
  std::vector<Json> out = install_definitions();
  out.push_back(install_namespace(options));
  if (options.service_account.empty()) {
    if (options.least_privilege) {
      for (Json& one : install_small_rights(options.ns))
        out.push_back(std::move(one));
    } else {
      out.push_back(install_binding(options));
    }
    out.push_back(install_account(options));
  }
  if (options.credentials) out.push_back(install_secret(options));
  if (options.backup_location) out.push_back(install_backup_location(options));
  if (options.snapshot_location) out.push_back(install_snapshot_location(options));
  Json server =
      install_workload(options, "Deployment", "velero", "deploy", install_server_pod(options));
  ensure(server, "spec.strategy") = JsonObject();
  out.push_back(std::move(server));
  const auto add_agent = [&](std::string_view name, Json pods) {
    Json agent = install_workload(options, "DaemonSet", name, "name", std::move(pods));
    ensure(agent, "spec.updateStrategy") = JsonObject();
    out.push_back(std::move(agent));
  };
  if (options.node_agent) add_agent("node-agent", install_agent_pod(options));
  if (options.node_agent_windows)
    add_agent("node-agent-windows", install_windows_agent_pod(options));
  return out;
}

}  // namespace lateen::cli
