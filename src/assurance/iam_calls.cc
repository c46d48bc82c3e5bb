#include "assurance/iam_calls.h"

#include <fmt/format.h>

namespace lateen::assurance {
namespace {

constexpr const char* kBackupTag = "velero.io/backup";

// The calls of one scenario in the making.
class CallList {
 public:
  explicit CallList(const IamScenario& scenario) : scenario_(scenario) {}

  void add(std::string action,
           std::string resource,
           std::string purpose,
           IamContext more = {},
           bool required = true) {
    IamContext context = std::move(more);
    context["aws:SecureTransport"] = {"true"};
    context["aws:RequestedRegion"] = {scenario_.region};
    context["aws:PrincipalAccount"] = {scenario_.account};
    calls_.push_back({.request = {.action = std::move(action),
                                  .resource = std::move(resource),
                                  .context = std::move(context)},
                      .purpose = std::move(purpose),
                      .required = required});
  }

  std::vector<IamCall> take() { return std::move(calls_); }

 private:
  const IamScenario& scenario_;
  std::vector<IamCall> calls_;
};

void add_bucket_calls(const IamScenario& scenario, CallList& calls) {
  const std::string bucket = fmt::format("arn:aws:s3:::{}", scenario.bucket);
  const std::string root = scenario.prefix.empty() ? "" : scenario.prefix + "/";
  const std::string object = fmt::format("{}/{}backups/example/velero-backup.json", bucket, root);
  calls.add("s3:ListBucket", bucket, "the location becomes Available only if it can be listed",
            {{"s3:prefix", {root}}});
  calls.add("s3:GetObject", object, "restores, and what `describe` and `logs` show");
  calls.add("s3:PutObject", object, "backups");
  calls.add("s3:DeleteObject", object, "deletion of expired backups");
  calls.add("s3:AbortMultipartUpload", object, "a backup that fails leaves no parts behind");
  if (scenario.object_lock) calls.add("s3:PutObjectRetention", object, "config.objectLockMode");
  if (scenario.tagging) calls.add("s3:PutObjectTagging", object, "config.tagging");
  calls.add("s3:GetBucketLocation", bucket,
            "the region is asked for where config.region is not set", {}, false);
  calls.add("s3:ListBucketMultipartUploads", bucket,
            "an upload whose beginning was never answered is found and ended", {}, false);
  for (const char* action :
       {"s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
        "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetReplicationConfiguration",
        "s3:GetBucketObjectLockConfiguration"}) {
    calls.add(action, bucket, "`lateen check` and `lateen location check`", {}, false);
  }
  if (scenario.kms_key_arn.empty()) return;
  const std::string service = fmt::format("s3.{}.amazonaws.com", scenario.region);
  calls.add("kms:GenerateDataKey", scenario.kms_key_arn, "objects are encrypted with this key",
            {{"kms:ViaService", {service}}});
  calls.add("kms:Decrypt", scenario.kms_key_arn, "objects are read that were encrypted with it",
            {{"kms:ViaService", {service}}});
}

// The tags of a snapshot or volume that is made, as the request has them.
IamContext request_tags(const IamScenario& scenario, bool of_restore) {
  IamContext context;
  const auto set = [&context](const std::string& key, const std::string& value) {
    context["aws:RequestTag/" + key] = {value};
    context["aws:TagKeys"].push_back(key);
  };
  if (scenario.tags == TagProfile::Owned) {
    set(kBackupTag, "true");
    set("velero.io/backup-name", "example");
    if (of_restore) set("velero.io/restore", "example");
  } else {
    set(kBackupTag, "example");
    set("velero.io/pv", "pv-example");
    set("velero.io/storage-location", "default");
    set("Name", "a tag of the volume, which is copied");
  }
  return context;
}

IamContext resource_tags(const IamScenario& scenario) {
  return {{fmt::format("aws:ResourceTag/{}", kBackupTag),
           {scenario.tags == TagProfile::Owned ? "true" : "example"}},
          {fmt::format("ec2:ResourceTag/{}", kBackupTag),
           {scenario.tags == TagProfile::Owned ? "true" : "example"}}};
}

IamContext while_creating(IamContext tags, const char* action) {
  tags["ec2:CreateAction"] = {action};
  return tags;
}

// AWS asks for each resource of a call by itself, and shows the request's tags only to the one that
// is made.
void add_snapshot_calls(const IamScenario& scenario, CallList& calls) {
  const std::string snapshot =
      fmt::format("arn:aws:ec2:{}::snapshot/snap-0123456789abcdef0", scenario.region);
  const std::string volume = fmt::format("arn:aws:ec2:{}:{}:volume/vol-0123456789abcdef0",
                                         scenario.region, scenario.account);
  const IamContext taken = request_tags(scenario, false);
  const IamContext restored = request_tags(scenario, true);
  const IamContext own = resource_tags(scenario);
  calls.add("ec2:DescribeVolumes", "*", "a volume's type and zone are kept with its snapshot");
  calls.add("ec2:DescribeSnapshots", "*", "a snapshot is waited for, and found again");
  calls.add("ec2:CreateSnapshot", volume, "the volume that is snapshotted: it has no tag of ours");
  calls.add("ec2:CreateSnapshot", snapshot, "the snapshot that is made", taken);
  calls.add("ec2:CreateTags", snapshot, "its tags, which are in the same call",
            while_creating(taken, "CreateSnapshot"));
  calls.add("ec2:CreateVolume", snapshot, "the snapshot that is restored", own);
  calls.add("ec2:CreateVolume", volume, "the volume that is made of it", restored);
  calls.add("ec2:CreateTags", volume, "its tags, which are in the same call",
            while_creating(restored, "CreateVolume"));
  calls.add("ec2:DeleteSnapshot", snapshot, "deletion of expired backups", own);
  calls.add("ec2:DeleteVolume", volume, "a restored volume that came to no use", own, false);
  if (scenario.copies_snapshots) {
    calls.add("ec2:CopySnapshot", snapshot, "config.copySnapshots: a snapshot of another region",
              taken);
  }
}

Json statement(const char* sid, JsonArray actions, Json resource, JsonObject condition = {}) {
  JsonObject json{{"Sid", sid},
                  {"Effect", "Allow"},
                  {"Action", std::move(actions)},
                  {"Resource", std::move(resource)}};
  if (!condition.empty()) json["Condition"] = std::move(condition);
  return json;
}

void add_snapshot_statements(const IamScenario& scenario, JsonArray& statements) {
  const bool owned = scenario.tags == TagProfile::Owned;
  const JsonArray both = {"arn:aws:ec2:*::snapshot/*", "arn:aws:ec2:*:*:volume/*"};
  const auto tag_condition = [owned](const char* kind) {
    const std::string key = fmt::format("aws:{}/{}", kind, kBackupTag);
    return owned ? JsonObject{{"StringEquals", JsonObject{{key, "true"}}}}
                 : JsonObject{{"Null", JsonObject{{key, "false"}}}};
  };
  JsonObject tagging{{"StringEquals", JsonObject{{"ec2:CreateAction",
                                                  JsonArray{"CreateSnapshot", "CreateVolume"}}}}};
  // Velero's profile copies the volume's tags, whatever they are called.
  if (owned) {
    tagging["ForAllValues:StringEquals"] = JsonObject{
        {"aws:TagKeys", JsonArray{kBackupTag, "velero.io/backup-name", "velero.io/restore"}}};
  }
  statements.push_back(
      statement("Describe", {"ec2:DescribeVolumes", "ec2:DescribeSnapshots"}, "*"));
  statements.push_back(
      statement("SnapshotAnyVolume", {"ec2:CreateSnapshot"}, "arn:aws:ec2:*:*:volume/*"));
  statements.push_back(statement("RestoreOwnSnapshots", {"ec2:CreateVolume"},
                                 "arn:aws:ec2:*::snapshot/*", tag_condition("ResourceTag")));
  statements.push_back(statement("CreateTagged", {"ec2:CreateSnapshot", "ec2:CreateVolume"}, both,
                                 tag_condition("RequestTag")));
  statements.push_back(statement("TagWhileCreating", {"ec2:CreateTags"}, both, tagging));
  statements.push_back(statement("DeleteOwn", {"ec2:DeleteSnapshot", "ec2:DeleteVolume"}, both,
                                 tag_condition("ResourceTag")));
  if (scenario.copies_snapshots) {
    statements.push_back(
        statement("CopySnapshots", {"ec2:CopySnapshot"}, "arn:aws:ec2:*::snapshot/*"));
  }
}

}  // namespace

std::vector<IamCall> calls_of(const IamScenario& scenario) {
  CallList calls(scenario);
  add_bucket_calls(scenario, calls);
  if (scenario.native_snapshots) add_snapshot_calls(scenario, calls);
  return calls.take();
}

std::vector<IamVerdict> judge_policy(const IamPolicy& policy, const IamScenario& scenario) {
  std::vector<IamVerdict> verdicts;
  for (IamCall& call : calls_of(scenario)) {
    IamDecision decision = policy.decide(call.request);
    verdicts.push_back({.call = std::move(call), .decision = std::move(decision)});
  }
  return verdicts;
}

Json minimal_policy(const IamScenario& scenario) {
  const std::string bucket = fmt::format("arn:aws:s3:::{}", scenario.bucket);
  JsonArray objects = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
                       "s3:ListMultipartUploadParts"};
  if (scenario.object_lock) objects.emplace_back("s3:PutObjectRetention");
  if (scenario.tagging) objects.emplace_back("s3:PutObjectTagging");
  JsonArray statements;
  statements.push_back(statement(
      "Bucket", {"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"},
      Json(bucket)));
  statements.push_back(statement("Objects", std::move(objects), Json(bucket + "/*")));
  if (!scenario.kms_key_arn.empty()) {
    statements.push_back(
        statement("Key", {"kms:GenerateDataKey", "kms:Decrypt"}, Json(scenario.kms_key_arn)));
  }
  if (scenario.native_snapshots) add_snapshot_statements(scenario, statements);
  return JsonObject{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
}

}  // namespace lateen::assurance
