// What is wrong is said: what failed, on what, and why, with an exit code that says so too.
#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

class BadInputVoyage : public Voyage<BadInputVoyage> {
 public:
  static Words server_flags() {
    return {"--store-validation-frequency", "1s", "--backup-sync-period", "1s"};
  }

 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().apply(R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {a: b}
)");
    back_up("shop", {"--include-namespaces", "shop"});
  }

  // It fails with this exit code (10: not found), and says all of this on stderr.
  static void expect_refused(const Outcome& ran,
                             const std::vector<std::string>& words,
                             int code = 1) {
    EXPECT_EQ(ran.code, code) << ran.story();
    EXPECT_TRUE(ran.err.find("An error occurred: ") != std::string::npos) << ran.story();
    for (const std::string& word : words)
      EXPECT_NE(ran.err.find(word), std::string::npos)
          << "no \"" << word << "\" in " << ran.story();
  }

  static Outcome with_kubeconfig(const std::string& text, Words args) {
    const FilePath file = harbour().dir() / "kubeconfig.bad";
    write_text(file, text);
    args.insert(args.end(), {"--kubeconfig", file.string()});
    return harbour().lateen(args);
  }

  static std::string kubeconfig() { return text_of(harbour().kubeconfig()); }

  // The backup `shop` under another name in the bucket, with this tarball; in the cluster by sync.
  static void plant(const std::string& name, const std::string& tarball) {
    const FilePath dir = backup_dir(name);
    ASSERT_TRUE(make_dirs(dir));
    write_text(dir / (name + ".tar.gz"), tarball);
    Json metadata = *parse_json(text_of(backup_dir("shop") / "velero-backup.json"));
    ensure(metadata, "metadata.name") = name;
    erase(metadata, "metadata.uid");
    write_text(dir / "velero-backup.json", write_json(metadata));
    wait_until("backup " + name + " has been synced",
               [&] { return phase_of("backups", name) == "Completed"; });
  }

  static std::string tarball() { return text_of(backup_dir("shop") / "shop.tar.gz"); }

  static std::string failure_of_restore(const std::string& name) {
    EXPECT_EQ(phase_of("restores", name), "Failed");
    return std::string(string_at(velero("restores", name), "status.failureReason"));
  }
};

TEST_F(BadInputVoyage, ABrokenKubeconfigIsNamedWithTheLine) {
  expect_refused(with_kubeconfig("apiVersion: v1\nclusters: [", {"backup", "get"}),
                 {"kubeconfig.bad", "is not valid", "line"});
  expect_refused(with_kubeconfig("just words", {"backup", "get"}), {"kubeconfig.bad"});
}

TEST_F(BadInputVoyage, AMissingKubeconfigAndAnUnknownContextAreNamed) {
  expect_refused(harbour().lateen({"backup", "get", "--kubeconfig", "/nowhere/config"}),
                 {"/nowhere/config"});
  expect_refused(harbour().lateen({"backup", "get", "--kubecontext", "elsewhere"}),
                 {"context \"elsewhere\" does not exist"});
}

TEST_F(BadInputVoyage, WrongCredentialsAreRefusedAsSuch) {
  std::string config = kubeconfig();
  std::string lines;
  for (const std::string_view line : split(config, '\n')) {
    if (line.find("client-certificate") != std::string_view::npos) continue;
    if (line.find("client-key") != std::string_view::npos) {
      lines += "    token: not-a-token\n";
      continue;
    }
    lines += std::string(line) + "\n";
  }
  expect_refused(with_kubeconfig(lines, {"backup", "get"}), {"Unauthorized"});
}

TEST_F(BadInputVoyage, AClusterThatIsNotThereIsNamedWithItsAddress) {
  const Outcome ran = with_kubeconfig(
      "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
      "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
      "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n",
      {"backup", "get"});
  expect_refused(ran, {"127.0.0.1:1"});
}

