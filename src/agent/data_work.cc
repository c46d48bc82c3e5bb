#include "agent/data_work.h"

#include "base/text.h"

namespace lateen::agent {
namespace {

constexpr std::size_t kMostFilesTold = 5;

}  // namespace

Result<std::unique_ptr<volumes::VolumeRepository>> open_repository(
    const server::ServerContext& server,
    const FilePath& cache_dir,
    server::RepositoryPlace place,
    std::stop_token stop) {
  if (place.type.empty()) place.type = volumes::kKopia;
  place.cache_dir = cache_dir;
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
