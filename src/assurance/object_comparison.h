// What differs between a backup and a later one, or between a backup and the cluster. Digests
// decide what is the same; only what differs by its digest is read and looked into.
//
//   const ObjectComparison found =
//       TRY(compare_backups(older_reader, newer_reader, {.ns = "shop"}, stop));
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "assurance/object_lookup.h"
#include "backup/plan.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "restore/field_changes.h"

namespace lateen::assurance {

enum class Difference { Added, Removed, Changed };

// "added", "removed", "changed".
std::string_view to_string(Difference difference);

struct ObjectDifference {
  ObjectName object = {};
  Difference difference = Difference::Changed;
  std::vector<restore::FieldChange> changes = {};  // of Changed; a Secret's values are masked
};

struct ObjectComparison {
  std::vector<ObjectDifference> differences = {};  // by kind, namespace and name
  std::size_t same = 0;
  std::size_t left_out = 0;  // that controllers made, and Events and the like
};

struct ComparisonOptions {
  std::string ns = {};              // only this namespace's objects; empty: all
  std::string group_resource = {};  // only this kind's; empty: all
  bool with_made_ones = false;      // also what controllers made, and Events and the like
};

Result<ObjectComparison> compare_backups(const archive::ArchiveReader& before,
                                         const archive::ArchiveReader& after,
                                         const ComparisonOptions& options,
                                         std::stop_token stop);

// `plan` is of the backup's spec and the cluster as it is: what it would not take is not looked
// for.
Result<ObjectComparison> compare_with_cluster(const archive::ArchiveReader& before,
                                              const backup::BackupPlan& plan,
                                              const kube::Discovery& discovery,
                                              kube::Client& client,
                                              const ComparisonOptions& options,
                                              std::stop_token stop);

}  // namespace lateen::assurance
