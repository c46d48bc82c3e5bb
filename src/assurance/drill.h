// A restore drill, decided before anything is done: which backup, into which namespaces, what of
// it, how changed, and what must be so afterwards. Pure; server/drill_run.h carries it out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/backup.h"
#include "model/restore.h"
#include "model/restore_drill.h"

namespace lateen::assurance {

// What marks all that a drill makes, so that it is found again and removed whatever happened: a
// label with the drill's name, and one with the run.
inline constexpr std::string_view kDrillLabel = "lateen.io/drill";
inline constexpr std::string_view kDrillRunLabel = "lateen.io/drill-run";
// On namespaces: the namespace of the server whose drill it is.
inline constexpr std::string_view kDrillServerLabel = "lateen.io/drill-server";
// A new value on a RestoreDrill asks for a run now.
inline constexpr std::string_view kRunDrillAnnotation = "lateen.io/run-drill";

// What is wrong with it; none if it can be run.
model::StringList drill_problems(const model::RestoreDrillSpec& spec);

// The newest Completed backup of the schedule, or the named one. NotFound says what there is.
Result<model::Backup> choose_drill_backup(const model::DrillSource& source,
                                          const std::vector<model::Backup>& backups);

// Those of the backup that the drill restores: as the spec says, else all but the cluster's own,
// Velero's, and those of drills. InvalidArgument when one that is asked for is not in the backup.
Result<model::StringList> drill_namespaces(const model::RestoreDrillSpec& spec,
                                           const model::StringList& in_backup,
                                           std::string_view server_namespace);

// "restore-test-20261122" for one namespace, with "-<namespace>" behind it for several.
// `suffix` is the date, and the time as well where that is taken.
model::StringMap drill_mapping(const model::RestoreDrillSpec& spec,
                               const model::StringList& namespaces,
                               std::string_view suffix);

// Everything about a run that its objects are made of.
struct DrillNames {
  std::string drill = {};
  std::string run = {};
  std::string server_namespace = {};

  // Of the Restore and of the ConfigMap with its modifiers.
  std::string restore() const;
  Json labels() const;
};

// The Restore: nothing that reaches out of its namespaces or is somebody else's to make (Ingresses,
// webhooks, NetworkPolicies, GitOps tools' objects), nothing that is there already is changed.
model::Restore drill_restore(const DrillNames& names,
                             const model::RestoreDrillSpec& spec,
                             const std::string& backup,
                             const model::StringMap& mapping);

// The modifiers that keep it quiet: CronJobs suspended, GitOps tracking removed, no load balancers.
Json drill_modifiers(const DrillNames& names);

Json drill_namespace(const DrillNames& names, std::string_view ns);

// Nothing comes in and nothing goes out; what is inside talks to each other and to the DNS.
Json drill_network_policy(const DrillNames& names, std::string_view ns);

// A check as a command in a container; none for podsReady and claimsBound. `address` is the pod's.
std::vector<std::string> check_command(const model::DrillCheck& check, std::string_view address);

// Why the answer is not what was expected; "" if it is. For a file the answer is sha256sum's.
std::string judge_answer(const model::DrillCheck& check,
                         int exit_code,
                         std::string_view out,
                         std::string_view err);

// What a run has found: the document that is signed, and the page for people. `digest` is the
// former's.
Json drill_evidence(const model::RestoreDrill& drill, const model::DrillRun& run);
std::string drill_page(const model::RestoreDrill& drill,
                       const model::DrillRun& run,
                       std::string_view digest);

}  // namespace lateen::assurance
