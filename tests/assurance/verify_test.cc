#include "assurance/verify.h"

#include <gtest/gtest.h>

#include "base/copy.h"
#include "base/random.h"
#include "base/temp.h"
#include "base/time.h"
#include "model/documents.h"
#include "objects/fs_store.h"

namespace lateen::assurance {
namespace {

using model::Backup;

const std::string kBackup = "bookstore-full";

// A bucket that the real Velero filled, and a key.
class Verify : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto copied = copy_tree(FilePath(LATEEN_TESTDATA) / "velero-bucket" / "bucket",
                                  dir_.path() / "bucket", std::stop_token());
    ASSERT_TRUE(copied) << copied.error().message();
    auto opened = objects::FsStore::open({.root = dir_.path() / "bucket"});
    ASSERT_TRUE(opened) << opened.error().message();
    store_.emplace(std::move(*opened), "");
    key_.emplace(Ed25519Key::generate(rng_).value());
    options_.trusted.keys = {key_->public_key()};
  }

  // As the server does at a backup's end. Gives the manifest's digest.
  std::string sign(const std::string& name = kBackup) {
    const Backup backup = store_->get_metadata(name).value();
    // Velero's own bytes are not ours: what is stored is what is signed.
    const Bytes metadata = store_->objects().get(store_->layout().backup_metadata(name)).value();
    Manifest manifest{.backup = name, .uid = backup.metadata.uid, .signed_at = TimePoint()};
    manifest.objects = digest_backup(*store_, name, metadata, {}).value();
    const Bytes document = sign_document(manifest_json(manifest), *key_).value();
    EXPECT_TRUE(store_->objects().put(store_->layout().backup_manifest(name), document));
    return read_signed(document, options_.trusted).value().sha256;
  }

  BackupVerdict verify(const std::string& name = kBackup) {
    auto verdict = verify_files(*store_, name, options_, {});
    EXPECT_TRUE(verdict) << (verdict ? "" : verdict.error().message());
    return verdict ? std::move(*verdict) : BackupVerdict();
  }

  // "id object" of each problem.
  static std::vector<std::string> problems(const BackupVerdict& verdict) {
    std::vector<std::string> found;
    for (const Finding& one : verdict.findings) {
      if (one.level == FindingLevel::Problem) found.push_back(one.id + " " + one.object);
    }
    return found;
  }

  void change(const std::string& key, std::size_t at) {
    Bytes bytes = store_->objects().get(key).value();
    bytes[at % bytes.size()] ^= 0x20;
    ASSERT_TRUE(store_->objects().put(key, bytes));
  }

  const objects::Layout& layout() { return store_->layout(); }

  TempDir dir_ = std::move(*TempDir::create("lateen-verify-test"));
  SystemRng rng_;
  std::optional<objects::BackupStore> store_;
  std::optional<Ed25519Key> key_;
  VerifyOptions options_;
};

TEST_F(Verify, BackupsOfVeleroCanBeReadAndThatTheyAreUnsignedIsNoted) {
  for (const char* name : {"bookstore-full", "bookstore-hookfail", "cluster-all",
                           "nightly-20261122103737", "bookstore-scoped"}) {
    const BackupVerdict verdict = verify(name);
    EXPECT_EQ(problems(verdict), std::vector<std::string>()) << name;
    EXPECT_EQ(verdict.manifest, ManifestState::None);
    EXPECT_GT(verdict.items, 0U);
    ASSERT_FALSE(verdict.findings.empty());
    EXPECT_EQ(verdict.findings.front().id, "manifest-none");
  }
}

TEST_F(Verify, ASignedBackupThatNobodyTouchedIsFine) {
  sign();
  const BackupVerdict verdict = verify();
  EXPECT_EQ(verdict.findings, std::vector<Finding>());
  EXPECT_EQ(verdict.manifest, ManifestState::Trusted);
  EXPECT_EQ(verdict.key_id, key_->public_key().id());
  EXPECT_EQ(verdict.files, 9U);
}

TEST_F(Verify, OneChangedByteOfTheTarballIsFoundTwice) {
  sign();
  change(layout().backup_contents(kBackup), 1000);
  EXPECT_EQ(problems(verify()), (std::vector<std::string>{"object-changed bookstore-full.tar.gz",
                                                          "tarball-broken bookstore-full.tar.gz"}));
}

TEST_F(Verify, OneChangedByteOfAnUnsignedTarballIsFound) {
  change(layout().backup_contents(kBackup), 1000);
  EXPECT_EQ(problems(verify()), (std::vector<std::string>{"tarball-broken bookstore-full.tar.gz"}));
}

