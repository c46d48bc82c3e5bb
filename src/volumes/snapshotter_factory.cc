#include "volumes/snapshotter_factory.h"

#include <vector>

#include "base/text.h"

namespace lateen::volumes {
namespace {

constexpr std::string_view kVeleroPrefix = "velero.io/";

}  // namespace

Status VolumeSnapshotter::delete_volume(std::string_view volume_id, std::stop_token) {
  return Error(Code::Unsupported, "its snapshotter cannot delete volume {}", volume_id);
}

Result<std::vector<std::string>> VolumeSnapshotter::find_snapshots(std::string_view,
                                                                   const model::StringMap&,
                                                                   TimePoint,
                                                                   std::stop_token) {
  return std::vector<std::string>();
}

Result<std::optional<bool>> VolumeSnapshotter::has_snapshot(std::string_view, std::stop_token) {
  return std::optional<bool>();
}

Status VolumeSnapshotter::mark_csi_snapshot(const Json&, const model::StringMap&, std::stop_token) {
  return {};
}

void SnapshotterFactory::add(std::string_view provider, Open open) {
  if (provider.find('/') == std::string_view::npos) {
    by_provider_.insert_or_assign(std::string(kVeleroPrefix) + std::string(provider), open);
  }
  by_provider_.insert_or_assign(std::string(provider), std::move(open));
}

bool SnapshotterFactory::has(std::string_view provider) const {
  return by_provider_.contains(provider);
}

Result<std::unique_ptr<VolumeSnapshotter>> SnapshotterFactory::open(
    const SnapshotterOptions& options) const {
  const auto found = by_provider_.find(options.provider);
  if (found != by_provider_.end()) return found->second(options);
  std::vector<std::string> known;
  for (const auto& [provider, open] : by_provider_) {
    if (!provider.starts_with(kVeleroPrefix)) known.push_back(provider);
  }
  return Error(Code::Unsupported, "no volume snapshotter of provider {} is installed",
               quote_go(options.provider))
      .with_hint(known.empty()
                     ? "Put the provider's Velero plugin into the server's plugin directory."
                     : fmt::format("There is {}. For another, put the provider's Velero plugin "
                                   "into the server's plugin directory.",
                                   join(known, ", ")));
}

}  // namespace lateen::volumes
