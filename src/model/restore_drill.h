// The RestoreDrill kind, Lateen's own (lateen.io/v1): a restore that is only tried, in namespaces
// of its own, checked, measured and removed again. With a cron line it is run again and again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/object_meta.h"
#include "model/open_enum.h"

namespace lateen::model {

inline constexpr std::string_view kLateenGroup = "lateen.io";

// A run is Passed only when every check was, in the time that was allowed.
enum class DrillPhase { Unset, New, FailedValidation, InProgress, Passed, Failed, Unknown };

template <>
struct EnumWords<DrillPhase> {
  using enum DrillPhase;
  static constexpr EnumWord<DrillPhase> kWords[] = {{Unset, ""},
                                                    {New, "New"},
                                                    {FailedValidation, "FailedValidation"},
                                                    {InProgress, "InProgress"},
                                                    {Passed, "Passed"},
                                                    {Failed, "Failed"}};
};

// Exactly one of the two: the newest Completed backup of a schedule, or a backup by its name.
struct DrillSource {
  std::string schedule_name = {};
  std::string backup_name = {};
  JsonObject unknown = {};

  bool operator==(const DrillSource&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("scheduleName", self.schedule_name);
    visit("backupName", self.backup_name);
  }
};

// What an answer must be. All that are given must hold; none: an exit code of 0 (a status of 200)
// is enough. Blanks around the answer do not count.
struct DrillExpectation {
  std::string equals = {};
  std::string contains = {};
  std::string sha256 = {};                   // of the answer as it came, in hex
  std::optional<std::int64_t> minimum = {};  // the answer is a number, and at least this
  JsonObject unknown = {};

  bool operator==(const DrillExpectation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("equals", self.equals);
    visit("contains", self.contains);
    visit("sha256", self.sha256);
    visit("minimum", self.minimum);
  }
};

// One question to what was restored. Where it is asked: the pod by its name, or the first Ready one
// that the selector matches, in `namespace` as the backup names it (the only one when absent).
struct DrillCheck {
  std::string name = {};
  std::string type = {};  // podsReady, claimsBound, exec, sql, http, file
  std::string ns = {};
  std::string pod = {};
  std::string selector = {};  // "app=db"
  std::string container = {};
  StringList command = {};    // exec
  std::string engine = {};    // sql: postgres (the default), mysql
  std::string host = {};      // sql: a host, or the folder of its socket
  std::string database = {};  // sql
  std::string user = {};      // sql
  std::string query = {};     // sql: one statement; its answer is unaligned text
  std::string path = {};      // http: "/healthz"; file: "/data/ledger.db"
  std::int64_t port = 0;      // http
  std::string scheme = {};    // http: http (the default), https
  std::int64_t minimum = 0;   // podsReady: at least so many pods; claimsBound: claims
  DrillExpectation expect = {};
  std::optional<Duration> timeout = {};  // how long it may be asked again; default 2m
  JsonObject unknown = {};

  bool operator==(const DrillCheck&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("name", self.name);
    visit.always("type", self.type);
    visit("namespace", self.ns);
    visit("pod", self.pod);
    visit("selector", self.selector);
    visit("container", self.container);
    visit("command", self.command);
    visit("engine", self.engine);
    visit("host", self.host);
    visit("database", self.database);
    visit("user", self.user);
    visit("query", self.query);
    visit("path", self.path);
    visit("port", self.port);
    visit("scheme", self.scheme);
    visit("minimum", self.minimum);
    visit("expect", self.expect);
    visit("timeout", self.timeout);
  }
};

struct RestoreDrillSpec {
  std::string schedule = {};  // cron; absent: one run
  bool paused = false;
  DrillSource source = {};
  StringList included_namespaces =
      {};                              // absent: all of the backup's that are not the cluster's own
  StringList excluded_resources = {};  // besides those that every drill leaves out
  std::string namespace_prefix = {};   // default: restore-test
  std::string network = {};            // DenyAll (the default), Open
  std::vector<DrillCheck> checks = {};             // podsReady and claimsBound are always made
  std::optional<Duration> max_recovery_time = {};  // from the start to the last check
  std::optional<Duration> timeout = {};            // of restore and checks; default 1h
  JsonObject unknown = {};

