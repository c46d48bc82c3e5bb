// What one backup holds of volumes, and what it does not hold at all: made while it is taken, kept
// beside it in the bucket, shown by `backup describe` and by `backup create --dry-run`.
// docs/formats/coverage.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assurance/findings.h"
#include "assurance/object_witness.h"
#include "backup/plan.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "model/volume_info.h"

namespace lateen::assurance {

struct CoveredVolume {
  std::string ns = {};
  std::string claim = {};
  std::string volume = {};  // the PersistentVolume, or a pod's name for it
  std::string pod = {};     // whose files were copied
  std::string path =
      {};  // "CSI snapshot", "native snapshot", "file-system backup", "data movement"; "none"
  std::string reason = {};  // of "none"

  bool operator==(const CoveredVolume&) const = default;
};

struct LeftOutNamespace {
  std::string name = {};
  std::string platform = {};  // whose it is; "" for people's own
  std::string why = {};       // why it need not be there, for a platform's

  bool operator==(const LeftOutNamespace&) const = default;
};

struct BackupCoverage {
  std::string backup = {};
  std::vector<CoveredVolume> volumes = {};
  std::vector<LeftOutNamespace> left_out_namespaces = {};
  std::vector<backup::SkippedKind> left_out_kinds = {};
  Findings findings = {};
};

// The path by which a volume was saved: "none" where it was not.
std::string_view path_of(const model::BackupVolumeInfo& info);

// Of a kind that is not collected, but of which some objects came along because others lead to
// them, the reason says so.
std::vector<backup::SkippedKind> left_out_kinds(const backup::BackupPlan& plan,
                                                const ObjectCounts& held);

std::vector<LeftOutNamespace> left_out_namespaces(
    const std::vector<backup::NamespaceFacts>& present, const backup::NamespaceFilter& filter);

std::vector<CoveredVolume> covered_volumes(const std::vector<model::BackupVolumeInfo>& infos);

// One run of a backup, or one that was only tried.
struct CoveredRun {
  const std::string& backup;
  const backup::BackupPlan& plan;
  const std::vector<backup::NamespaceFacts>& namespaces;
  const std::vector<model::BackupVolumeInfo>& volumes;
  const ObjectWitness& witness;
};

BackupCoverage coverage_of(const CoveredRun& run);

Json to_json(const BackupCoverage& coverage);

// InvalidArgument if it is no such document.
Result<BackupCoverage> backup_coverage_from(BytesView document);

}  // namespace lateen::assurance
