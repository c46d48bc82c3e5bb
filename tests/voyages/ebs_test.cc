// EBS volumes snapshotted, restored and deleted under the tag-scoped policies of
// testdata/iam, with the credentials that IRSA gives: on moto, behind a gate that holds to them.
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "voyages/testing/aws_gate.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr std::string_view kRole = "arn:aws:iam::123456789012:role/velero";
constexpr std::string_view kSubject = "system:serviceaccount:velero:velero";

// Two volumes: one of the CSI driver, in a cluster without a snapshot class for it, and one
// in-tree.
constexpr std::string_view kShop = R"(
apiVersion: v1
kind: Namespace
metadata: {{name: {0}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {0}-db, labels: {{topology.kubernetes.io/zone: eu-west-1b}}}}
spec:
  capacity: {{storage: 10Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  csi: {{driver: ebs.csi.aws.com, volumeHandle: {1}, fsType: ext4}}
  claimRef: {{apiVersion: v1, kind: PersistentVolumeClaim, namespace: {0}, name: db}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: db, namespace: {0}}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: "", volumeName: {0}-db, resources: {{requests: {{storage: 10Gi}}}}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {0}-files, labels: {{failure-domain.beta.kubernetes.io/zone: eu-west-1b}}}}
spec:
  capacity: {{storage: 5Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  awsElasticBlockStore: {{volumeID: "aws://eu-west-1b/{2}", fsType: ext4}}
  claimRef: {{apiVersion: v1, kind: PersistentVolumeClaim, namespace: {0}, name: files}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: files, namespace: {0}}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: "", volumeName: {0}-files, resources: {{requests: {{storage: 5Gi}}}}}}
)";

Json policy(const std::string& name) {
  auto parsed = parse_json(text_of(FilePath(LATEEN_TESTDATA) / "iam" / name));
  EXPECT_TRUE(parsed) << name;
  return parsed ? std::move(*parsed) : Json();
}

Json without_statement(Json document, std::string_view sid) {
  JsonArray kept;
  for (const Json& statement : *array_at(document, "Statement")) {
    if (string_at(statement, "Sid") != sid) kept.push_back(statement);
  }
  EXPECT_EQ(kept.size() + 1, array_at(document, "Statement")->size()) << sid;
  document.as_object()["Statement"] = std::move(kept);
  return document;
}

class EbsVoyage : public Voyage<EbsVoyage> {
 public:
  static Words server_flags() {
    return {"--backup-sync-period", "1h", "--store-validation-frequency", "1s"};
  }

 protected:
  static void SetUpTestSuite() {
    gate_ = AwsGate::start();
    if (gate_ == nullptr) return;
    Voyage::SetUpTestSuite();
    gate_->s3("PUT", "/backups");
    grant(policy("document-policy.json"));
    write_token(3600);
    set("AWS_ENDPOINT_URL", gate_->url());
    set("AWS_REGION", "eu-west-1");
    set("AWS_ROLE_ARN", std::string(kRole));
    set("AWS_WEB_IDENTITY_TOKEN_FILE", token_file().string());
    set("AWS_EC2_METADATA_DISABLED", "true");
    harbour().must_lateen({"backup-location", "delete", "default", "--confirm"});
    harbour().must_lateen({"backup-location", "create", "default", "--provider", "aws", "--bucket",
                           "backups", "--config", "region=eu-west-1,s3ForcePathStyle=true",
                           "--default"});
    harbour().must_lateen({"snapshot-location", "create", "ebs", "--provider", "aws", "--config",
                           "region=eu-west-1,tagProfile=owned"});
    start_server();
    ASSERT_EQ(location_phase(), "Available") << location_message() << server().log();
    make_shop("shop");
  }

  static void TearDownTestSuite() {
    Voyage::TearDownTestSuite();
    gate_.reset();
  }

