#include "volumes/node_agent.h"

#include <algorithm>

#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/volume_repository.h"

namespace lateen::volumes {
namespace {

constexpr Duration kPoll = std::chrono::milliseconds(250);
constexpr Duration kReplacedWithin = std::chrono::minutes(2);
constexpr Duration kKopiaMaintenance = std::chrono::hours(1);
constexpr Duration kResticMaintenance = std::chrono::hours(168);

const kube::GroupVersionResource kRepositories{"velero.io", "v1", "backuprepositories"};

Result<bool> has_agent_pod(kube::Client& client,
                           std::string_view ns,
                           std::string_view node,
                           std::stop_token stop) {
  const Json list = TRY(client.list({.gvr = {"", "v1", "pods"}, .ns = std::string(ns)},
                                    {.label_selector = "role=node-agent",
                                     .field_selector = fmt::format("spec.nodeName={}", node)},
                                    std::move(stop)));
  const JsonArray* pods = array_at(list, "items");
  return pods != nullptr && std::any_of(pods->begin(), pods->end(), [](const Json& pod) {
           return string_at(pod, "status.phase") == "Running";
         });
}

Result<std::optional<Json>> find_lease(kube::Client& client,
                                       std::string_view ns,
                                       std::string_view node,
                                       std::stop_token stop) {
  auto lease = client.get({.gvr = {"coordination.k8s.io", "v1", "leases"},
                           .ns = std::string(ns),
                           .name = node_agent_lease(node)},
                          {}, std::move(stop));
  if (!lease && lease.error().is(Code::NotFound)) return std::optional<Json>();
  return std::optional(TRY(std::move(lease)));
}

// Twice the time of the Lease: clocks differ, and an agent that is late is there all the same.
bool was_renewed(const Json& lease, TimePoint now, Duration at_least) {
  const auto renewed = parse_rfc3339(string_at(lease, "spec.renewTime"));
  const Duration twice =
      2 * std::chrono::seconds(int_at(lease, "spec.leaseDurationSeconds").value_or(0));
  return renewed && now < *renewed + std::max(twice, at_least);
}

Result<bool> has_lease(kube::Client& client,
                       std::string_view ns,
                       std::string_view node,
                       const Clock& clock,
                       std::stop_token stop) {
  const auto lease = TRY(find_lease(client, ns, node, std::move(stop)));
  return lease && !string_at(*lease, "spec.holderIdentity").empty() &&
         was_renewed(*lease, clock.now(), {});
}

Json new_repository(const RepositoryRequest& request) {
  model::BackupRepository made;
  made.metadata.ns = request.ns;
  made.metadata.name =
      model::repository_name(request.volume_namespace, request.location, request.type);
  made.metadata.labels = {
      {std::string(model::labels::kVolumeNamespace), model::valid_name(request.volume_namespace)},
      {std::string(model::labels::kStorageLocation), model::valid_name(request.location)},
      {std::string(model::labels::kRepositoryType), request.type}};
  made.spec.volume_namespace = request.volume_namespace;
  made.spec.backup_storage_location = request.location;
  made.spec.repository_type = request.type;
  made.spec.maintenance_frequency =
      request.type == kRestic ? kResticMaintenance : kKopiaMaintenance;
  return model::to_json(made);
}

}  // namespace

std::string node_agent_lease(std::string_view node) {
  return fmt::format("node-agent-{}", node);
}

Status check_node_agent(kube::Client& client,
                        std::string_view ns,
                        std::string_view node,
                        const Clock& clock,
                        std::stop_token stop) {
  if (TRY(has_lease(client, ns, node, clock, stop))) return {};
  if (TRY(has_agent_pod(client, ns, node, stop))) return {};
  return Error(Code::NotFound, "no node agent runs on node {}", node)
      .with_hint(fmt::format("File-system backups need one on every node: kubectl -n {} get "
                             "daemonset node-agent, or run `lateen node-agent server`.",
                             ns));
}

Result<bool> is_node_agent_lost(kube::Client& client,
                                std::string_view ns,
                                std::string_view node,
                                const Clock& clock,
                                std::stop_token stop) {
  const auto lease = TRY(find_lease(client, ns, node, stop));
  if (!lease) return !TRY(has_agent_pod(client, ns, node, std::move(stop)));
  const bool handed_back = string_at(*lease, "spec.holderIdentity").empty();
  return !was_renewed(*lease, clock.now(), handed_back ? kReplacedWithin : Duration());
}

Result<std::optional<model::BackupRepository>> find_repository(kube::Client& client,
                                                               const RepositoryRequest& request,
                                                               std::stop_token stop) {
  const Json list = TRY(client.list(
      {.gvr = kRepositories, .ns = request.ns},
      {.label_selector = fmt::format(
           "{}={},{}={},{}={}", model::labels::kVolumeNamespace,
           model::valid_name(request.volume_namespace), model::labels::kStorageLocation,
           model::valid_name(request.location), model::labels::kRepositoryType, request.type)},
      std::move(stop)));
  std::optional<model::BackupRepository> found;
  if (const JsonArray* items = array_at(list, "items"); items != nullptr && !items->empty())
    found = TRY(model::from_json<model::BackupRepository>(items->front()));
  return found;
}

Result<model::BackupRepository> ensure_repository(kube::Client& client,
                                                  const RepositoryRequest& request,
                                                  Deadline deadline,
                                                  std::stop_token stop) {
  bool created = false;
  while (true) {
    auto found = TRY(find_repository(client, request, stop));
    if (found && found->status.phase == model::RepositoryPhase::Ready) return std::move(*found);
    if (!found && !created) {
      auto made = client.create({.gvr = kRepositories, .ns = request.ns}, new_repository(request),
                                {}, stop);
      if (!made && !made.error().is(Code::AlreadyExists))
        return std::move(made).error().wrap("creating the BackupRepository");
      created = true;
    }
    const bool refused = found && found->status.phase == model::RepositoryPhase::NotReady;
    // One that was not ready before gets a new look by the server now and then; a new one does not.
    if (deadline.expired() || (refused && created)) {
      return Error(Code::Unavailable,
                   "the repository of namespace {} in location {} is not ready: {}",
                   request.volume_namespace, request.location,
                   found && !found->status.message.empty() ? found->status.message
                                                           : "the server has not looked at it yet");
    }
    if (!sleep_unless_stopped(kPoll, stop)) return Error(Code::Canceled, "the wait was stopped");
  }
}

}  // namespace lateen::volumes
