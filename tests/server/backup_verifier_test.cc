#include "server/backup_verifier.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "server/backup_signer.h"
#include "server/repository_keys.h"
#include "server/signing_keys.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using assurance::ManifestState;

const std::string kSigned = "bookstore-full";

// A bucket that the real Velero filled, one backup of which is signed here.
class BackupVerifier : public ::testing::Test {
 protected:
  void SetUp() override {
    // By its UID a cluster is known.
    cluster_.api.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}");
    cluster_.fill_bucket();
    const Status made = ensure_signing_key(cluster_.context, {});
    ASSERT_TRUE(made) << made.error().message();
    // Velero's repositories in the bucket have its well-known key, which is tried besides this one.
    ASSERT_TRUE(ensure_repository_key(cluster_.context, {}));
    sign(kSigned);
  }

  void sign(const std::string& name) {
    auto store = cluster_.store();
    const model::Backup backup = store->get_metadata(name).value();
    const Status is_signed = sign_backup(backup, cluster_.context, *store, {});
    ASSERT_TRUE(is_signed) << is_signed.error().message();
    ASSERT_TRUE(store->put_metadata(backup));
  }

  VerifyReport verify(VerifyRequest request = {}) {
    auto report = verify_backups(cluster_.context, request, {});
    EXPECT_TRUE(report) << (report ? "" : report.error().message());
    return report ? std::move(*report) : VerifyReport();
  }

  ManifestState state_of(const std::string& name) {
    return verify({.names = {name}}).backups.at(0).manifest;
  }

  samples::VeleroCluster cluster_;
};

TEST_F(BackupVerifier, WhatTheServerSignedIsTrustedAndEachNamesTheOneBefore) {
  const assurance::BackupVerdict verdict = verify({.names = {kSigned}}).backups.at(0);
  EXPECT_EQ(verdict.manifest, ManifestState::Trusted);
  EXPECT_EQ(verdict.snapshots, 3U);
  EXPECT_EQ(verdict.findings, std::vector<assurance::Finding>());
  sign("cluster-all");
  const auto keys = read_signing_keys(cluster_.context, {}).value();
  const auto store = cluster_.store();
  const auto second = assurance::read_manifest(*store, "cluster-all", keys.trusted, {}).value();
  EXPECT_EQ(second.manifest.previous, kSigned);
  ASSERT_EQ(second.manifest.present.count(kSigned), 1U);
  const auto first = assurance::read_manifest(*store, kSigned, keys.trusted, {}).value();
  EXPECT_EQ(second.manifest.present.at(kSigned).sha256, first.signature.sha256);
}

TEST_F(BackupVerifier, ARemovedBackupIsMissedUntilItIsAccepted) {
  std::filesystem::remove_all(cluster_.bucket() / "backups" / kSigned);
  const VerifyReport report = verify();
  ASSERT_EQ(report.removed.size(), 1U);
  EXPECT_EQ(report.removed[0].object, kSigned);
  EXPECT_TRUE(report.has_problem());
  ASSERT_TRUE(forget_signed(cluster_.context, "default", kSigned, {}));
  EXPECT_EQ(verify().removed.size(), 0U);
}

TEST_F(BackupVerifier, AfterARotationOldSignaturesStayTrustedAndNewOnesHaveTheNewKey) {
  const std::string before = verify({.names = {kSigned}}).backups.at(0).key_id;
  const auto key = rotate_signing_key(cluster_.context, {});
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_NE(key->id(), before);
  EXPECT_EQ(state_of(kSigned), ManifestState::Trusted);
  sign("cluster-all");
  EXPECT_EQ(verify({.names = {"cluster-all"}}).backups.at(0).key_id, key->id());
}

TEST_F(BackupVerifier, ALostKeyMakesItsSignaturesUnknownUntilThePublicOneIsTrustedAgain) {
  const auto key = read_signing_keys(cluster_.context, {}).value().key.public_key();
  ASSERT_TRUE(cluster_.context.client().remove(
      {.gvr = {"", "v1", "secrets"}, .ns = "velero", .name = std::string(kSigningSecret)}));
  ASSERT_TRUE(ensure_signing_key(cluster_.context, {}));
  EXPECT_EQ(state_of(kSigned), ManifestState::Untrusted);
  ASSERT_TRUE(trust_key(cluster_.context, key, {}));
  EXPECT_EQ(state_of(kSigned), ManifestState::Trusted);
}

TEST_F(BackupVerifier, ANameThatNoBucketHasIsAnError) {
  const auto report = verify_backups(cluster_.context, {.names = {"never-was"}}, {});
  ASSERT_FALSE(report);
  EXPECT_TRUE(report.error().is(Code::NotFound));
}

TEST_F(BackupVerifier, TheRotationNotesItsTurnOnceAndTellsTheMetrics) {
  const auto controller = make_verify_controller(cluster_.context);
  controller->reconcile({});
  const kube::ObjectPath path{
      .gvr = {"", "v1", "configmaps"}, .ns = "velero", .name = "lateen-verification"};
  const auto noted = cluster_.context.client().get(path);
  ASSERT_TRUE(noted) << noted.error().message();
  EXPECT_NE(cluster_.metrics.text().find("lateen_backup_verify_problems 0"), std::string::npos)
      << cluster_.metrics.text();
  controller->reconcile({});
  EXPECT_EQ(cluster_.context.client().get(path).value(), *noted);
}

}  // namespace
}  // namespace lateen::server
