#include "cli/repo/cluster_repository.h"

#include "base/random.h"
#include "cli/repo/location.h"
#include "cli/session.h"
#include "objects/prefixed_store.h"
#include "server/local_context.h"
#include "server/repository_keys.h"
#include "server/volume_repositories.h"

namespace lateen::cli::repo {
namespace {

// What opening a bucket needs, as long as it may be opened.
struct ClusterDoor {
  explicit ClusterDoor(Session opened) : session(std::move(opened)) {}

  Session session;
  SystemRng rng;
  std::unique_ptr<server::LocalContext> local;
  model::BackupStorageLocation location;
};

}  // namespace

Result<ClusterRepository> find_cluster_repository(const Invocation& call,
                                                  const RepoSettings& place) {
  auto door = std::make_shared<ClusterDoor>(TRY(open_session(call)));
  const Session& session = door->session;
  door->local = std::make_unique<server::LocalContext>(*session.client, session.ns(), call.clock,
                                                       door->rng, Log());
  const std::string name(cluster_repository_name(place.location));
  const auto repository = TRY(get_named<model::BackupRepository>(session, name, call));
  const server::RepositoryPlace where = server::place_of(repository);
  door->location =
      TRY(session.cluster.get<model::BackupStorageLocation>(where.location, call.stop));
  const auto keys = TRY(server::read_repository_keys(door->local->get(), call.stop));
  ClusterRepository found;
  found.keys = keys.others(where.location);
  found.keys.insert(found.keys.begin(), keys.of(where.location));
  found.keys.emplace_back(std::string(volumes::kWellKnownRepositoryKey));
  found.open_store = [door, where, limits = place.limits,
                      stop = call.stop]() -> Result<std::unique_ptr<objects::ObjectStore>> {
    auto bucket = TRY(server::open_bucket(door->local->get(), door->location, stop));
    auto store = objects::make_prefixed(
        std::move(bucket.store),
        volumes::repository_prefix(bucket.prefix, where.type, where.volume_namespace));
    return objects::make_limited(std::move(store), limits);
  };
  return found;
}

}  // namespace lateen::cli::repo
