// Backups that come by themselves, and go by themselves when their time is over.
#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using Names = std::vector<std::string>;
using std::chrono::seconds;

class ScheduleVoyage : public Voyage<ScheduleVoyage> {
 public:
  static Words server_flags() {
    return {"--garbage-collection-frequency", "1s", "--backup-sync-period", "1s"};
  }

 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().apply(R"(
apiVersion: v1
kind: Namespace
metadata: {name: quay}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: tide, namespace: quay}
data: {level: high}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: quay}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer, namespace: quay}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: writer, image: busybox, command: [/bin/sh, -c, "echo kept > /data/file; exec sleep 3600"],
       volumeMounts: [{name: data, mountPath: /data}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
)");
    harbour().must_kubectl({"-n", "quay", "wait", "--for=condition=Ready", "pod/writer"});
  }

  static Names backups_of(const std::string& schedule) {
    return harbour().names(
        {"-n", "velero", "backups.velero.io", "-l", "velero.io/schedule-name=" + schedule});
  }

  static std::size_t stored_snapshots() {
    const Outcome found = run_program({"find", harbour().sandbox_dir().string(), "-path",
                                       "*/snapshots/*", "-name", "snapshot.json"});
    EXPECT_TRUE(found.ok()) << found.story();
    return split_trimmed(found.out, '\n').size();
  }
};

TEST_F(ScheduleVoyage, ASchedulesBackupsBearItsNameAndLabelsUntilItIsPaused) {
  harbour().must_lateen({"schedule", "create", "often", "--schedule", "@every 2s",
                         "--include-namespaces", "quay", "--include-resources", "configmaps",
                         "--ttl", "1h", "--labels", "scheme=test"});
  wait_until("a backup of the schedule has completed", [] {
    const Names names = backups_of("often");
    return !names.empty() && phase_of("backups", names.front()) == "Completed";
  });
  const Names names = backups_of("often");
  ASSERT_FALSE(names.empty());
  const std::string& name = names.front();
  EXPECT_TRUE(name.starts_with("often-20")) << name;
  EXPECT_EQ(name.size(), std::string("often-20261122103737").size()) << name;
  const Json backup = velero("backups", name);
  EXPECT_EQ(as_text(find(find(backup, "metadata.labels"), JsonKey{"velero.io/schedule-name"})),
            "often");
  EXPECT_EQ(string_at(backup, "metadata.labels.scheme"), "test");
  EXPECT_EQ(string_at(backup, "spec.ttl"), "1h0m0s");

  EXPECT_EQ(harbour().must_lateen({"schedule", "pause", "often"}),
            "Schedule often paused successfully\n");
  const std::string table = harbour().must_lateen({"schedule", "get", "often"});
  EXPECT_NE(table.find("true"), std::string::npos) << table;
  // One that was on its way when the pause came may still appear; then no more.
  wait_until("the schedule's backups have ended", [] {
    const Names now = backups_of("often");
    return std::all_of(now.begin(), now.end(), [](const std::string& one) {
      return phase_of("backups", one) == "Completed";
    });
  });
  server().stop();
  const Names paused = backups_of("often");
  start_server();  // which looks at every schedule at once
  EXPECT_EQ(backups_of("often"), paused);

  EXPECT_EQ(harbour().must_lateen({"schedule", "unpause", "often"}),
            "Schedule often unpaused successfully\n");
  wait_until("there is one more", [&] { return backups_of("often").size() > paused.size(); });
  EXPECT_EQ(harbour().must_lateen({"schedule", "delete", "often", "--confirm"}),
            "Schedule deleted: often\n");
  EXPECT_EQ(harbour().find({"-n", "velero", "schedules.velero.io", "often"}), std::nullopt);
  EXPECT_FALSE(backups_of("often").empty()) << "its backups are kept";
}

TEST_F(ScheduleVoyage, ARestoreTakesTheNewestBackupOfASchedule) {
  harbour().must_lateen({"schedule", "create", "yearly", "--schedule", "0 0 1 1 *",
                         "--include-namespaces", "quay", "--include-resources", "configmaps"});
  back_up("yearly-1", {"--from-schedule", "yearly"});
  harbour().must_kubectl({"-n", "quay", "patch", "configmap", "tide", "--type", "merge", "-p",
                          R"({"data":{"level":"low"}})"});
  back_up("yearly-2", {"--from-schedule", "yearly"});
  restore("newest", {"--from-schedule", "yearly", "--namespace-mappings", "quay:newest"});
  EXPECT_EQ(string_at(velero("restores", "newest"), "spec.backupName"), "yearly-2");
  EXPECT_EQ(string_at(harbour().get({"-n", "newest", "configmap", "tide"}), "data.level"), "low");
}