TEST_F(Verify, FilesThatAreGoneReplacedOrNewAreNamed) {
  sign();
  ASSERT_TRUE(store_->objects().remove(layout().backup_log(kBackup)));
  ASSERT_TRUE(store_->objects().put("backups/bookstore-full/extra", "x"));
  // Another backup's, which can be read all the same.
  const Bytes other = store_->objects().get(layout().backup_results("cluster-all")).value();
  ASSERT_TRUE(store_->objects().put(layout().backup_results(kBackup), other + Bytes()));
  change(layout().backup_metadata(kBackup), 3);
  const auto found = problems(verify());
  EXPECT_NE(std::find(found.begin(), found.end(), "object-missing bookstore-full-logs.gz"),
            found.end());
  EXPECT_NE(std::find(found.begin(), found.end(), "object-added extra"), found.end());
  EXPECT_NE(std::find(found.begin(), found.end(), "object-changed velero-backup.json"),
            found.end());
}

TEST_F(Verify, AManifestWithAChangedDigestIsBroken) {
  sign();
  const std::string key = layout().backup_manifest(kBackup);
  Bytes manifest = store_->objects().get(key).value();
  const auto at = manifest.find("\"sha256\":\"") + 10;
  manifest[at] = manifest[at] == '0' ? '1' : '0';
  ASSERT_TRUE(store_->objects().put(key, manifest));
  const BackupVerdict verdict = verify();
  EXPECT_EQ(verdict.manifest, ManifestState::Broken);
  EXPECT_EQ(problems(verdict),
            (std::vector<std::string>{"manifest-broken bookstore-full-manifest.jsonl"}));
}

TEST_F(Verify, AManifestSignedAnewByAnotherIsNotTrusted) {
  sign();
  options_.trusted.keys = {Ed25519Key::generate(rng_).value().public_key()};
  const BackupVerdict verdict = verify();
  EXPECT_EQ(verdict.manifest, ManifestState::Untrusted);
  EXPECT_EQ(problems(verdict),
            (std::vector<std::string>{"manifest-untrusted bookstore-full-manifest.jsonl"}));
}

TEST_F(Verify, WhatThisClusterSignedMustStillBeSignedAndTheSame) {
  options_.signed_backup = SignedBackup{.sha256 = sign()};
  EXPECT_EQ(problems(verify()), std::vector<std::string>());
  // Signed again with the right key, after a change: only the ledger tells.
  change(layout().backup_results(kBackup), 4);
  sign();
  const auto again = problems(verify());
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.front(), "manifest-changed bookstore-full-manifest.jsonl");
  ASSERT_TRUE(store_->objects().remove(layout().backup_manifest(kBackup)));
  EXPECT_EQ(problems(verify()).front(), "manifest-missing bookstore-full-manifest.jsonl");
}

TEST_F(Verify, ABackupThatIsNotThereIsMissing) {
  EXPECT_EQ(problems(verify("never-was")),
            (std::vector<std::string>{"backup-missing velero-backup.json"}));
}

TEST(FindRemoved, TheLedgerOfThisClusterNamesWhatIsGone) {
  const SignedBackups ledger{{"a", {}}, {"b", {}}};
  const auto findings = find_removed(ledger, {}, {"b", "c"}, TimePoint());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "backup-removed");
  EXPECT_EQ(findings[0].object, "a");
  EXPECT_EQ(findings[0].level, FindingLevel::Problem);
}

TEST(FindRemoved, WithoutALedgerTheNewestManifestTellsWhatHadNotExpired) {
  const TimePoint now = parse_rfc3339("2026-11-22T00:00:00Z").value();
  const Manifest old{
      .backup = "old", .signed_at = now - std::chrono::hours(48), .present = {{"x", {}}}};
  const Manifest recent{.backup = "recent",
                        .signed_at = now - std::chrono::hours(1),
                        .present = {{"old", {}},
                                    {"expired", {.expiration = now - std::chrono::hours(1)}},
                                    {"gone", {.expiration = now + std::chrono::hours(1)}}}};
  const auto findings = find_removed({}, {old, recent}, {"old", "recent"}, now);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "backup-gone");
  EXPECT_EQ(findings[0].object, "gone");
  EXPECT_EQ(findings[0].level, FindingLevel::Note);
}

TEST(Rotation, EachBackupIsInExactlyOnePart) {
  std::vector<std::size_t> sizes(7);
  for (int i = 0; i < 700; ++i) {
    const std::string name = fmt::format("nightly-{}", i);
    std::size_t parts = 0;
    for (std::size_t n = 1; n <= 7; ++n) {
      if (!in_part(name, n, 7)) continue;
      ++parts;
      ++sizes[n - 1];
    }
    EXPECT_EQ(parts, 1U);
  }
  for (const std::size_t size : sizes)
    EXPECT_GT(size, 60U);
}

TEST(Manifest, ComesBackAsItWasWritten) {
  const TimePoint now = parse_rfc3339("2026-11-22T10:00:00Z").value();
  const Manifest manifest{.backup = "b",
                          .uid = "u",
                          .cluster = "c",
                          .signed_at = now,
                          .expiration = now + std::chrono::hours(720),
                          .objects = {{"b.tar.gz", 7, "ab"}},
                          .previous = "a",
                          .present = {{"a", {.sha256 = "cd", .signed_at = now}}}};
  EXPECT_EQ(parse_manifest(manifest_json(manifest)).value(), manifest);
}

}  // namespace
}  // namespace lateen::assurance
