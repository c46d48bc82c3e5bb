// How a bucket of S3 is reached and written: the config of a BackupStorageLocation with the keys of
// Velero's AWS plugin, and a few of Lateen's own. docs/locations.md has them all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/aws/credentials.h"
#include "net/tls.h"
#include "objects/store_factory.h"

namespace lateen::objects::s3 {

enum class Checksum { None, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256 };

// What is asked for every object that is written.
struct WriteOptions {
  std::string server_side_encryption = {};  // "AES256", "aws:kms", "aws:kms:dsse"
  std::string kms_key_id = {};
  bool bucket_key = false;
  std::string tagging = {};             // "K1=V1&K2=V2", escaped
  std::string storage_class = {};       // "STANDARD_IA"
  std::string object_lock_mode = {};    // "GOVERNANCE", "COMPLIANCE"
  Duration object_lock_retention = {};  // from the time of writing, with the mode
  bool legal_hold = false;
  Checksum checksum = Checksum::Crc32;
};

struct S3Config {
  std::string bucket = {};
  std::string region = {};      // empty: asked from S3
  std::string endpoint = {};    // s3Url; empty: AWS' own
  std::string public_url = {};  // of presigned URLs; empty: the endpoint
  bool force_path_style = false;
  WriteOptions write = {};
  Secret customer_key = {};  // SSE-C: 32 bytes
  net::TlsOptions tls = {};
  // Where credentials are from, should the opener not bring its own.
  std::string profile = {};
  Secret credential = {};
  FilePath credentials_file = {};

  std::string proxy_url = {};  // empty: the environment's

  // Parts of an upload in flight, and ranges of a download.
  std::size_t parallel = 4;
  ByteCount part_size = 8_MiB;  // the first; it grows so that 5 TiB fit
  Duration stall_timeout = std::chrono::seconds(60);
  // Of putting an upload's parts together, which S3 says may take minutes.
  Duration completion_timeout = std::chrono::minutes(10);
  int attempts = 6;
  Duration first_pause = std::chrono::milliseconds(100);  // between attempts; it doubles
  std::size_t page_size = 1000;                           // of listings
  net::aws::Environment environment = net::aws::process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();

  // From a location. InvalidArgument names the key at fault; an unknown one in the plugin's words.
  static Result<S3Config> from(const StoreOptions& options);
};

}  // namespace lateen::objects::s3
