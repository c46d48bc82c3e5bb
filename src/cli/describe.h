// `describe`: everything that is known of a backup, a restore or a schedule, in Velero's words and
// layout.
//
// The renderers are pure but for the documents, which they ask for as they come to need them: what
// the bucket does not have, or the server does not hand out, is said at its place and fails
// nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/zone.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "model/backup.h"
#include "model/pod_volumes.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::cli {

// -l, -o plaintext|json, --details, and those of downloads.
std::vector<FlagSpec> describe_flags();
std::vector<FlagSpec> describe_schedule_flags();

Result<int> describe_backups(Invocation& call);
Result<int> describe_restores(Invocation& call);
Result<int> describe_schedules(Invocation& call);

// One document of the object that is described, unpacked. NotFound: the bucket has none.
using DocumentSource = std::function<Result<Bytes>(model::DownloadTargetKind)>;

struct DescribeStyle {
  bool details = false;  // --details
  bool colors = false;
  std::string program = "velero";  // for commands that a text advises
  Zone zone = {};                  // in which times are told
};

// A backup with what the cluster has about it.
struct DescribedBackup {
  model::Backup backup = {};
  std::vector<model::DeleteBackupRequest> deletions = {};
  std::vector<model::PodVolumeBackup> pod_volumes = {};
  DocumentSource document = {};
};

struct DescribedRestore {
  model::Restore restore = {};
  std::vector<model::PodVolumeRestore> pod_volumes = {};
  DocumentSource document = {};
};

std::string describe_backup(const DescribedBackup& described, const DescribeStyle& style);
std::string describe_restore(const DescribedRestore& described, const DescribeStyle& style);
std::string describe_schedule(const model::Schedule& schedule, const DescribeStyle& style);

// `backup describe -o json`. Velero's keys, its misspelt ones too: scripts read them.
std::string describe_backup_json(const DescribedBackup& described, const DescribeStyle& style);

// The object, and what the bucket holds of it: {"restore", "results", "volumes", "operations",
// "podVolumeRestores", with --details "resourceList"}; what could not be had is told in
// "problems".
std::string describe_restore_json(const DescribedRestore& described, const DescribeStyle& style);

}  // namespace lateen::cli
