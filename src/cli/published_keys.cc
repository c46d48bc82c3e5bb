#include "cli/published_keys.h"

#include "server/repository_rekey.h"
#include "volumes/volume_repository.h"

namespace lateen::cli {
namespace {

// Nothing where the Secret is not there.
Result<std::optional<server::RepositoryKeys>> read_keys(const Session& session,
                                                        std::stop_token stop) {
  const auto secret = session.client->get({.gvr = {"", "v1", "secrets"},
                                           .ns = session.ns(),
                                           .name = std::string(volumes::kRepositorySecret)},
                                          {}, std::move(stop));
  if (!secret && secret.error().is(Code::NotFound)) return std::optional<server::RepositoryKeys>();
  if (!secret) return Error(secret.error()).wrap("reading Secret {}", volumes::kRepositorySecret);
  return std::optional(TRY(server::RepositoryKeys::parse(*secret)));
}

}  // namespace

Result<std::vector<PublishedKey>> published_keys(const Session& session,
                                                 std::string_view location,
                                                 std::stop_token stop) {
  std::vector<PublishedKey> found;
  const auto there = TRY(read_keys(session, stop));
  if (!there) return found;
  const server::RepositoryKeys& keys = *there;
  const bool to_come = keys.is_well_known(location);
  if (to_come) {
    found.push_back({.detail = "the key is the one that Velero publishes: whoever reads the bucket "
                               "reads the volumes' files",
                     .next = "lateen repo rekey --all"});
  }
  const auto all = TRY(session.cluster.list<model::BackupRepository>({}, stop));
  for (const model::BackupRepository& one : all) {
    const std::string& where = one.spec.backup_storage_location;
    if (!location.empty() && where != location) continue;
    if (server::annotation_of(one, server::kKeyInUse) != "well-known") continue;
    if (keys.is_well_known(where) && to_come) continue;  // said already
    found.push_back({.subject = one.metadata.name,
                     .detail = "it is still under the key that Velero publishes",
                     .next = keys.is_well_known(where)
                                 ? std::string("lateen repo rekey --all")
                                 : fmt::format("lateen repo rekey {}", one.metadata.name)});
  }
  return found;
}

Result<std::vector<PublishedKey>> keys_closed_to_velero(const Session& session,
                                                        std::stop_token stop) {
  std::vector<PublishedKey> found;
  const auto keys = TRY(read_keys(session, stop));
  if (!keys) return found;
  for (const auto& one : TRY(session.cluster.list<model::BackupRepository>({}, stop))) {
    const std::string& location = one.spec.backup_storage_location;
    const std::string_view key = server::annotation_of(one, server::kKeyInUse);
    if (keys->own.contains(location)) {
      found.push_back({.subject = one.metadata.name,
                       .detail = "its location has a key of its own",
                       .next = fmt::format("lateen repo rekey --location {} --shared", location)});
    } else if (key == "another" || (key == "well-known" && !keys->is_well_known(location))) {
      found.push_back({.subject = one.metadata.name,
                       .detail = "it is under a former key",
                       .next = fmt::format("lateen repo rekey {}", one.metadata.name)});
    }
  }
  return found;
}

}  // namespace lateen::cli
