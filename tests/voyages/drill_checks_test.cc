// What a drill can ask of what it has restored, besides PostgreSQL: MySQL's rows and a page; the
// drill of people who have Velero alone, which runs as a plain CronJob; and `verify --data`.
#include <filesystem>

#include "base/file.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

// A MariaDB on a volume, flushed before its snapshot, and a web server beside it.
constexpr std::string_view kTill = R"(
apiVersion: v1
kind: Namespace
metadata: {name: till}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: till}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: db
  namespace: till
  labels: {app: db}
  annotations:
    pre.hook.backup.velero.io/container: mariadb
    pre.hook.backup.velero.io/command: '["mysql", "-e", "FLUSH TABLES; FLUSH ENGINE LOGS"]'
spec:
  terminationGracePeriodSeconds: 20
  containers:
    - name: mariadb
      image: mariadb:10.11
      command:
        - /bin/sh
        - -c
        - |
          set -e
          PATH="$PATH:/usr/sbin"
          test -d /data/mysql || mariadb-install-db --datadir=/data --skip-test-db --auth-root-authentication-method=normal >/dev/null
          exec mariadbd --no-defaults --user=root --datadir=/data --socket=/run/mysqld/mysqld.sock --skip-networking --innodb-buffer-pool-size=8M
      readinessProbe: {exec: {command: [mysql, -e, "SELECT 1"]}, periodSeconds: 1, timeoutSeconds: 5}
      volumeMounts: [{name: data, mountPath: /data}, {name: run, mountPath: /run/mysqld}]
    - name: web
      image: perl:5
      env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
      command:
        - perl
        - -MIO::Socket::INET
        - -e
        - |
          my $listener = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die "listen: $@";
          while (my $client = $listener->accept) {
            while (my $line = <$client>) { last if $line =~ /^\r?\n$/ }
            print $client "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nall is ok\n";
            close $client;
          }
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}, {name: run, emptyDir: {}}]
)";

constexpr std::string_view kNightly = R"(
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: till, namespace: velero}
spec: {schedule: "0 2 1 1 *", template: {includedNamespaces: [till]}}
)";

class DrillChecksVoyage : public Voyage<DrillChecksVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    if (HasFailure()) return;
    ASSERT_TRUE(run_program({"sh", "-c", "command -v mysql"}).ok())
        << "the till needs MariaDB (Debian: mariadb-server-core, mariadb-client-core)";
    harbour().apply(kTill);
    harbour().apply(kNightly);
    harbour().must_kubectl(
        {"-n", "till", "wait", "--for=condition=Ready", "pod/db", "--timeout=120s"});
    harbour().must_kubectl({"-n", "till", "exec", "db", "-c", "mariadb", "--", "mysql", "-e",
                            "CREATE DATABASE shop; CREATE TABLE shop.books (id INT PRIMARY KEY); "
                            "INSERT INTO shop.books VALUES (1), (2), (3)"});
  }
};

TEST_F(DrillChecksVoyage, MysqlsRowsAndAPageAreAskedOfWhatWasRestored) {
  back_up("sales", {"--from-schedule", "till"});
  EXPECT_EQ(int_at(velero("backups", "sales"), "status.hookStatus.hooksAttempted"), 1);
  const Outcome drill = harbour().lateen(
      {"drill", "create", "sales", "--from-backup", "sales", "--wait", "--check",
       "{name: rows, type: sql, engine: mysql, pod: db, container: mariadb, user: root, database: "
       "shop, query: SELECT count(*) FROM books, expect: {equals: \"3\"}}",
       "--check",
       "{name: front, type: http, pod: db, container: web, port: 8080, path: /, expect: {contains: "
       "all is ok}}"});
  EXPECT_EQ(drill.code, 0) << drill.story();
  EXPECT_NE(drill.out.find("✓ rows (sql): 3"), std::string::npos) << drill.story();
  EXPECT_NE(drill.out.find("✓ front (http)"), std::string::npos) << drill.story();

  const Outcome wrong = harbour().lateen(
      {"drill", "create", "wrong", "--from-backup", "sales", "--wait", "--namespace-prefix",
       "wrong", "--check",
       "{name: front, type: http, pod: db, container: web, port: 8081, path: /, timeout: 2s}"});
  EXPECT_EQ(wrong.code, 2) << wrong.story();
  EXPECT_NE(wrong.out.find("check front failed"), std::string::npos) << wrong.story();
}

TEST_F(DrillChecksVoyage, TheExportedCronJobDrillsWithKubectlAlone) {
  back_up("exported", {"--from-schedule", "till"});
  const auto drill = [](const std::string& name, const std::string& expected) {
    const std::string objects = harbour().must_lateen(
        {"drill", "export-cronjob", "--from-schedule", "till", "--source-namespace", "till",
         "--selector", "app=db", "--query", "mysql -N -B -e 'SELECT count(*) FROM shop.books'",
         "--expect", expected});
    harbour().apply(objects);
    harbour().must_kubectl(
        {"-n", "velero", "create", "job", name, "--from=cronjob/velero-restore-drill"});
    const auto count = [&name](const char* field) {
      return int_at(harbour().get({"-n", "velero", "job", name}), field).value_or(0);
    };
    wait_until(
        "job " + name + " has ended",
        [&] { return count("status.succeeded") + count("status.failed") > 0; },
        std::chrono::seconds(240));
    const std::string log =
        harbour().must_kubectl({"-n", "velero", "logs", "job/" + name, "--tail=-1"});
    EXPECT_EQ(log.find("forbidden"), std::string::npos) << log;
    for (const std::string& ns : harbour().names({"namespaces"}))
      EXPECT_FALSE(ns.starts_with("restore-test")) << log;
    return fmt::format("{} {}", count("status.succeeded") > 0 ? "passed:" : "failed:", log);
  };
  const std::string passed = drill("right", "3");
  EXPECT_TRUE(passed.starts_with("passed:")) << passed;
  EXPECT_NE(passed.find("DRILL PASSED: 3"), std::string::npos) << passed;
  const std::string failed = drill("wrong", "4");
  EXPECT_TRUE(failed.starts_with("failed:")) << failed;
  EXPECT_EQ(harbour().names({"-n", "velero", "restores.velero.io"}), std::vector<std::string>());
}

// The biggest file below a folder.
FilePath biggest_below(const FilePath& folder) {
  FilePath biggest;
  std::uintmax_t size = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.file_size() <= size) continue;
    biggest = entry.path();
    size = entry.file_size();
  }
  return biggest;
}

TEST_F(DrillChecksVoyage, VerifyReadsTheDataOfVolumesWhenItIsToldTo) {
  const auto agent = start_node_agent(harbour());
  ASSERT_NE(agent, nullptr);
  back_up("files", {"--include-namespaces", "till", "--default-volumes-to-fs-backup"});
  const Outcome whole = harbour().lateen({"verify", "files", "--data"});
  EXPECT_EQ(whole.code, 0) << whole.story();

  const FilePath pack = biggest_below(bucket() / "kopia");
  std::string bytes = text_of(pack);
  bytes[bytes.size() / 2] ^= 1;
  write_text(pack, bytes);
  const Outcome quick = harbour().lateen({"verify", "files"});
  EXPECT_EQ(quick.code, 0) << quick.story();
  const Outcome thorough = harbour().lateen({"verify", "files", "--data"});
  EXPECT_EQ(thorough.code, 2) << thorough.story();
  EXPECT_NE(thorough.out.find(pack.filename().string()), std::string::npos) << thorough.story();
}

}  // namespace
}  // namespace lateen::voyages