  bool operator==(const RestoreDrillSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("schedule", self.schedule);
    visit("paused", self.paused);
    visit("source", self.source);
    visit("includedNamespaces", self.included_namespaces);
    visit("excludedResources", self.excluded_resources);
    visit("namespacePrefix", self.namespace_prefix);
    visit("network", self.network);
    visit("checks", self.checks);
    visit("maxRecoveryTime", self.max_recovery_time);
    visit("timeout", self.timeout);
  }
};

struct DrillCheckResult {
  std::string name = {};
  std::string type = {};
  bool passed = false;
  std::string observed = {};  // the answer, cut at 512 bytes; never a file's content
  std::string message = {};   // why it did not pass
  JsonObject unknown = {};

  bool operator==(const DrillCheckResult&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("name", self.name);
    visit.always("type", self.type);
    visit.always("passed", self.passed);
    visit("observed", self.observed);
    visit("message", self.message);
  }
};

// Where a run's evidence lies: a signed document in the backup's bucket.
struct DrillEvidence {
  std::string location = {};  // the BackupStorageLocation
  std::string json = {};      // keys in its bucket
  std::string html = {};
  std::string sha256 = {};  // of the JSON document
  std::string key_id = {};  // of the signing key
  JsonObject unknown = {};

  bool operator==(const DrillEvidence&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("location", self.location);
    visit("json", self.json);
    visit("html", self.html);
    visit("sha256", self.sha256);
    visit("keyID", self.key_id);
  }
};

struct DrillRun {
  std::string id = {};  // "20261122-020000"
  OpenEnum<DrillPhase> phase = {};
  std::string step = {};  // while InProgress: Preparing, Restoring, Checking, TearingDown
  std::string backup = {};
  std::string restore = {};
  StringMap namespaces = {};  // as in the backup → as restored
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  std::optional<Duration> recovery_time = {};  // from the start to the last check
  std::vector<DrillCheckResult> checks = {};
  std::string message = {};  // why it failed, in one line
  bool torn_down = false;    // nothing of it is left in the cluster
  DrillEvidence evidence = {};
  JsonObject unknown = {};

  bool operator==(const DrillRun&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("id", self.id);
    visit("phase", self.phase);
    visit("step", self.step);
    visit("backup", self.backup);
    visit("restore", self.restore);
    visit("namespaces", self.namespaces);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("recoveryTime", self.recovery_time);
    visit("checks", self.checks);
    visit("message", self.message);
    visit("tornDown", self.torn_down);
    visit("evidence", self.evidence);
  }
};

struct RestoreDrillStatus {
  OpenEnum<DrillPhase> phase = {};  // of the newest run
  StringList validation_errors = {};
  std::optional<TimePoint> last_run = {};     // when the newest one was begun
  std::optional<TimePoint> last_passed = {};  // when one last passed: what the 90 days count from
  std::optional<TimePoint> next_run = {};
  std::string run_requested = {};   // the last value of the annotation lateen.io/run-drill acted on
  std::vector<DrillRun> runs = {};  // newest first, at most 10
  JsonObject unknown = {};

  bool operator==(const RestoreDrillStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("validationErrors", self.validation_errors);
    visit("lastRun", self.last_run);
    visit("lastPassed", self.last_passed);
    visit("nextRun", self.next_run);
    visit("runRequested", self.run_requested);
    visit("runs", self.runs);
  }
};

struct RestoreDrill {
  static constexpr KindInfo kKind = {
      .group = kLateenGroup, .version = "v1", .kind = "RestoreDrill", .plural = "restoredrills"};

  ObjectMeta metadata = {};
  RestoreDrillSpec spec = {};
  RestoreDrillStatus status = {};
  JsonObject unknown = {};

  bool operator==(const RestoreDrill&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
