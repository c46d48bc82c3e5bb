#include "cli/restore_warnings.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assurance/object_witness.h"
#include "assurance/volume_regions.h"
#include "kube/discovery.h"
#include "kube/object.h"

namespace lateen::cli {
namespace {

using assurance::ObjectWitness;
using assurance::PlanWarning;
using Regions = std::map<std::string, std::string>;  // volume → region

// Looks at every object that would be brought back. Needs are asked for where it would lie then.
Status look_at_all(const restore::RestorePlan& plan,
                   const archive::ArchiveReader& archive,
                   ObjectWitness& witness,
                   Regions& regions,
                   std::stop_token stop) {
  const auto look = [&](const restore::RestoreStep& step) -> Status {
    for (const restore::PlannedItem& item : step.items) {
      if (stop.stop_requested()) return Error(Code::Canceled, "interrupted");
      const archive::ArchivedItem& archived = archive.items()[item.archived];
      // What cannot be read is in the preview as broken.
      const auto json = archive.read(archived);
      if (!json) continue;
      witness.look_at(step.group_resource, item.target_ns, archived.key.name, *json);
      if (step.group_resource != "persistentvolumes") continue;
      if (const auto volume = parse_json(*json))
        regions[std::string(archived.key.name)] = assurance::region_of_volume(*volume);
    }
    return {};
  };
  for (const restore::RestoreStep& step : plan.definitions)
    TRY(look(step));
  for (const auto& rank : plan.ranks) {
    for (const restore::RestoreStep& step : rank)
      TRY(look(step));
  }
  return {};
}

Result<bool> is_in_cluster(const assurance::Need& need,
                           const kube::Discovery& discovery,
                           const Session& session,
                           std::stop_token stop) {
  // What the API server serves by itself, or another one for it, has no definition.
  if (need.id == "missing-crd" &&
      discovery.find(kube::parse_group_resource(need.name)) != nullptr) {
    return true;
  }
  const kube::ResourceType* type = discovery.find(kube::parse_group_resource(need.group_resource));
  if (type == nullptr) return false;
  const auto found =
      session.client->get({.gvr = type->gvr, .ns = need.ns, .name = need.name}, {}, stop);
  if (found) return true;
  if (found.error().is(Code::NotFound)) return false;
  return found.error();
}

Result<std::set<std::string>> cluster_regions(const Session& session, std::stop_token stop) {
  const Json nodes =
      TRY(session.client->list({.gvr = {"", "v1", "nodes"}, .ns = {}, .name = {}}, {}, stop));
  std::set<std::string> regions;
  const JsonArray* items = array_at(nodes, "items");
  if (items == nullptr) return regions;
  for (const Json& node : *items) {
    if (const auto region = kube::label_of(node, "topology.kubernetes.io/region"); !region.empty())
      regions.emplace(region);
  }
  return regions;
}

// A snapshot lies in the region of its volume; another region's storage does not know it.
void add_region_warnings(const std::vector<model::BackupVolumeInfo>& volumes,
                         const Regions& regions,
                         const std::set<std::string>& here,
                         std::vector<PlanWarning>& warnings) {
  if (here.empty()) return;
  for (const model::BackupVolumeInfo& info : volumes) {
    const bool is_snapshot =
        !info.snapshot_data_moved && (info.csi_snapshot_info || info.native_snapshot_info);
    if (!is_snapshot) continue;
    std::string region;
    if (const auto at = regions.find(info.pv_name); at != regions.end()) region = at->second;
    if (region.empty() && info.native_snapshot_info)
      region = assurance::region_of_zone(info.native_snapshot_info->volume_az);
    if (region.empty() || here.contains(region)) continue;
    warnings.push_back(
        {.id = "snapshot-region",
         .subject = fmt::format("persistentvolumes {}", info.pv_name),
         .message = fmt::format("its snapshot is in {}, and this cluster is in {}", region,
                                fmt::join(here, ", ")),
         .advice =
             "Copy the snapshot first (config.copySnapshots of the VolumeSnapshotLocation), or "
             "restore from a backup with data movement or file-system backup."});
  }
}

}  // namespace

Result<std::vector<PlanWarning>> restore_warnings(
    const restore::RestorePlan& plan,
    const archive::ArchiveReader& archive,
    const std::vector<model::BackupVolumeInfo>& volumes,
    const Session& session,
    std::stop_token stop) {
  ObjectWitness witness;
  Regions regions;
  TRY(look_at_all(plan, archive, witness, regions, stop));
  std::vector<PlanWarning> warnings = witness.findings().warnings;
  const kube::Discovery discovery = TRY(kube::discover(*session.client, stop));
  for (const ObjectWitness::UnmetNeed& one : witness.unmet_needs()) {
    if (TRY(is_in_cluster(one.need, discovery, session, stop))) continue;
    warnings.push_back(
        assurance::unmet(one.need, one.by, one.count, "the cluster, nor in what is restored"));
  }
  // Where nodes may not be listed, nothing is said of regions.
  if (const auto here = cluster_regions(session, stop))
    add_region_warnings(volumes, regions, *here, warnings);
  std::ranges::sort(warnings);
  return warnings;
}

}  // namespace lateen::cli
