// Kopia repositories: opened and created here; used through repository/repository.h and the few
// calls that only kopia's format has.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "objects/object_store.h"
#include "repository/repository.h"

namespace lateen::repository::kopia {

// How blobs lie in the store: kopia's file systems have folders and a suffix, S3 has the names as
// they are. An existing repository's layout is found by looking.
enum class Layout { Flat, Sharded };

struct CreateOptions {
  Layout layout = Layout::Flat;
  std::string hash = "BLAKE2B-256-128";
  std::string encryption = "AES256-GCM-HMAC-SHA256";
  std::string splitter = "DYNAMIC-4M-BUZHASH";
  // As Velero creates them: its marker blob, maintenance owned by default@default, no global
  // policy.
  bool as_velero = false;
  // Goes into the global policy of other repositories, so that kopia's clients do the same.
  std::string compression = "zstd-fastest";
};

// Full maintenance frees space, quick maintenance keeps the index small. Auto does what is due.
enum class MaintenanceMode { Auto, Quick, Full };

struct MaintenanceRequest {
  MaintenanceMode mode = MaintenanceMode::Auto;
  // Nothing waits for others' unfinished work: only when nobody else writes.
  bool no_safety = false;
  // Also when this user@host is not the one that the repository says runs maintenance.
  bool force = false;
};

struct MaintenanceReport {
  MaintenanceMode ran = MaintenanceMode::Auto;  // Auto: nothing was due
  std::vector<std::string> done = {};           // a sentence for each thing that was done
  PruneReport space = {};
};

// Who made a snapshot of what: its identity for parents and policies.
struct Source {
  std::string host = {};
  std::string user = {};
  std::string path = {};

  bool operator==(const Source&) const = default;
  std::string to_string() const;  // user@host:path
};

class KopiaRepository : public Repository {
 public:
  // What of the index could not be read, by the blobs' names: contents that only they name are not
  // found.
  virtual std::vector<Problem> damaged_indexes() const = 0;

  // AlreadyExists if somebody on this machine is at it; Forbidden if it is another's to do.
  virtual Result<MaintenanceReport> maintain(const MaintenanceRequest& request,
                                             Progress& progress,
                                             std::stop_token stop) = 0;

  // Replaces the policy of a source; the object is written as it is.
  virtual Status set_policy(const Source& source, const Json& policy, std::stop_token stop) = 0;

  // Another password for the same repository: what is stored stays as it is, under the same keys,
  // and so does what others are writing. Cut short, it is to be called again with the same
  // password, by who opened it with the former one. Unsupported for repositories of kopia before
  // 0.9.
  virtual Status change_password(const Secret& password, std::stop_token stop) = 0;

  // How often full maintenance is due from now on, for whoever runs it; nothing is written when it
  // is so already.
  virtual Status set_full_interval(Duration interval, std::stop_token stop) = 0;

  // user@host of whoever runs maintenance.
  virtual Result<std::string> maintenance_owner(std::stop_token stop) = 0;
};

// A kopia repository that is there, and its kopia.repository as it was read.
struct FoundRepository {
  Layout layout = Layout::Flat;
  Bytes document = {};
};

Result<std::optional<FoundRepository>> find_repository(objects::ObjectStore& store,
                                                       std::stop_token stop);

// Unauthenticated for a wrong password; Unsupported for what is newer than we are.
Result<std::unique_ptr<KopiaRepository>> open_found(std::unique_ptr<objects::ObjectStore> store,
                                                    FoundRepository found,
                                                    const Secret& password,
                                                    const RepositoryAccess& access,
                                                    std::stop_token stop = {});

// The same for who has not looked: NotFound if there is none.
Result<std::unique_ptr<KopiaRepository>> open_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const RepositoryAccess& access,
    std::stop_token stop = {});

// AlreadyExists if there is one; the store should be empty.
Result<std::unique_ptr<KopiaRepository>> create_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const CreateOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop = {});

// The policy that Velero sets for a volume before each backup.
Json velero_policy(std::size_t parallel_files);

}  // namespace lateen::repository::kopia
