// The calls that Lateen makes to AWS, as IAM sees them, and the smallest policy that allows them.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "assurance/iam_policy.h"
#include "base/json.h"

namespace lateen::assurance {

enum class TagProfile { Velero, Owned };

struct IamScenario {
  std::string bucket = {};
  std::string prefix = {};
  std::string region = "us-east-1";
  std::string account = "123456789012";
  std::string kms_key_arn = {};  // config.kmsKeyId of the location, if it is an ARN
  bool object_lock = false;      // config.objectLockMode
  bool tagging = false;          // config.tagging
  bool native_snapshots = true;  // there is a VolumeSnapshotLocation
  TagProfile tags = TagProfile::Velero;
  bool copies_snapshots = false;  // config.copySnapshots
};

struct IamCall {
  IamRequest request = {};
  std::string purpose = {};
  bool required = true;  // without it backups, restores or deletions fail
};

std::vector<IamCall> calls_of(const IamScenario& scenario);

struct IamVerdict {
  IamCall call = {};
  IamDecision decision = {};
};

std::vector<IamVerdict> judge_policy(const IamPolicy& policy, const IamScenario& scenario);

// What allows all required calls and nothing to other people's volumes and snapshots.
Json minimal_policy(const IamScenario& scenario);

}  // namespace lateen::assurance
