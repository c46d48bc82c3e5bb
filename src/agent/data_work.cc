#include "agent/data_work.h"

#include "base/text.h"
#include "server/volume_repositories.h"

namespace lateen::agent {
namespace {

constexpr std::size_t kMostFilesTold = 5;

}  // namespace

Result<std::unique_ptr<volumes::VolumeRepository>> open_repository(const AgentContext& context,
                                                                   const std::string& location,
                                                                   const std::string& ns,
                                                                   const std::string& type,
                                                                   std::stop_token stop) {
  return server::open_volume_repository(context.server,
                                        {.location = location,
                                         .volume_namespace = ns,
                                         .type = type.empty() ? std::string(volumes::kKopia) : type,
                                         .cache_dir = context.config.cache_dir},
                                        std::move(stop));
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