  void SetUp() override {
    ASSERT_NE(gate_, nullptr) << "there is no gate";
    Voyage::SetUp();
    gate_->control("configure", JsonObject{{"tags_everywhere", true}, {"faults", JsonArray()}});
    grant(policy("document-policy.json"));
  }

  static void set(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): before any thread
  }

  static std::string location_message() {
    return std::string(string_at(velero("backupstoragelocations", "default"), "status.message"));
  }

  // A change of the object wakes the controller, which else looks every ten seconds.
  static void wait_for_location(const std::string& phase) {
    int tries = 0;
    wait_until(fmt::format("the location is {}", phase), [&] {
      harbour().must_kubectl({"-n", "velero", "annotate", "--overwrite", "backupstoragelocation",
                              "default", fmt::format("look={}", ++tries)});
      return location_phase() == phase;
    });
  }

  static FilePath token_file() { return harbour().dir() / "token"; }

  static void write_token(int lifetime_seconds) {
    write_text(token_file(), gate_->token(kSubject, lifetime_seconds));
  }

  static void grant(const Json& document) {
    const JsonObject role{{"subject", kSubject}, {"policies", JsonArray{document}}};
    gate_->control("configure", JsonObject{{"roles", JsonObject{{kRole, role}}}});
  }

  static std::string make_volume(int gib) {
    return AwsGate::element(
        gate_->ec2(
            fmt::format("Action=CreateVolume&AvailabilityZone=eu-west-1b&Size={}"
                        "&VolumeType=gp3&Iops=4000&Throughput=250&Encrypted=true"
                        "&TagSpecification.1.ResourceType=volume"
                        "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x",
                        gib)),
        "volumeId");
  }

  static void make_shop(const std::string& name) {
    harbour().apply(fmt::format(fmt::runtime(kShop), name, make_volume(10), make_volume(5)));
    wait_until("the claims are bound", [&name] {
      return harbour().names({"-n", name, "pvc", "-o", "name"}).size() == 2 &&
             harbour().must_kubectl({"-n", name, "get", "pvc", "-o",
                                     "jsonpath={.items[*].status.phase}"}) == "Bound Bound";
    });
  }

  // Of the shop's snapshots, as the handbook finds them.
  static std::string owned_snapshots() {
    return gate_->ec2(
        "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:velero.io/backup"
        "&Filter.1.Value.1=true");
  }

  static std::string describe(std::string_view noun, std::string_view name) {
    return harbour().lateen({std::string(noun), "describe", std::string(name), "--details"}).out;
  }

  // Every question that was answered with no, by its action.
  static std::string denied() {
    std::string actions;
    const Json log = gate_->control("log", JsonObject{{"clear", true}});
    for (const Json& entry : *array_at(log, "log")) {
      if (bool_at(entry, "allowed") == false)
        actions += fmt::format("{} ", string_at(entry, "action"));
    }
    return actions;
  }

  static inline std::unique_ptr<AwsGate> gate_;
};

