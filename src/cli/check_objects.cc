#include <algorithm>

#include "base/text.h"
#include "cli/check_rows.h"
#include "cli/coverage_facts.h"
#include "cli/location_check.h"
#include "net/retry.h"
#include "objects/s3/bucket_properties.h"
#include "server/retention.h"
#include "server/schedule_decision.h"

namespace lateen::cli {
namespace {

using assurance::CheckedSchedule;
using assurance::failed;
using assurance::passed;
using assurance::warned;
using objects::s3::BucketProperty;
using objects::s3::PropertyState;

void append(CheckResults more, CheckResults& results) {
  std::ranges::move(more, std::back_inserter(results));
}

std::vector<CheckedSchedule> checked_schedules(std::vector<model::Schedule> schedules,
                                               TimePoint now) {
  std::vector<CheckedSchedule> checked;
  for (model::Schedule& schedule : schedules) {
    CheckedSchedule one;
    one.interval = server::expected_interval(schedule, now);
    // One that cannot be read is said by the schedule's own validation.
    if (const auto policy = server::retention_of(schedule); policy && *policy)
      one.policy = **policy;
    one.schedule = std::move(schedule);
    checked.push_back(std::move(one));
  }
  return checked;
}

std::optional<TimePoint> server_time(const Session& session, std::stop_token stop) {
  kube::CallReport report;
  const auto answer = session.client->get_path("/version", {.report = &report}, stop);
  if (!answer) return std::nullopt;
  return net::parse_http_date(report.headers.get("Date"));
}

std::size_t snapshotted_volumes(const assurance::CoverageReport& report) {
  return static_cast<std::size_t>(std::ranges::count_if(report.volumes, [](const auto& one) {
    return one.path == "CSI snapshot" || one.path == "native snapshot";
  }));
}

// "bucket-" and the property's name is the check's.
assurance::CheckResult result_of(const BucketProperty& property, const std::string& location) {
  const std::string id = "bucket-" + property.name;
  const std::string look = fmt::format("lateen location check {}", location);
  switch (property.state) {
    case PropertyState::Ok:
      return passed(id, location, property.detail);
    case PropertyState::Missing:
      return property.name == "object-lock"
                 ? warned(id, location, property.detail,
                          "Make a bucket with object lock, and set config.objectLockMode.")
                 : failed(id, location, property.detail, look + " prints what sets it");
    case PropertyState::NotAllowed:
      return warned(id, location, fmt::format("not allowed to look: {}", property.detail),
                    "Grant it, or ask as somebody who may.");
    case PropertyState::Unknown:
      return warned(id, location, property.detail, look);
  }
  return warned(id, location, property.detail, look);
}

void check_bucket_of(const model::BackupStorageLocation& location,
                     const Session& session,
                     std::stop_token stop,
                     CheckResults& results) {
  const std::string& name = location.metadata.name;
  const auto options = bucket_options(location, session, stop);
  if (!options) {
    const bool not_s3 = options.error().is(Code::Unsupported);
    results.push_back(not_s3
                          ? warned("bucket-versioning", name,
                                   fmt::format("provider {} has no bucket of S3: its settings are "
                                               "for you to look at",
                                               location.spec.provider),
                                   "See docs/reference/checks.md#bucket-versioning.")
                          : failed("bucket-versioning", name, options.error().message(),
                                   "lateen location check " + name));
    return;
  }
  const auto report = objects::s3::check_bucket(*options, stop);
  if (!report) {
    results.push_back(failed("bucket-versioning", name, report.error().message(),
                             "lateen check iam --location " + name));
    return;
  }
  for (const BucketProperty& property : report->properties)
    results.push_back(result_of(property, name));
  if (const auto lock = objects::s3::check_object_lock(*options, stop))
    results.push_back(result_of(*lock, name));
}

}  // namespace

Result<CheckResults> check_objects(const Session& session,
                                   const CheckRequest& request,
                                   const Invocation& call) {
  const TimePoint now = call.clock.now();
  const auto& cluster = session.cluster;
  CheckResults results;
  append(assurance::check_locations(TRY(cluster.list<model::BackupStorageLocation>("", call.stop))),
         results);
  const auto schedules = checked_schedules(TRY(cluster.list<model::Schedule>("", call.stop)), now);
  const auto backups = TRY(cluster.list<model::Backup>("", call.stop));
  append(assurance::check_schedules(schedules, backups, now), results);
  append(assurance::check_last_good(schedules, backups, now), results);
  // A cluster where only Velero was installed does not serve the kind.
  const auto drills = cluster.list<model::RestoreDrill>("", call.stop);
  append(assurance::check_drills(drills ? *drills : std::vector<model::RestoreDrill>(), now),
         results);
  append(assurance::check_snapshot_tags(
             TRY(cluster.list<model::VolumeSnapshotLocation>("", call.stop))),
         results);
  append(assurance::check_clock(server_time(session, call.stop), backups, now), results);
  if (!request.with_coverage) return results;
  const assurance::CoverageReport report =
      assurance::assess_coverage(TRY(read_coverage_facts(session, {}, call)));
  append(assurance::check_coverage(report), results);
  append(assurance::check_quota(assurance::forecast_snapshots(
             schedules, snapshotted_volumes(report), request.snapshot_quota, now)),
         results);
  return results;
}

CheckResults check_buckets(const std::vector<model::BackupStorageLocation>& locations,
                           const Session& session,
                           std::stop_token stop) {
  CheckResults results;
  for (const model::BackupStorageLocation& location : locations)
    check_bucket_of(location, session, stop, results);
  return results;
}

}  // namespace lateen::cli