TEST_F(ScheduleVoyage, AScheduleThatCannotBeReadSaysWhy) {
  harbour().must_lateen({"schedule", "create", "broken", "--schedule", "0 99 * * *"});
  wait_until("the schedule has failed validation",
             [] { return phase_of("schedules", "broken") == "FailedValidation"; });
  const std::string told = harbour().must_lateen({"schedule", "describe", "broken"});
  EXPECT_NE(told.find("invalid schedule: end of range (99) above maximum (23): 99"),
            std::string::npos)
      << told;
}

// `kubectl describe` shows them.
TEST_F(ScheduleVoyage, WhatHappensIsAnEventOnItsObject) {
  back_up("told", {"--include-namespaces", "quay", "--include-resources", "configmaps"});
  const auto reasons = [](const std::string& name) {
    return harbour().must_kubectl({"-n", "velero", "get", "events", "--field-selector",
                                   "involvedObject.name=" + name, "-o",
                                   "jsonpath={.items[*].reason}"});
  };
  wait_until("the backup's Events are there", [&] {
    const std::string seen = reasons("told");
    return seen.find("BackupStarted") != std::string::npos &&
           seen.find("BackupCompleted") != std::string::npos;
  });
  harbour().must_lateen({"schedule", "create", "unreadable", "--schedule", "0 99 * * *"});
  wait_until("the schedule's Event is there", [&] {
    return reasons("unreadable").find("ScheduleFailedValidation") != std::string::npos;
  });
}

TEST_F(ScheduleVoyage, AWideTableSaysWhenAScheduleRunsNext) {
  harbour().must_lateen({"schedule", "create", "rare", "--schedule", "CRON_TZ=UTC 0 0 29 2 *"});
  wait_until("the schedule says it",
             [] { return !string_at(velero("schedules", "rare"), "status.nextRun").empty(); });
  const std::string table = harbour().must_lateen({"schedule", "get", "rare", "-o", "wide"});
  EXPECT_NE(table.find("NEXT RUN"), std::string::npos) << table;
  EXPECT_NE(table.find("-02-2"), std::string::npos) << table;
}

TEST_F(ScheduleVoyage, ABackupWhoseTimeIsOverGoesWithItsFilesAndItsSnapshot) {
  const std::size_t before = stored_snapshots();
  back_up("brief", {"--include-namespaces", "quay", "--ttl", "1h"});
  EXPECT_EQ(stored_snapshots(), before + 1);
  const Json brief = velero("backups", "brief");
  const auto started = parse_rfc3339(string_at(brief, "status.startTimestamp"));
  const auto expires = parse_rfc3339(string_at(brief, "status.expiration"));
  ASSERT_TRUE(started && expires) << write_json(brief);
  EXPECT_LE(std::chrono::abs(*expires - *started - std::chrono::hours(1)), seconds(30));
  restore("of-brief", {"--from-backup", "brief", "--include-resources", "configmaps",
                       "--namespace-mappings", "quay:of-brief"});
  // As if the hour were over.
  harbour().must_kubectl({"-n", "velero", "patch", "backups.velero.io", "brief", "--type", "merge",
                          "-p", R"({"status":{"expiration":"2026-01-01T00:00:00Z"}})"});
  wait_until("the backup is gone", [] {
    return !harbour().find({"-n", "velero", "backups.velero.io", "brief"}).has_value();
  });
  EXPECT_FALSE(path_exists(backup_dir("brief")));
  wait_until("its snapshot is gone", [&] { return stored_snapshots() == before; });
  wait_until("no snapshot object is left",
             [] { return harbour().names({"volumesnapshotcontents"}).empty(); });
  wait_until("its restore is gone", [] {
    return !harbour().find({"-n", "velero", "restores.velero.io", "of-brief"}).has_value();
  });
  EXPECT_FALSE(path_exists(bucket() / "restores/of-brief"));
  EXPECT_EQ(string_at(harbour().get({"-n", "of-brief", "configmap", "tide"}), "kind"), "ConfigMap")
      << "what it restored is nobody's to take away";
}

TEST_F(ScheduleVoyage, DeletingABackupTakesItsFilesAndItsSnapshot) {
  const std::size_t before = stored_snapshots();
  back_up("doomed", {"--include-namespaces", "quay"});
  EXPECT_EQ(stored_snapshots(), before + 1);
  const Outcome refused = harbour().lateen({"backup", "delete", "doomed"}, "n\n");
  EXPECT_NE(refused.out.find("Are you sure"), std::string::npos) << refused.story();
  const std::string said = harbour().must_lateen({"backup", "delete", "doomed", "--confirm"});
  EXPECT_NE(said.find("Request to delete backup \"doomed\" submitted successfully."),
            std::string::npos);
  wait_until("the backup is gone", [] {
    return !harbour().find({"-n", "velero", "backups.velero.io", "doomed"}).has_value();
  });
  EXPECT_FALSE(path_exists(backup_dir("doomed")));
  wait_until("its snapshot is gone", [&] { return stored_snapshots() == before; });
}

}  // namespace
}  // namespace lateen::voyages