TEST_F(BadInputVoyage, ANamespaceWithoutVeleroIsToldApartFromAnEmptyOne) {
  const Outcome ran = harbour().lateen({"server", "--metrics-address", "", "-n", "nowhere"});
  expect_refused(ran, {"namespace nowhere does not exist", "kubectl create namespace nowhere"});
}

TEST_F(BadInputVoyage, UnknownCommandsAndFlagsAreNamed) {
  expect_refused(harbour().lateen({"bakcup"}), {"unknown command \"bakcup\""});
  expect_refused(harbour().lateen({"backup", "get", "--no-such-flag"}),
                 {"unknown flag: --no-such-flag"});
  expect_refused(harbour().lateen({"backup", "create", "x", "--ttl", "soon"}),
                 {"--ttl", "\"soon\""});
  expect_refused(harbour().lateen({"backup", "get", "-o", "xml"}), {"xml"});
}

TEST_F(BadInputVoyage, NamesThatExistAndNamesThatDoNotAreNamed) {
  expect_refused(harbour().lateen({"backup", "create", "shop"}),
                 {"backups.velero.io \"shop\" already exists"});
  expect_refused(harbour().lateen({"backup-location", "create", "default", "--provider",
                                   "filesystem", "--bucket", "x"}),
                 {"backupstoragelocations.velero.io \"default\" already exists"});
  expect_refused(harbour().lateen({"backup", "logs", "nope"}), {"backup \"nope\" does not exist"},
                 10);
  expect_refused(harbour().lateen({"restore", "create", "--from-backup", "nope"}),
                 {"backups.velero.io \"nope\" not found"}, 10);
  expect_refused(harbour().lateen({"backup", "create", "Not_A_Name"}), {"Not_A_Name"});
}

TEST_F(BadInputVoyage, ABackupOfContradictionsFailsValidation) {
  expect_refused(harbour().lateen({"backup", "create", "both", "--include-namespaces", "shop",
                                   "--exclude-namespaces", "shop"}),
                 {"shop"});
  expect_refused(harbour().lateen({"backup", "create", "nowhere", "--storage-location", "nowhere"}),
                 {"backupstoragelocations.velero.io \"nowhere\" not found"}, 10);
}

TEST_F(BadInputVoyage, AUnreachableLocationIsUnavailableAndTakesNoBackups) {
  const std::string missing = (harbour().dir() / "not-there").string();
  harbour().must_lateen({"backup-location", "create", "lost", "--provider", "filesystem",
                         "--bucket", "lost", "--config", "path=" + missing});
  wait_until("the location is Unavailable", [] {
    return string_at(harbour().get({"-n", "velero", "backupstoragelocations", "lost"}),
                     "status.phase") == "Unavailable";
  });
  const std::string why(string_at(harbour().get({"-n", "velero", "backupstoragelocations", "lost"}),
                                  "status.message"));
  EXPECT_NE(why.find(missing), std::string::npos) << why;
  EXPECT_NE(harbour().must_lateen({"backup-location", "get"}).find("Unavailable"),
            std::string::npos);
  back_up("lost", {"--storage-location", "lost"}, "FailedValidation");
  const std::string told = harbour().must_lateen({"backup", "describe", "lost"});
  EXPECT_NE(told.find("lost"), std::string::npos) << told;
  EXPECT_NE(told.find("navailable"), std::string::npos) << told;
}

TEST_F(BadInputVoyage, ALocationThatGoesAndComesBackIsToldAndUsedAgain) {
  ASSERT_TRUE(rename_file(bucket(), harbour().dir() / "away"));
  wait_until("the location is Unavailable", [] { return location_phase() == "Unavailable"; });
  EXPECT_NE(phase_of("backups", "shop"), "") << "a backup was dropped as its bucket was away";
  ASSERT_TRUE(rename_file(harbour().dir() / "away", bucket()));
  wait_until("the location is Available", [] { return location_phase() == "Available"; });
  back_up("again", {"--include-namespaces", "shop"});
}

