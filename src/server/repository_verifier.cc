#include "server/repository_verifier.h"

#include <algorithm>

#include "base/time.h"
#include "model/backup_repository.h"
#include "repository/engine/pack_part.h"
#include "repository/repository.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/repository_rekey.h"
#include "server/verify_rotation.h"
#include "server/volume_repositories.h"

namespace lateen::server {
namespace {

using model::BackupRepository;

constexpr Duration kVerifyPause = std::chrono::minutes(10);
// It has time, and others do not.
constexpr std::size_t kVerifyThreads = 2;
constexpr std::size_t kMostVerifyProblemsTold = 20;
constexpr std::size_t kLongestVerifyMessage = 1000;

VerifyRotation rotation_of(const BackupRepository& repository, TimePoint now, Duration period) {
  auto noted = VerifyRotation::parse(annotation_of(repository, kVerification));
  return rotation_at(noted ? std::optional(std::move(*noted)) : std::nullopt, now, period);
}

class RepositoryVerifyController final : public Controller {
 public:
  explicit RepositoryVerifyController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "verify"; }

  Duration period() const override { return kVerifyPause; }

  // One part of each that is due; what was missed follows in the next rounds.
  void reconcile(std::stop_token stop) override {
    auto all = list_all<BackupRepository>(context_, stop);
    if (!all) return;
    measure(*all);
    for (BackupRepository& repository : *all) {
      if (stop.stop_requested()) return;
      if (repository.status.phase == model::RepositoryPhase::Ready) verify_if_due(repository, stop);
    }
    measure(*all);
  }

 private:
  Duration period_of_rounds() const { return context_.config.repository_verify_period; }

  void verify_if_due(BackupRepository& repository, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    VerifyRotation rotation = rotation_of(repository, context_.clock.now(), period_of_rounds());
    const auto part = part_due(rotation, context_.clock.now(), period_of_rounds());
    if (!part) return;
    const auto problems = problems_of(repository, *part, rotation.parts, stop);
    if (stop.stop_requested()) return;
    if (!problems) {
      // Nothing is known of the part: it stays due.
      log.error("Could not read a repository back", {{"error", problems.error()}});
      return;
    }
    rotation.done = *part;
    rotation.last = context_.clock.now();
    rotation.damaged.erase(*part);
    if (!problems->empty()) {
      rotation.damaged[*part] = problems->size();
      rotation.message = problems->front().substr(0, kLongestVerifyMessage);
    }
    tell(*problems, rotation, log);
    auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          now.metadata.annotations.insert_or_assign(std::string(kVerification), rotation.write());
        },
        stop);
    if (written) {
      repository = std::move(*written);
    } else if (!was_overtaken(written.error()) && !stop.stop_requested()) {
      log.error("Could not write how far a repository is read back", {{"error", written.error()}});
    }
  }

  // What is wrong in a part. Maintenance may remove what a long run has still to read (no lock is
  // taken): what is wrong is wrong when it is so again, by an index that is read anew.
  Result<std::vector<std::string>> problems_of(const BackupRepository& repository,
                                               std::size_t part,
                                               std::size_t parts,
                                               std::stop_token stop) const {
    std::vector<std::string> problems = TRY(read_part(repository, part, parts, stop));
    if (problems.empty()) return problems;
    return read_part(repository, part, parts, std::move(stop));
  }

  Result<std::vector<std::string>> read_part(const BackupRepository& repository,
                                             std::size_t part,
                                             std::size_t parts,
                                             std::stop_token stop) const {
    RepositoryPlace place = place_of(repository);
    place.read_rate = context_.config.repository_verify_rate;
    const auto opened = TRY(open_volume_repository(context_, place, stop));
    // A lock would keep backups waiting for hours.
    repository::CheckRequest request{.no_lock = true};
    request.verify.read_data = true;
    request.verify.threads = kVerifyThreads;
    request.verify.choose = [part, parts](std::string_view pack) {
      return repository::is_in_part(pack, part, parts);
    };
    repository::Progress progress;
    const repository::CheckReport report = TRY(opened->repository().check(request, progress, stop));
    context_.metrics.count(
        "lateen_repository_verified_bytes_total", "Bytes of repositories that were read back",
        {{"repository_name", repository.metadata.name}}, static_cast<double>(report.packs.bytes));
    std::vector<std::string> problems;
    for (const repository::Problem& one : progress.problems.take())
      problems.push_back(fmt::format("{}: {}", one.path, one.error.message()));
    return problems;
  }

  static void tell(const std::vector<std::string>& problems,
                   const VerifyRotation& rotation,
                   const Log& log) {
    const std::string part = fmt::format("{}/{}", rotation.done, rotation.parts);
    if (problems.empty()) {
      log.info("A part of the repository was read back", {{"part", part}});
      return;
    }
    for (std::size_t i = 0; i < problems.size() && i < kMostVerifyProblemsTold; ++i)
      log.error("The repository is damaged", {{"part", part}, {"error", problems[i]}});
    if (problems.size() > kMostVerifyProblemsTold)
      log.error("The repository is damaged in more places", {{"problems", problems.size()}});
  }

  void measure(const std::vector<BackupRepository>& all) const {
    std::vector<MetricSample> problems;
    std::vector<MetricSample> times;
    for (const BackupRepository& repository : all) {
      const auto noted = VerifyRotation::parse(annotation_of(repository, kVerification));
      if (!noted) continue;
      const MetricLabels labels{{"repository_name", repository.metadata.name}};
      problems.push_back({.labels = labels, .value = static_cast<double>(noted->problems())});
      if (!noted->last) continue;
      const std::chrono::duration<double> last = noted->last->time_since_epoch();
      times.push_back({.labels = labels, .value = last.count()});
    }
    context_.metrics.set_gauges("lateen_repository_verify_problems",
                                "What was found wrong in a repository when it was last read back",
                                problems);
    context_.metrics.set_gauges("lateen_repository_verify_last_timestamp_seconds",
                                "When a part of a repository was last read back, Unix seconds",
                                times);
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_repository_verify_controller(const ServerContext& context) {
  return std::make_unique<RepositoryVerifyController>(context);
}

}  // namespace lateen::server
