// Where repositories are: directories and buckets.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/repo/settings.h"
#include "objects/object_store.h"

namespace lateen::cli::repo {

// "s3:https://host:9000/bucket/a/b" in its parts.
struct S3Location {
  std::string endpoint = {};  // "https://host:9000"
  bool is_aws = false;
  std::string bucket = {};
  std::string prefix = {};
};

Result<S3Location> parse_s3_location(std::string_view text);

// Unsupported for restic's other backends, naming those that there are. With `create` a directory
// is made.
Result<std::unique_ptr<objects::ObjectStore>> open_store(const RepoSettings& settings, bool create);

// "k8s:NAME" names a BackupRepository of the cluster: the name, or "". cluster_repository.h opens
// it.
std::string_view cluster_repository_name(std::string_view location);

// Whether it is a directory, in which kopia keeps its blobs in folders.
bool is_directory_location(std::string_view location);

}  // namespace lateen::cli::repo