TEST_F(EbsVoyage, UnderTheHandbooksPolicyEverythingPasses) {
  back_up("b1", {"--include-namespaces", "shop", "--snapshot-volumes"});
  const std::string snapshots = owned_snapshots();
  EXPECT_EQ(AwsGate::count(snapshots, "<snapshotId>"), 2) << snapshots;
  // The policy allows two keys of tags: the name is in the description.
  EXPECT_EQ(AwsGate::count(snapshots, "<key>"), 2) << snapshots;
  EXPECT_NE(snapshots.find("Backup b1, PersistentVolume shop-db"), std::string::npos);
  EXPECT_NE(describe("backup", "b1").find("snap-"), std::string::npos);

  harbour().must_kubectl({"delete", "namespace", "shop", "--wait"});
  harbour().must_kubectl({"delete", "pv", "shop-db", "shop-files"});
  restore("r1", {"--from-backup", "b1"});
  const Json db = harbour().get({"pv", "shop-db"});
  const std::string id(string_at(db, "spec.csi.volumeHandle"));
  const std::string volume = gate_->ec2(fmt::format("Action=DescribeVolumes&VolumeId.1={}", id));
  EXPECT_EQ(AwsGate::element(volume, "availabilityZone"), "eu-west-1b");
  EXPECT_EQ(AwsGate::element(volume, "volumeType"), "gp3");
  EXPECT_EQ(AwsGate::element(volume, "iops"), "4000");
  EXPECT_EQ(AwsGate::element(volume, "throughput"), "250");
  EXPECT_EQ(AwsGate::element(volume, "encrypted"), "true");
  EXPECT_NE(volume.find("<key>velero.io/restore</key><value>r1</value>"), std::string::npos);
  const Json files = harbour().get({"pv", "shop-files"});
  EXPECT_TRUE(
      string_at(files, "spec.awsElasticBlockStore.volumeID").starts_with("aws://eu-west-1b/"));
  wait_until("the claims are bound again", [] {
    return harbour().must_kubectl({"-n", "shop", "get", "pvc", "-o",
                                   "jsonpath={.items[*].status.phase}"}) == "Bound Bound";
  });

  harbour().must_lateen({"backup", "delete", "b1", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "b1").empty(); });
  EXPECT_EQ(AwsGate::count(owned_snapshots(), "<snapshotId>"), 0);
}

TEST_F(EbsVoyage, UnderOurMinimalPolicyTheNameIsATagToo) {
  gate_->control("configure", JsonObject{{"tags_everywhere", false}});
  grant(policy("minimal-policy.json"));
  start_server();  // the former one has learnt to do without
  denied();
  back_up("minimal", {"--include-namespaces", "shop"});
  EXPECT_EQ(AwsGate::count(owned_snapshots(), "<key>velero.io/backup-name</key><value>minimal<"),
            2);
  restore("minimal", {"--from-backup", "minimal", "--namespace-mappings", "shop:shop-minimal"});
  harbour().must_lateen({"backup", "delete", "minimal", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "minimal").empty(); });
  EXPECT_EQ(AwsGate::count(owned_snapshots(), "<snapshotId>"), 0);
  EXPECT_EQ(denied(), "");
}

struct MissingCase {
  const char* sid;
  const char* action;
};

// One statement of the policy after the other is taken away: what then fails says which permission
// it lacks.
TEST_F(EbsVoyage, AMissingStatementIsNamed) {
  for (const MissingCase& one : {MissingCase{"EC2Describe", "ec2:DescribeVolumes"},
                                 MissingCase{"EC2Create", "ec2:CreateSnapshot"},
                                 MissingCase{"EC2Tagging", "ec2:CreateTags"}}) {
    grant(without_statement(policy("document-policy.json"), one.sid));
    const std::string name = to_lower(fmt::format("without-{}", one.sid));
    back_up(name, {"--include-namespaces", "shop"}, "PartiallyFailed");
    EXPECT_NE(describe("backup", name).find(one.action), std::string::npos)
        << describe("backup", name);
  }
  EXPECT_EQ(AwsGate::count(owned_snapshots(), "<snapshotId>"), 0);
}

TEST_F(EbsVoyage, WhatMayNotBeDeletedStaysAndSaysWhy) {
  back_up("kept", {"--include-namespaces", "shop"});
  grant(without_statement(policy("document-policy.json"), "EC2Lifecycle"));
  harbour().lateen({"backup", "delete", "kept", "--confirm"});
  wait_until("the deletion has failed", [] {
    return describe("backup", "kept").find("ec2:DeleteSnapshot") != std::string::npos;
  });
  EXPECT_EQ(AwsGate::count(owned_snapshots(), "<snapshotId>"), 2);
  grant(policy("document-policy.json"));
  harbour().must_lateen({"backup", "delete", "kept", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "kept").empty(); });
}

