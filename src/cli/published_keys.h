// Repositories of volumes' files that are under the key that Velero publishes, or will be, and the
// command that leads away from it.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/session.h"

namespace lateen::cli {

struct PublishedKey {
  std::string subject = {};  // the BackupRepository; "" for those to come
  std::string detail = {};
  std::string next = {};
};

// Of one location, or of all with "". None where the Secret is not there: there is no repository.
Result<std::vector<PublishedKey>> published_keys(const Session& session,
                                                 std::string_view location,
                                                 std::stop_token stop);

// BackupRepositories that are not under the one key that Velero reads, each with the command that
// brings it back under it.
Result<std::vector<PublishedKey>> keys_closed_to_velero(const Session& session,
                                                        std::stop_token stop);

}  // namespace lateen::cli
