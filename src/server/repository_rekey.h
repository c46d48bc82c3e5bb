// A repository is brought under the key that its location is to have (repository_keys.h), on
// request: whoever asks writes a new value into an annotation of the BackupRepository, and waits
// until the same value stands in another one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/backup_repository.h"
#include "server/controller.h"
#include "server/repository_keys.h"

namespace lateen::server {

inline constexpr std::string_view kRekeyRequest = "lateen.io/rekey";
inline constexpr std::string_view kRekeyDone = "lateen.io/rekeyed";         // the request's value
inline constexpr std::string_view kRekeyProblem = "lateen.io/rekey-error";  // why not yet
// Under which key it was found last: well-known, shared (Velero reads it), location, or another.
inline constexpr std::string_view kKeyInUse = "lateen.io/repository-key";

std::string_view annotation_of(const model::BackupRepository& repository, std::string_view key);

bool wants_rekey(const model::BackupRepository& repository);

// The word for kKeyInUse.
std::string_view name_of_key(const RepositoryKeys& keys,
                             std::string_view location,
                             const Secret& key);

// What cannot be done yet (restic: a backup is running) is tried again each minute.
std::unique_ptr<Controller> make_rekey_controller(const ServerContext& context);

}  // namespace lateen::server
