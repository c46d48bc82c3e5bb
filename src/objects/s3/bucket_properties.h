// Whether a bucket is set up as backups want it: six properties, asked of the bucket itself, each
// with what would set it.
//
//   for (const BucketProperty& one : TRY(check_bucket(options, stop)).properties) …
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/aws/xml.h"
#include "objects/store_factory.h"

namespace lateen::objects::s3 {

enum class PropertyState {
  Ok,
  Missing,     // not set, or not as it should be
  NotAllowed,  // the credentials may not look
  Unknown,     // the server does not say: it failed, or has no such setting
};

// "ok", "missing", "not allowed to look", "unknown".
std::string_view to_string(PropertyState state);

struct BucketProperty {
  std::string name = {};  // "versioning": stable, for programs
  PropertyState state = PropertyState::Unknown;
  std::string detail = {};     // what is set, or what is wrong; for NotAllowed the permission
  std::string terraform = {};  // what would set it; empty when it is set
  std::string aws_cli = {};

  bool operator==(const BucketProperty&) const = default;
};

struct BucketReport {
  std::string bucket = {};
  std::string region = {};  // as configured; may be empty
  std::vector<BucketProperty> properties = {};

  bool has(PropertyState state) const;
};

// `options` are those of a BackupStorageLocation of provider aws. What cannot be asked is in the
// report; an Error comes back when the bucket cannot be reached at all.
Result<BucketReport> check_bucket(const StoreOptions& options, std::stop_token stop);

// A seventh, which a bucket may do without: "object-lock".
Result<BucketProperty> check_object_lock(const StoreOptions& options, std::stop_token stop);

// ---- The verdicts, pure. Null: the bucket has no such setting.
struct Verdict {
  bool ok = false;
  std::string detail = {};

  bool operator==(const Verdict&) const = default;
};

Verdict judge_versioning(const net::aws::XmlElement* document);
Verdict judge_encryption(const net::aws::XmlElement* document);
Verdict judge_lifecycle(const net::aws::XmlElement* document);
Verdict judge_transport_policy(const Json* policy, std::string_view bucket);
Verdict judge_public_access(const net::aws::XmlElement* document);
Verdict judge_replication(const net::aws::XmlElement* document);
Verdict judge_object_lock(const net::aws::XmlElement* document);

}  // namespace lateen::objects::s3
