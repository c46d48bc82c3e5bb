#include "server/repository_rekey.h"

#include "base/time.h"
#include "server/listing.h"
#include "server/volume_repositories.h"

namespace lateen::server {
namespace {

using model::BackupRepository;

class RekeyController final : public Controller {
 public:
  explicit RekeyController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-repo"; }

  Duration period() const override { return std::chrono::minutes(1); }

  void reconcile(std::stop_token stop) override {
    const auto all = list_all<BackupRepository>(context_, stop);
    if (!all) return;
    for (const BackupRepository& repository : *all) {
      if (stop.stop_requested()) return;
      if (wants_rekey(repository)) answer(repository, stop);
    }
  }

 private:
  void answer(const BackupRepository& repository, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    const Result<std::string_view> key = rekey(repository, stop);
    if (stop.stop_requested()) return;
    const std::string problem = key ? std::string() : key.error().describe();
    if (!key && problem == annotation_of(repository, kRekeyProblem)) return;
    if (key) {
      log.info("The repository is under the key that it is to have", {{"key", *key}});
    } else {
      log.error("Could not change the repository's key", {{"error", key.error()}});
    }
    const std::string request(annotation_of(repository, kRekeyRequest));
    const auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          auto& notes = now.metadata.annotations;
          if (key) {
            notes.insert_or_assign(std::string(kRekeyDone), request);
            notes.insert_or_assign(std::string(kKeyInUse), std::string(*key));
            notes.erase(std::string(kRekeyProblem));
          } else {
            notes.insert_or_assign(std::string(kRekeyProblem), problem);
          }
        },
        stop);
    if (!written && !was_overtaken(written.error()) && !stop.stop_requested())
      log.error("Could not write what became of a change of key", {{"error", written.error()}});
  }

  Result<std::string_view> rekey(const BackupRepository& repository, std::stop_token stop) const {
    const std::string& location = repository.spec.backup_storage_location;
    const auto there = TRY(context_.cluster.get<model::BackupStorageLocation>(location, stop)
                               .wrap("backup storage location {}", location));
    if (there.spec.is_read_only()) {
      return Error(Code::Forbidden, "backup storage location {} is ReadOnly", location)
          .with_hint("Set its accessMode to ReadWrite as long as keys are changed.");
    }
    const RepositoryKeys keys = TRY(read_repository_keys(context_, stop));
    const auto opened = TRY(open_volume_repository(context_, place_of(repository), stop));
    std::vector<Secret> former = keys.others(location);
    if (!keys.is_well_known(location))
      former.emplace_back(std::string(volumes::kWellKnownRepositoryKey));
    TRY(opened->rekey(keys.of(location), former, stop));
    // Believed when it opens.
    const auto again = TRY(open_volume_repository(context_, place_of(repository), stop));
    if (!(again->key() == keys.of(location)))
      return Error(Code::Conflict, "it opens with another key than the one it was given");
    return name_of_key(keys, location, again->key());
  }

  const ServerContext context_;
};

}  // namespace

std::string_view annotation_of(const BackupRepository& repository, std::string_view key) {
  const auto found = repository.metadata.annotations.find(std::string(key));
  return found == repository.metadata.annotations.end() ? std::string_view() : found->second;
}

bool wants_rekey(const BackupRepository& repository) {
  const std::string_view request = annotation_of(repository, kRekeyRequest);
  return !request.empty() && request != annotation_of(repository, kRekeyDone);
}

std::string_view name_of_key(const RepositoryKeys& keys,
                             std::string_view location,
                             const Secret& key) {
  if (key.reveal() == volumes::kWellKnownRepositoryKey) return "well-known";
  if (key == keys.shared) return "shared";
  return key == keys.of(location) ? "location" : "another";
}

std::unique_ptr<Controller> make_rekey_controller(const ServerContext& context) {
  return std::make_unique<RekeyController>(context);
}

}  // namespace lateen::server