TEST_F(EbsVoyage, ABucketThatMayNotBeListedOrWrittenIsExplained) {
  grant(without_statement(policy("document-policy.json"), "S3Objects"));
  back_up("unwritten", {"--include-namespaces", "shop"}, "Failed");
  const Json failed = velero("backups", "unwritten");
  EXPECT_NE(string_at(failed, "status.failureReason").find("s3:"), std::string_view::npos)
      << write_json(failed);
  grant(without_statement(policy("document-policy.json"), "S3List"));
  wait_for_location("Unavailable");
  EXPECT_NE(location_message().find("s3:ListBucket"), std::string::npos) << location_message();
  grant(policy("document-policy.json"));
  wait_for_location("Available");
}

TEST_F(EbsVoyage, VerifyAsksTheStorageWhetherASnapshotIsStillThere) {
  back_up("asked", {"--include-namespaces", "shop"});
  const Outcome whole = harbour().lateen({"verify", "asked"});
  EXPECT_EQ(whole.code, 0) << whole.story();
  EXPECT_NE(whole.out.find("2 snapshots"), std::string::npos) << whole.story();
  const std::string id = AwsGate::element(owned_snapshots(), "snapshotId");
  gate_->ec2(fmt::format("Action=DeleteSnapshot&SnapshotId={}", id));
  const Outcome short_of_one = harbour().lateen({"verify", "asked"});
  EXPECT_EQ(short_of_one.code, 2) << short_of_one.story();
  EXPECT_NE(short_of_one.out.find("the storage has no snapshot " + id), std::string::npos)
      << short_of_one.story();
  harbour().must_lateen({"backup", "delete", "asked", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "asked").empty(); });
}

// Somebody who can write into the bucket names another one's snapshot there.
TEST_F(EbsVoyage, AForeignSnapshotIsNotDeleted) {
  const std::string volume = make_volume(1);
  const std::string foreign = AwsGate::element(
      gate_->ec2(fmt::format("Action=CreateSnapshot&VolumeId={}", volume)), "snapshotId");
  const std::string of_another =
      AwsGate::element(gate_->ec2(fmt::format("Action=CreateSnapshot&VolumeId={}"
                                              "&TagSpecification.1.ResourceType=snapshot"
                                              "&TagSpecification.1.Tag.1.Key=velero.io/backup"
                                              "&TagSpecification.1.Tag.1.Value=others",
                                              volume)),
                       "snapshotId");
  harbour().must_kubectl({"create", "namespace", "empty"});
  back_up("forged", {"--include-namespaces", "empty"});
  const std::string entry =
      R"({{"spec":{{"backupName":"forged","backupUID":"x","location":"ebs","persistentVolumeName":"p",)"
      R"("providerVolumeID":"v","volumeType":"gp3"}},"status":{{"providerSnapshotID":"{}","phase":"Completed"}}}})";
  const FilePath file = harbour().dir() / "forged.json";
  write_text(file, fmt::format(fmt::runtime("[" + entry + "," + entry + "]"), foreign, of_another));
  const Outcome packed = run_program({"gzip", "-kf", file.string()});
  ASSERT_TRUE(packed.ok()) << packed.story();
  gate_->s3("PUT", "/backups/backups/forged/forged-volumesnapshots.json.gz",
            text_of(file.string() + ".gz"));
  harbour().lateen({"backup", "delete", "forged", "--confirm"});
  wait_until("the deletion has failed", [] {
    const std::string text = describe("backup", "forged");
    return text.find("no backup made it") != std::string::npos &&
           text.find("ec2:DeleteSnapshot") != std::string::npos;
  });
  for (const std::string& id : {foreign, of_another}) {
    EXPECT_EQ(
        AwsGate::element(gate_->ec2(fmt::format("Action=DescribeSnapshots&SnapshotId.1={}", id)),
                         "snapshotId"),
        id);
  }
}

