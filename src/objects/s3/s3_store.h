// A bucket of S3, or of what speaks like it (MinIO, Ceph, R2, Swift).
//
//   S3Config config{.bucket = "backups", .region = "eu-west-1"};
//   auto store = TRY(open_s3_store(std::move(config), TRY(make_credentials({.region =
//   "eu-west-1"}))));
//
// Failures that can pass are tried again inside, within a budget, so it needs no make_retrying().
#pragma once

#include <memory>

#include "net/aws/credentials.h"
#include "objects/object_store.h"
#include "objects/s3/config.h"

namespace lateen::objects::s3 {

// Asks the network for nothing yet: what is wrong with bucket or credentials, the first call tells.
Result<std::unique_ptr<ObjectStore>> open_s3_store(
    S3Config config, std::unique_ptr<net::aws::CredentialsProvider> credentials);

// With credentials from where the config and AWS' order say.
Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Config config);

// For StoreFactory: provider "aws", a location's options.
Result<std::unique_ptr<ObjectStore>> open_s3_location(const StoreOptions& options);

}  // namespace lateen::objects::s3