TEST_F(BadInputVoyage, ATruncatedTarballIsNotRestored) {
  plant("cut", tarball().substr(0, tarball().size() / 2));
  restore("cut", {"--from-backup", "cut", "--namespace-mappings", "shop:cut"}, "Failed");
  const std::string why = failure_of_restore("cut");
  EXPECT_NE(why.find("cut.tar.gz"), std::string::npos) << why;
  EXPECT_NE(harbour().must_lateen({"restore", "describe", "cut"}).find(why.substr(0, 40)),
            std::string::npos);
  EXPECT_EQ(harbour().find({"namespace", "cut"}), std::nullopt) << "half of it was restored";
}

TEST_F(BadInputVoyage, WhatIsNoTarballIsNotRestored) {
  plant("words", "these are only words");
  restore("words", {"--from-backup", "words"}, "Failed");
  EXPECT_NE(failure_of_restore("words").find("words.tar.gz"), std::string::npos);
}

TEST_F(BadInputVoyage, AHostileTarballReachesNothing) {
  const FilePath dir = harbour().dir() / "hostile";
  const FilePath inside = dir / "resources/configmaps/namespaces/shop";
  ASSERT_TRUE(make_dirs(inside));
  ASSERT_TRUE(make_dirs(dir / "metadata"));
  write_text(dir / "metadata/version", "1.1.0\n");
  write_text(inside / "settings.json",
             R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings",)"
             R"("namespace":"shop"},"data":{"a":"b"}})");
  // An object whose file says another name, kind and namespace than its path.
  write_text(inside / "liar.json",
             R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"token",)"
             R"("namespace":"kube-system"},"data":{}})");
  const FilePath target = harbour().dir() / "target";
  write_text(target, "untouched");
  const Outcome packed = run_program(
      {"tar", "czPf", (dir / "h.tar.gz").string(), "-C", dir.string(), "--transform",
       "s,escape.json,resources/configmaps/namespaces/../../../../../target,", "metadata/version",
       "resources", "--transform", "s,^/.*/target$,/tmp/lateen-escaped,", target.string()});
  ASSERT_TRUE(packed.ok()) << packed.story();
  plant("hostile", text_of(dir / "h.tar.gz"));
  harbour().lateen({"restore", "create", "hostile", "--from-backup", "hostile",
                    "--namespace-mappings", "shop:hostile", "--wait"});
  const std::string phase = phase_of("restores", "hostile");
  EXPECT_TRUE(phase == "PartiallyFailed" || phase == "Failed") << phase;
  EXPECT_EQ(text_of(target), "untouched");
  EXPECT_FALSE(path_exists("/tmp/lateen-escaped"));
  EXPECT_EQ(harbour().find({"-n", "kube-system", "secret", "token"}), std::nullopt);
  EXPECT_TRUE(server().runs());
}

TEST_F(BadInputVoyage, ALocationWithStrangersInItIsNotUsed) {
  const FilePath strange = harbour().dir() / "strange/photos";
  ASSERT_TRUE(make_dirs(strange / "holidays"));
  write_text(strange / "holidays/beach.jpg", "sand");
  harbour().must_lateen({"backup-location", "create", "strange", "--provider", "filesystem",
                         "--bucket", "photos", "--config",
                         "path=" + (harbour().dir() / "strange").string()});
  wait_until("the location is Unavailable", [] {
    return string_at(harbour().get({"-n", "velero", "backupstoragelocations", "strange"}),
                     "status.phase") == "Unavailable";
  });
  const std::string why(string_at(
      harbour().get({"-n", "velero", "backupstoragelocations", "strange"}), "status.message"));
  EXPECT_NE(why.find("Backup store contains invalid top-level directories: [holidays]"),
            std::string::npos)
      << why;
}

}  // namespace
}  // namespace lateen::voyages
