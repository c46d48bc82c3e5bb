#include "cli/session.h"

#include <array>

#include "base/environment.h"
#include "base/version.h"
#include "cli/client_config.h"
#include "kube/kubeconfig.h"
#include "model/names.h"

namespace lateen::cli {

Result<std::string> velero_namespace(const Invocation& call) {
  // Commands about objects of any namespace call the object's --namespace.
  const bool is_other = call.flags.find("velero-namespace") != nullptr;
  const std::string_view flag = is_other ? "velero-namespace" : "namespace";
  if (call.flags.given(flag)) return call.flags.text(flag);
  const model::StringMap config = TRY(read_client_config());
  if (const auto at = config.find("namespace"); at != config.end() && !at->second.empty()) {
    return at->second;
  }
  if (auto from_env = env("VELERO_NAMESPACE"); from_env && !from_env->empty()) return *from_env;
  return std::string(model::kDefaultNamespace);
}

Result<Session> open_session(const Invocation& call) {
  std::string ns = TRY(velero_namespace(call));
  auto loaded = kube::load_cluster_config(
      {.path = call.flags.text("kubeconfig"), .context = call.flags.text("kubecontext")});
  if (!loaded && loaded.error().is(Code::NotFound)) {
    // NotFound is for what a cluster has not: a script tells the two apart by the exit code.
    return Error(Code::InvalidArgument, "{}", loaded.error().message())
        .with_hint(loaded.error().hint());
  }
  kube::ClusterConfig cluster = TRY(std::move(loaded));
  kube::ClientOptions options;
  options.user_agent = fmt::format("{}/{} (linux/amd64)", call.program, kVersion);
  auto client = TRY(kube::Client::open(std::move(cluster), std::move(options)));
  kube::Client& borrowed = *client;
  return Session{.client = std::move(client), .cluster = server::Cluster(borrowed, std::move(ns))};
}

std::string not_found_hint(std::string_view plural,
                           const Session& session,
                           const Invocation& call) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kGroups = {
      {{"backups", "backup"},
       {"restores", "restore"},
       {"schedules", "schedule"},
       {"backupstoragelocations", "backup-location"},
       {"volumesnapshotlocations", "snapshot-location"},
       {"backuprepositories", "repo"}}};
  std::string hint = fmt::format("Looked in namespace {}.", session.ns());
  for (const auto& [kind, group] : kGroups) {
    if (kind == plural)
      hint += fmt::format(" `{} {} get` lists what is there.", call.program, group);
  }
  return hint;
}

}  // namespace lateen::cli
