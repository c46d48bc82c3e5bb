#include <array>
#include <set>

#include "base/text.h"
#include "cli/check_rows.h"
#include "cli/install_apply.h"
#include "cli/install_objects.h"
#include "cli/install_options.h"
#include "cli/published_keys.h"
#include "cli/server_status.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "server/repository_keys.h"
#include "server/signing_keys.h"
#include "volumes/csi_snapshot.h"
#include "volumes/volume_repository.h"

namespace lateen::cli {
namespace {

using assurance::failed;
using assurance::passed;
using assurance::warned;

const kube::GroupVersionResource kSecretPath{"", "v1", "secrets"};
const kube::GroupVersionResource kDeploymentPath{"apps", "v1", "deployments"};

Result<Json> read_secret_object(const Session& session,
                                std::string_view name,
                                std::stop_token stop) {
  return session.client->get({.gvr = kSecretPath, .ns = session.ns(), .name = std::string(name)},
                             {}, stop);
}

void check_escrow(const Json& secret, const Session& session, CheckResults& results) {
  const std::string name(kube::name_of(secret));
  const std::string_view when = kube::annotation_of(secret, server::kEscrowed);
  if (!when.empty()) {
    results.push_back(passed("key-escrow", name, fmt::format("kept elsewhere since {}", when)));
    return;
  }
  results.push_back(warned(
      "key-escrow", name,
      "nobody says that it is kept outside the cluster: with the cluster it would be lost",
      fmt::format("Put a copy into a safe, then: kubectl -n {} annotate secret {} {}=$(date -I)",
                  session.ns(), name, server::kEscrowed)));
}

void check_repository_key(const Session& session, std::stop_token stop, CheckResults& results) {
  const auto secret = read_secret_object(session, volumes::kRepositorySecret, stop);
  if (!secret) {
    if (secret.error().is(Code::NotFound)) {
      results.push_back(passed("repository-key", "", "there is no repository yet"));
    } else {
      results.push_back(warned("repository-key", "", secret.error().message(),
                               "Ask as somebody who may read Secrets."));
    }
    return;
  }
  const auto published = published_keys(session, {}, stop);
  if (!published) {
    results.push_back(warned("repository-key", "", published.error().message(),
                             "Ask as somebody who may list BackupRepositories."));
    return;
  }
  for (const PublishedKey& one : *published)
    results.push_back(warned("repository-key", one.subject, one.detail, one.next));
  if (published->empty())
    results.push_back(passed("repository-key", "", "no repository has the published one"));
  check_escrow(*secret, session, results);
}

void check_signing_key(const Session& session, std::stop_token stop, CheckResults& results) {
  const auto secret = read_secret_object(session, server::kSigningSecret, stop);
  if (!secret) {
    results.push_back(warned("signing-key", "",
                             secret.error().is(Code::NotFound)
                                 ? "there is none: backups are not signed"
                                 : secret.error().message(),
                             "A server of Lateen's makes one when it starts."));
    return;
  }
  results.push_back(passed("signing-key", "", fmt::format("Secret {}", server::kSigningSecret)));
  check_escrow(*secret, session, results);
}

// The server's arguments, by its Deployment.
std::vector<std::string> server_arguments(const Session& session, std::stop_token stop) {
  const auto deployment =
      session.client->get({.gvr = kDeploymentPath, .ns = session.ns(), .name = "velero"}, {}, stop);
  std::vector<std::string> arguments;
  if (!deployment) return arguments;
  const JsonArray* containers = array_at(*deployment, "spec.template.spec.containers");
  if (containers == nullptr) return arguments;
  for (const Json& container : *containers) {
    for (const std::string_view list : {"command", "args"}) {
      for (std::string& word : texts_at(container, list))
        arguments.push_back(std::move(word));
    }
  }
  return arguments;
}

void check_alerts(const Session& session, std::stop_token stop, CheckResults& results) {
  for (const std::string& word : server_arguments(session, stop)) {
    if (word.starts_with("--notification-") && !word.starts_with("--notification-events")) {
      results.push_back(
          passed("alert-route", "", fmt::format("the server has {}", cut(word, "=").before)));
      return;
    }
  }
  const auto secrets =
      session.client->list({.gvr = kSecretPath, .ns = session.ns(), .name = {}}, {}, stop);
  const JsonArray* items = secrets ? array_at(*secrets, "items") : nullptr;
  if (items != nullptr) {
    for (const Json& secret : *items) {
      const Json* data = find(secret, "data");
      if (find(data, JsonKey{"webhook-url"}) != nullptr ||
          find(data, JsonKey{"ping-url"}) != nullptr) {
        results.push_back(
            passed("alert-route", "", fmt::format("Secret {}", kube::name_of(secret))));
        return;
      }
    }
  }
  results.push_back(warned("alert-route", "", "no webhook and no dead man's switch is configured",
                           "See docs/how-to/notifications.md; or alert on the server's metrics."));
}

void check_server(const Session& session, std::stop_token stop, CheckResults& results) {
  constexpr Duration kPatience = std::chrono::seconds(5);
  const auto status = ask_server_status(session, kPatience, stop);
  if (status) {
    results.push_back(passed("server-running", "", "version " + status->status.server_version));
  } else {
    results.push_back(failed("server-running", "", status.error().message(),
                             fmt::format("kubectl -n {} get pods; kubectl -n {} logs deploy/velero",
                                         session.ns(), session.ns())));
  }
}

Result<bool> may_create(const kube::ObjectPath& path,
                        const Session& session,
                        std::stop_token stop) {
  const Json review = JsonObject{
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SelfSubjectAccessReview"},
      {"spec", JsonObject{{"resourceAttributes", JsonObject{{"verb", "create"},
                                                            {"group", path.gvr.group},
                                                            {"resource", path.gvr.resource},
                                                            {"namespace", path.ns}}}}}};
  const Json answer = TRY(session.client->create(
      {.gvr = {"authorization.k8s.io", "v1", "selfsubjectaccessreviews"}}, review, {}, stop));
  return bool_at(answer, "status.allowed").value_or(false);
}

// Where an install with everything creates objects: by kind and namespace.
Result<std::set<kube::ObjectPath>> installed_collections(const std::string& ns) {
  const InstallOptions all{.ns = ns, .credentials = Secret("x"), .node_agent = true};
  std::set<kube::ObjectPath> collections;
  for (const Json& object : install_objects(all)) {
    kube::ObjectPath path = TRY(install_path(object));
    path.name.clear();
    collections.insert(std::move(path));
  }
  return collections;
}

Result<std::vector<std::string>> denied_kinds(const Session& session, std::stop_token stop) {
  std::vector<std::string> denied;
  for (const kube::ObjectPath& path : TRY(installed_collections(session.ns()))) {
    if (!TRY(may_create(path, session, stop)))
      denied.push_back(path.gvr.group_resource().to_string());
  }
  return denied;
}

void check_rights(const Session& session, std::stop_token stop, CheckResults& results) {
  const auto denied = denied_kinds(session, std::move(stop));
  if (!denied) {
    results.push_back(warned("pre-permissions", "", denied.error().message(),
                             "kubectl auth can-i create customresourcedefinitions"));
  } else if (denied->empty()) {
    results.push_back(passed("pre-permissions", "", "you may create all that an install creates"));
  } else {
    results.push_back(failed("pre-permissions", "", "you may not create " + join(*denied, ", "),
                             "Install as an administrator of the cluster."));
  }
}

void check_version(const Session& session, std::stop_token stop, CheckResults& results) {
  constexpr std::int64_t kOldest = 20;
  const auto version = session.client->server_version({}, stop);
  if (!version) {
    results.push_back(failed("pre-api-server", "", version.error().message(),
                             "kubectl version; is KUBECONFIG the right one?"));
    return;
  }
  const std::string git(string_at(*version, "gitVersion"));
  const std::string minor(trim(replace_all(string_at(*version, "minor"), "+", "")));
  if (const auto number = parse_int(minor); number && *number < kOldest) {
    results.push_back(
        failed("pre-api-server", "", git + " is older than v1.20", "Upgrade the cluster first."));
  } else {
    results.push_back(passed("pre-api-server", "", git));
  }
}

void check_definitions(const kube::Discovery& discovery, CheckResults& results) {
  const kube::ResourceType* backups = discovery.find("backups.velero.io");
  if (backups == nullptr) {
    results.push_back(passed("pre-definitions", "", "there are none of velero.io yet"));
  } else if (backups->gvr.version == "v1") {
    results.push_back(passed("pre-definitions", "", "velero.io/v1 is there, and will do"));
  } else {
    results.push_back(failed("pre-definitions", "",
                             fmt::format("velero.io is served as {}", backups->gvr.version),
                             "lateen install --crds-only replaces them"));
  }
}

void check_other_server(const Session& session, std::stop_token stop, CheckResults& results) {
  const auto deployment =
      session.client->get({.gvr = kDeploymentPath, .ns = session.ns(), .name = "velero"}, {}, stop);
  if (!deployment) {
    results.push_back(passed("pre-other-server", "", "namespace " + session.ns() + " has none"));
    return;
  }
  const JsonArray* containers = array_at(*deployment, "spec.template.spec.containers");
  const std::string image(
      containers == nullptr || containers->empty() ? "" : string_at(containers->front(), "image"));
  const bool ours = image.find("lateen") != std::string::npos;
  results.push_back(warned("pre-other-server", "",
                           fmt::format("Deployment {}/velero runs {}", session.ns(), image),
                           ours ? "It is installed: `lateen install --apply` changes its settings."
                                : "An install leaves it as it is: `lateen takeover` puts Lateen in "
                                  "its place."));
}

void check_snapshot_api(const Session& session,
                        const kube::Discovery& discovery,
                        std::stop_token stop,
                        CheckResults& results) {
  if (discovery.find(volumes::kVolumeSnapshots) == nullptr) {
    results.push_back(warned("pre-snapshot-api", "",
                             "the cluster has no snapshot.storage.k8s.io/v1",
                             "Install the CSI snapshot controller, or use file-system backup."));
    return;
  }
  const auto classes = session.client->list(
      {.gvr = volumes::kVolumeSnapshotClasses, .ns = {}, .name = {}}, {}, stop);
  const JsonArray* items = classes ? array_at(*classes, "items") : nullptr;
  if (items == nullptr || items->empty()) {
    results.push_back(warned("pre-snapshot-api", "", "there is no VolumeSnapshotClass",
                             "Make one for each CSI driver, labelled "
                             "velero.io/csi-volumesnapshot-class=true."));
    return;
  }
  std::vector<std::string> drivers;
  for (const Json& item : *items)
    drivers.emplace_back(string_at(item, "driver"));
  results.push_back(passed("pre-snapshot-api", "", "classes for " + join(drivers, ", ")));
}

}  // namespace

CheckResults check_before_install(const Session& session, const Invocation& call) {
  CheckResults results;
  check_version(session, call.stop, results);
  const auto discovery = kube::discover(*session.client, call.stop);
  if (!discovery) return results;  // the API server's row says why
  check_rights(session, call.stop, results);
  check_definitions(*discovery, results);
  check_other_server(session, call.stop, results);
  check_snapshot_api(session, *discovery, call.stop, results);
  return results;
}

CheckResults check_surroundings(const Session& session, const Invocation& call) {
  CheckResults results;
  check_repository_key(session, call.stop, results);
  check_signing_key(session, call.stop, results);
  check_alerts(session, call.stop, results);
  check_server(session, call.stop, results);
  return results;
}

}  // namespace lateen::cli
