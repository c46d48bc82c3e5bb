// RestoreDrill, and its reader and writer.
#include "model/codec.h"
#include "model/crd_schema.h"
#include "model/restore_drill.h"

namespace lateen::model {

template Result<RestoreDrill> from_json(const Json&);
template Json to_json(const RestoreDrill&);
template Json to_json_untyped(const RestoreDrill&);
template Json to_json(const DrillRun&);
template Json to_json(const DrillCheckResult&);
template Json to_json(const DrillCheck&);

namespace schema {
namespace {

Json drill_check() {
  const Json expect =
      object({{"contains", text()}, {"equals", text()}, {"minimum", int64()}, {"sha256", text()}});
  return object({{"command", texts()},
                 {"container", text()},
                 {"database", text()},
                 {"engine", one_of({"postgres", "mysql"})},
                 {"expect", expect},
                 {"host", text()},
                 {"minimum", int64()},
                 {"name", text()},
                 {"namespace", text()},
                 {"path", text()},
                 {"pod", text()},
                 {"port", int64()},
                 {"query", text()},
                 {"scheme", one_of({"http", "https"})},
                 {"selector", text()},
                 {"timeout", nullable(duration())},
                 {"type", one_of({"podsReady", "claimsBound", "exec", "sql", "http", "file"})},
                 {"user", text()}},
                {"type"});
}

Json drill_run() {
  const Json check = object({{"message", text()},
                             {"name", text()},
                             {"observed", text()},
                             {"passed", boolean()},
                             {"type", text()}});
  const Json evidence = object({{"html", text()},
                                {"json", text()},
                                {"keyID", text()},
                                {"location", text()},
                                {"sha256", text()}});
  return object({{"backup", text()},
                 {"checks", nullable(list_of(check))},
                 {"completionTimestamp", time()},
                 {"evidence", evidence},
                 {"id", text()},
                 {"message", text()},
                 {"namespaces", text_map()},
                 {"phase", one_of<DrillPhase>()},
                 {"recoveryTime", nullable(duration())},
                 {"restore", text()},
                 {"startTimestamp", time()},
                 {"step", text()},
                 {"tornDown", boolean()}});
}

}  // namespace

KindSchema restore_drill() {
  const Json source = object({{"backupName", text()}, {"scheduleName", text()}});
  return {.spec = object({{"checks", list_of(drill_check())},
                          {"excludedResources", texts()},
                          {"includedNamespaces", texts()},
                          {"maxRecoveryTime", nullable(duration())},
                          {"namespacePrefix", text()},
                          {"network", one_of({"DenyAll", "Open"})},
                          {"paused", boolean()},
                          {"schedule", text()},
                          {"source", source},
                          {"timeout", nullable(duration())}},
                         {"source"}),
          .status = object({{"lastPassed", time()},
                            {"lastRun", time()},
                            {"nextRun", time()},
                            {"phase", one_of<DrillPhase>()},
                            {"runRequested", text()},
                            {"runs", nullable(list_of(drill_run()))},
                            {"validationErrors", nullable_texts()}})};
}

}  // namespace schema
}  // namespace lateen::model
