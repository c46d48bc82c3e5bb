#include <algorithm>

#include "base/random.h"
#include "base/time.h"
#include "cli/check_rows.h"
#include "kube/object.h"
#include "server/local_context.h"
#include "volumes/csi_snapshot.h"
#include "volumes/snapshot_class.h"

namespace lateen::cli {
namespace {

using assurance::failed;
using assurance::passed;
using assurance::warned;

constexpr Duration kSnapshotPatience = std::chrono::minutes(5);
constexpr Duration kSnapshotPoll = std::chrono::seconds(1);

// "metadata" is a directory that Velero allows in a bucket and has no use for any more.
Status write_and_delete(objects::BackupStore& store, Rng& rng, std::stop_token stop) {
  objects::ObjectStore& bucket = store.objects();
  const std::string key =
      fmt::format("{}metadata/lateen-canary-{}", store.layout().root(), uuid4(rng));
  constexpr std::size_t kSize = 256UL << 10U;
  Bytes content(kSize, '\0');
  rng.fill(std::as_writable_bytes(std::span(content.data(), content.size())));
  TRY(bucket.put(key, content, stop).wrap("writing an object"));
  const auto back = bucket.get(key, kSize, stop);
  // Also when it could not be read, and after a stop.
  const Status removed = bucket.remove(key);
  if (!back) return Error(back.error()).wrap("reading it again");
  if (*back != content) return Error(Code::Corrupt, "what was read is not what was written");
  return Status(removed).wrap("deleting it again");
}

void check_canary(const model::BackupStorageLocation& location,
                  const server::ServerContext& context,
                  std::stop_token stop,
                  CheckResults& results) {
  const std::string& name = location.metadata.name;
  if (location.spec.is_read_only()) {
    results.push_back(warned("deep-canary", name, "it is ReadOnly: nothing was written", ""));
    return;
  }
  const Status done = [&]() -> Status {
    const auto store = TRY(server::open_store(context, location, stop));
    return write_and_delete(*store, context.rng, stop);
  }();
  if (done) {
    results.push_back(passed("deep-canary", name, "256 KiB were written, read and deleted"));
    return;
  }
  results.push_back(failed("deep-canary", name, done.error().message(),
                           done.error().hint().empty()
                               ? fmt::format("lateen check iam --location {}", name)
                               : done.error().hint()));
}

Result<std::vector<Json>> list_classes(const Session& session, std::stop_token stop) {
  const Json list = TRY(session.client->list(
      {.gvr = volumes::kVolumeSnapshotClasses, .ns = {}, .name = {}}, {}, stop));
  const JsonArray* items = array_at(list, "items");
  return items == nullptr ? std::vector<Json>() : std::vector<Json>(items->begin(), items->end());
}

Status wait_until_ready(const Session& session, const Json& snapshot, std::stop_token stop) {
  const Deadline deadline = Deadline::after(kSnapshotPatience);
  while (true) {
    const Json content = TRY(volumes::content_of(*session.client, snapshot, stop));
    const volumes::Readiness state = volumes::readiness_of(content);
    if (state.ready) return {};
    if (!state.error.empty()) return Error(Code::Unavailable, "the driver says: {}", state.error);
    if (deadline.expired())
      return Error(Code::DeadlineExceeded, "it was not ready after 5 minutes");
    if (!sleep_unless_stopped(kSnapshotPoll, stop)) return Error(Code::Canceled, "interrupted");
  }
}

// Gives the class that it was taken with.
Result<std::string> take_and_discard(const std::string& claim_key,
                                     const Session& session,
                                     std::stop_token stop) {
  const auto [ns, name] = kube::parse_object_key(claim_key);
  kube::Client& client = *session.client;
  const Json claim = TRY(
      client.get({.gvr = {"", "v1", "persistentvolumeclaims"}, .ns = ns, .name = name}, {}, stop));
  const std::string volume_name(string_at(claim, "spec.volumeName"));
  if (volume_name.empty())
    return Error(Code::InvalidArgument, "claim {} is bound to no volume", claim_key);
  const Json volume =
      TRY(client.get({.gvr = {"", "v1", "persistentvolumes"}, .name = volume_name}, {}, stop));
  const std::string driver(string_at(volume, "spec.csi.driver"));
  if (driver.empty())
    return Error(Code::Unsupported, "volume {} of claim {} is no CSI volume", volume_name,
                 claim_key);
  const std::string snapshot_class = TRY(volumes::choose_snapshot_class(
      driver, claim, Json(JsonObject()), TRY(list_classes(session, stop))));
  const volumes::CsiSnapshot taken = TRY(volumes::take_snapshot(client,
                                                                {.claim = claim,
                                                                 .snapshot_class = snapshot_class,
                                                                 .backup_name = "lateen-check",
                                                                 .backup_uid = {},
                                                                 .timeout = kSnapshotPatience},
                                                                Log(), stop));
  const Status ready = wait_until_ready(session, taken.snapshot, stop);
  // Whatever came of it.
  const Status gone = volumes::discard_snapshot(client, ns, kube::name_of(taken.snapshot), {});
  TRY(Status(ready));
  TRY(Status(gone).wrap("deleting the snapshot again"));
  return snapshot_class;
}

void check_snapshot(const std::string& claim,
                    const Session& session,
                    std::stop_token stop,
                    CheckResults& results) {
  if (claim.empty()) {
    results.push_back(warned("deep-csi-snapshot", "", "no claim was named",
                             "lateen check --deep --snapshot-claim NAMESPACE/NAME"));
    return;
  }
  const auto done = take_and_discard(claim, session, stop);
  if (done) {
    results.push_back(
        passed("deep-csi-snapshot", claim,
               fmt::format("a snapshot of class {} became ready, and was deleted", *done)));
  } else {
    results.push_back(
        failed("deep-csi-snapshot", claim, done.error().message(),
               done.error().hint().empty()
                   ? std::string("kubectl get volumesnapshots -A; and the logs of the "
                                 "CSI driver")
                   : done.error().hint()));
  }
}

}  // namespace

CheckResults check_by_doing(const std::vector<model::BackupStorageLocation>& locations,
                            const Session& session,
                            const CheckRequest& request,
                            const Invocation& call) {
  CheckResults results;
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  for (const model::BackupStorageLocation& location : locations)
    check_canary(location, local.get(), call.stop, results);
  check_snapshot(request.snapshot_claim, session, call.stop, results);
  return results;
}

}  // namespace lateen::cli
