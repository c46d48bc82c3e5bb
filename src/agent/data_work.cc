#include "agent/data_work.h"

#include "base/text.h"
#include "volumes/node_agent.h"
#include "volumes/repository_settings.h"

namespace lateen::agent {
namespace {

constexpr std::size_t kMostFilesTold = 5;

// 0 where nothing is said, or it cannot be known now: a hint is no reason to leave a volume alone.
ByteCount cache_limit_of(const server::ServerContext& server,
                         const server::RepositoryPlace& place,
                         std::stop_token stop) {
  const auto found = volumes::find_repository(server.client(),
                                              {.ns = server.config.ns,
                                               .volume_namespace = place.volume_namespace,
                                               .location = place.location,
                                               .type = place.type},
                                              std::move(stop));
  if (!found || !*found) return 0;
  const auto settings = volumes::RepositorySettings::parse((*found)->spec.repository_config);
  return settings ? settings->cache_limit.value_or(0) : 0;
}

}  // namespace

Result<std::unique_ptr<volumes::VolumeRepository>> open_repository(
    const server::ServerContext& server,
    const FilePath& cache_dir,
    server::RepositoryPlace place,
    std::stop_token stop) {
  if (place.type.empty()) place.type = volumes::kKopia;
  place.cache_dir = cache_dir;
  if (!cache_dir.empty()) place.cache_limit = cache_limit_of(server, place, stop);
  return server::open_volume_repository(server, place, std::move(stop));
}

model::DataProgress progress_of(const repository::Progress& progress) {
  model::DataProgress now;
  now.total_bytes = static_cast<std::int64_t>(progress.total_bytes.load());
  now.bytes_done = static_cast<std::int64_t>(progress.done_bytes.load());
  return now;
}

std::string unsteady_message(const volumes::SavedVolume& saved) {
  if (saved.unsteady.empty()) return {};
  std::vector<std::string> first(
      saved.unsteady.begin(), saved.unsteady.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                           saved.unsteady.size(), kMostFilesTold)));
  return fmt::format("{} files changed or vanished while they were read: {}", saved.unsteady.size(),
                     join(first, "; "));
}

}  // namespace lateen::agent
