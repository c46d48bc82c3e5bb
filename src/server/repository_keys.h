// The keys of volumes' repositories, in the Secret velero-repo-credentials:
//
//   repository-password              what Velero reads, and all that it reads: the key of the
//   default
//                                    location, and of each other one that has none of its own
//   repository-password.<location>   a location's own
//   replaced-password.<unix time>    one that something may still be under
//
// A repository is opened with whichever of them opens it: a key that is moved, or a location that
// has another name in another cluster, locks nobody out.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "server/context.h"

namespace lateen::server {

// Of the Secret: each new location gets a key of its own. Secrets that Velero made do not have it,
// so that Velero goes on with all that we make.
inline constexpr std::string_view kKeyPerLocation = "lateen.io/key-per-location";

// Of a Secret: since when a person keeps a copy elsewhere. It goes when a key changes.
inline constexpr std::string_view kEscrowed = "lateen.io/escrowed-at";

struct RepositoryKeys {
  Secret shared = {};
  std::map<std::string, Secret, std::less<>> own = {};  // by location
  std::vector<Secret> replaced = {};                    // newest first
  bool per_location = false;

  // What a location's repositories are to be under.
  const Secret& of(std::string_view location) const;
  // All others that may open one of them, the likely ones first.
  std::vector<Secret> others(std::string_view location) const;
  bool is_well_known(std::string_view location) const;

  // InvalidArgument where nothing in it is a key.
  static Result<RepositoryKeys> parse(const Json& secret);
};

// The Secret; a new one gets a random key. What is there stays as it is, Velero's well-known
// constant, too.
Status ensure_repository_key(const ServerContext& context, std::stop_token stop);

// Unauthenticated, saying what to do, when there is no Secret: not NotFound, which would say that
// there is no repository.
Result<RepositoryKeys> read_repository_keys(const ServerContext& context, std::stop_token stop);

// Before a location's first repository is made: the key that it will have is in the Secret.
Result<RepositoryKeys> ensure_location_key(const ServerContext& context,
                                           const model::BackupStorageLocation& location,
                                           std::stop_token stop);

// The next three only change what keys there are to be: repositories follow by a request
// (repository_rekey.h). What is replaced stays in the Secret, but for the well-known constant.
//
// Another random key where Velero reads it.
Status replace_shared_key(const ServerContext& context, std::stop_token stop);
// A random key of its own for a location, which Velero does not read.
Status replace_location_key(const ServerContext& context,
                            const std::string& location,
                            std::stop_token stop);
// Back to the one that Velero reads.
Status drop_location_key(const ServerContext& context,
                         const std::string& location,
                         std::stop_token stop);

}  // namespace lateen::server