TEST_F(EbsVoyage, CredentialsThatEndInTheMiddleOfABackupAreRenewed) {
  gate_->control(
      "configure",
      JsonObject{
          {"faults", JsonArray{JsonObject{{"match", "^PUT .*/renewed/"}, {"kind", "expired"}},
                               JsonObject{{"match", "CreateSnapshot"}, {"kind", "expired"}}}}});
  back_up("renewed", {"--include-namespaces", "shop"});
  harbour().must_lateen({"backup", "delete", "renewed", "--confirm"});
  wait_until("the backup is gone", [] { return phase_of("backups", "renewed").empty(); });
}

TEST_F(EbsVoyage, ATokenThatHasExpiredIsExplainedAndARotatedOneTaken) {
  gate_->control("advance", JsonObject{{"seconds", 7200}});
  wait_for_location("Unavailable");
  EXPECT_NE(location_message().find("expired"), std::string::npos) << location_message();
  write_token(7200);
  wait_for_location("Available");
}

TEST_F(EbsVoyage, TheBucketIsCheckedAsTheChecklistWants) {
  const Outcome blind = harbour().lateen({"location", "check", "default"});
  EXPECT_EQ(blind.code, 3) << blind.story();
  EXPECT_NE(blind.out.find("not allowed to look"), std::string::npos);
  EXPECT_NE(blind.out.find("s3:GetEncryptionConfiguration"), std::string::npos);

  Json all = policy("document-policy.json");
  array_at(all, "Statement");
  all.as_object()["Statement"].as_array().push_back(
      JsonObject{{"Effect", "Allow"}, {"Action", "s3:Get*"}, {"Resource", "*"}});
  grant(all);
  const Outcome bare = harbour().lateen({"backup-location", "check", "default", "-o", "json"});
  EXPECT_EQ(bare.code, 2) << bare.story();
  const auto report = parse_json(bare.out);
  ASSERT_TRUE(report) << bare.story();
  ASSERT_EQ(array_at(*report, "properties")->size(), 6U);
  for (const Json& property : *array_at(*report, "properties")) {
    EXPECT_NE(string_at(property, "terraform"), "") << write_json(property);
    EXPECT_NE(string_at(property, "awsCli"), "") << write_json(property);
  }

  gate_->s3("PUT", "/backups?versioning",
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  gate_->s3("PUT", "/backups?encryption",
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
            "<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"
            "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>"
            "</ServerSideEncryptionConfiguration>");
  gate_->s3(
      "PUT", "/backups?lifecycle",
      "<LifecycleConfiguration><Rule><ID>cold</ID><Status>Enabled</Status><Filter><Prefix>backups/"
      "</Prefix></Filter><Transition><Days>30</Days><StorageClass>GLACIER_IR</StorageClass>"
      "</Transition><NoncurrentVersionExpiration><NoncurrentDays>180</NoncurrentDays>"
      "</NoncurrentVersionExpiration></Rule></LifecycleConfiguration>");
  gate_->s3(
      "PUT", "/backups?publicAccessBlock",
      "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>"
      "true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>"
      "true</RestrictPublicBuckets></PublicAccessBlockConfiguration>");
  gate_->control(
      "configure",
      JsonObject{
          {"buckets",
           JsonObject{
               {"backups",
                JsonObject{{"policy", parse_json(R"({"Statement":[{"Sid":"DenyInsecureTransport",
                                            "Effect":"Deny","Principal":"*","Action":"s3:*",
                                            "Resource":["arn:aws:s3:::backups","arn:aws:s3:::backups/*"],
                                            "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]})")
                                          .value()}}}}}});
  const Outcome better = harbour().lateen({"location", "check", "default"});
  EXPECT_EQ(better.code, 2) << better.story();
  EXPECT_EQ(AwsGate::count(better.out, "\n  ok "), 5) << better.story();
  EXPECT_NE(better.out.find("put-bucket-replication"), std::string::npos);
}

}  // namespace
}  // namespace lateen::voyages
