#include "cli/restore_in_place.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/thread.h"
#include "kube/object.h"
#include "model/data_movement.h"
#include "model/phases.h"
#include "volumes/csi_snapshot.h"
#include "volumes/data_mover.h"
#include "volumes/snapshot_class.h"
#include "volumes/volume_rebind.h"
#include "volumes/volume_repository.h"

namespace lateen::cli {
namespace {

constexpr const char* kReplicasBefore = "lateen.io/replicas-before-restore";
constexpr Duration kLookAgain = std::chrono::milliseconds(500);
constexpr Duration kStopWithin = std::chrono::minutes(5);

const kube::GroupVersionResource kUserPods{"", "v1", "pods"};

// A Deployment or a StatefulSet.
struct ScaledWorkload {
  std::string kind;  // "deployments"
  std::string name;

  auto operator<=>(const ScaledWorkload&) const = default;
};

class InPlaceCall {
 public:
  InPlaceCall(Invocation& call, Session& session, const InPlaceRestore& what)
      : call_(call), client_(*session.client), session_(session), what_(what) {}

  Result<int> run() {
    claim_ = TRY(read_claim());
    if (const Status free = make_room(); !free) return with_way_back(free.error());
    if (what_.take_snapshot) {
      if (const Status taken = take_snapshot(); !taken) return with_way_back(taken.error());
    }
    if (const Status done = bring_back(); !done) return with_way_back(done.error());
    for (const ScaledWorkload& one : stopped_)
      TRY(start(one));
    call_.console.line(fmt::format("The data of claim {} are those of the backup.", claim_key()));
    return 0;
  }

 private:
  std::string claim_key() const {
    return kube::object_key(what_.snapshot.volume_namespace, what_.snapshot.claim);
  }

  Result<Json> read_claim() {
    Json claim = TRY(client_.get({.gvr = {"", "v1", "persistentvolumeclaims"},
                                  .ns = what_.snapshot.volume_namespace,
                                  .name = what_.snapshot.claim},
                                 {}, call_.stop));
    if (string_at(claim, "status.phase") != "Bound")
      return Error(Code::InvalidArgument, "claim {} is bound to no volume", claim_key());
    return claim;
  }

  Error with_way_back(Error error) const {
    if (stopped_.empty()) return error;
    std::vector<std::string> names;
    for (const ScaledWorkload& one : stopped_)
      names.push_back(fmt::format("{}/{}", one.kind, one.name));
    return std::move(error).with_hint(fmt::format(
        "{} of namespace {} stay stopped, their replicas are in annotation {}. Run the command "
        "again, or scale them up if the volume is as it should be.",
        join(names, ", "), what_.snapshot.volume_namespace, kReplicasBefore));
  }

  Result<std::vector<Json>> users() {
    const Json list = TRY(
        client_.list({.gvr = kUserPods, .ns = what_.snapshot.volume_namespace}, {}, call_.stop));
    std::vector<Json> pods;
    const JsonArray* items = array_at(list, "items");
    if (items == nullptr) return pods;
    for (const Json& pod : *items) {
      if (volumes::uses_claim(pod, what_.snapshot.claim)) pods.push_back(pod);
    }
    return pods;
  }

  // Nobody has the volume mounted when this comes back.
  Status make_room() {
    // Those that an earlier try has stopped are started by this one.
    TRY(find_stopped());
    const std::vector<Json> pods = TRY(users());
    if (pods.empty()) return {};
    if (!what_.scale_down) {
      return Error(Code::InvalidArgument, "pod {} has claim {} mounted",
                   kube::object_key(pods.front()), claim_key())
          .with_hint("Stop it first, or let --scale-down do it.");
    }
    std::set<ScaledWorkload> workloads;
    for (const Json& pod : pods)
      workloads.insert(TRY(workload_of(pod)));
    for (const ScaledWorkload& one : workloads)
      TRY(stop(one));
    return wait_until_free();
  }

  Status wait_until_free() {
    const Deadline deadline = Deadline::after(kStopWithin);
    while (true) {
      const std::vector<Json> pods = TRY(users());
      if (pods.empty()) return {};
      if (deadline.expired()) {
        return Error(Code::DeadlineExceeded, "pod {} still has the claim mounted",
                     kube::object_key(pods.front()));
      }
      if (!sleep_unless_stopped(kLookAgain, call_.stop))
        return Error(Code::Canceled, "the restore was stopped");
    }
  }

  kube::ObjectPath path_of(const ScaledWorkload& one) const {
    return {
        .gvr = {"apps", "v1", one.kind}, .ns = what_.snapshot.volume_namespace, .name = one.name};
  }

  Result<ScaledWorkload> workload_of(const Json& pod) {
    const auto owner = kube::controller_of(pod);
    if (owner && owner->kind == "StatefulSet") return ScaledWorkload{"statefulsets", owner->name};
    if (owner && owner->kind == "ReplicaSet") {
      const Json set = TRY(client_.get({.gvr = {"apps", "v1", "replicasets"},
                                        .ns = std::string(kube::namespace_of(pod)),
                                        .name = owner->name},
                                       {}, call_.stop));
      const auto deployment = kube::controller_of(set);
      if (deployment && deployment->kind == "Deployment")
        return ScaledWorkload{"deployments", deployment->name};
      return ScaledWorkload{"replicasets", owner->name};
    }
    return Error(Code::Unsupported,
                 "pod {} has claim {} mounted, and is of no Deployment, ReplicaSet or StatefulSet "
                 "that could be scaled down",
                 kube::object_key(pod), claim_key())
        .with_hint("Stop it yourself; an operator that owns it has its own way to pause.");
  }

  Status find_stopped() {
    for (const char* kind : {"deployments", "replicasets", "statefulsets"}) {
      const Json list = TRY(client_.list(
          {.gvr = {"apps", "v1", kind}, .ns = what_.snapshot.volume_namespace}, {}, call_.stop));
      const JsonArray* items = array_at(list, "items");
      if (items == nullptr) continue;
      for (const Json& one : *items) {
        // A ReplicaSet has its Deployment's annotations.
        if (kube::has_annotation(one, kReplicasBefore) && !kube::controller_of(one))
          stopped_.push_back({kind, std::string(kube::name_of(one))});
      }
    }
    return {};
  }

  Status stop(const ScaledWorkload& one) {
    const Json now = TRY(client_.get(path_of(one), {}, call_.stop));
    const std::int64_t replicas = int_at(now, "spec.replicas").value_or(1);
    const Json patch = JsonObject{
        {"metadata",
         JsonObject{{"annotations", JsonObject{{kReplicasBefore, std::to_string(replicas)}}}}},
        {"spec", JsonObject{{"replicas", 0}}}};
    TRY(client_.patch(path_of(one), kube::PatchType::Merge, patch, {}, call_.stop)
            .wrap("scaling down {}/{}", one.kind, one.name));
    stopped_.push_back(one);
    call_.console.line(
        fmt::format("Scaled down {}/{} ({} replicas).", one.kind, one.name, replicas));
    return {};
  }

  Status start(const ScaledWorkload& one) {
    const Json now = TRY(client_.get(path_of(one), {}, call_.stop));
    const auto replicas = parse_int(kube::annotation_of(now, kReplicasBefore));
    const Json patch = JsonObject{
        {"metadata", JsonObject{{"annotations", JsonObject{{kReplicasBefore, nullptr}}}}},
        {"spec", JsonObject{{"replicas", replicas.value_or(1)}}}};
    TRY(client_.patch(path_of(one), kube::PatchType::Merge, patch, {}, call_.stop)
            .wrap("scaling up {}/{}", one.kind, one.name));
    call_.console.line(fmt::format("Scaled {}/{} up again.", one.kind, one.name));
    return {};
  }

  Status take_snapshot() {
    const Json volume = TRY(client_.get({.gvr = {"", "v1", "persistentvolumes"},
                                         .name = std::string(string_at(claim_, "spec.volumeName"))},
                                        {}, call_.stop));
    const Json list = TRY(client_.list({.gvr = volumes::kVolumeSnapshotClasses}, {}, call_.stop));
    std::vector<Json> classes;
    if (const JsonArray* items = array_at(list, "items"))
      classes.assign(items->begin(), items->end());
    const std::string chosen = TRY(volumes::choose_snapshot_class(
        string_at(volume, "spec.csi.driver"), claim_, Json(JsonObject()), classes));
    const auto taken = TRY(volumes::take_snapshot(client_,
                                                  {.claim = claim_,
                                                   .snapshot_class = chosen,
                                                   .backup_name = {},
                                                   .backup_uid = {},
                                                   .timeout = kStopWithin},
                                                  Log(), call_.stop));
    call_.console.line(fmt::format("Took VolumeSnapshot {} of the volume as it was.",
                                   kube::object_key(taken.snapshot)));
    return {};
  }

  Status bring_back() {
    model::DataDownload wanted;
    wanted.metadata.ns = session_.ns();
    wanted.metadata.generate_name = "in-place-";
    wanted.metadata.annotations[std::string(volumes::kInPlaceAnnotation)] = "true";
    wanted.spec.target_volume.pvc = what_.snapshot.claim;
    wanted.spec.target_volume.ns = what_.snapshot.volume_namespace;
    wanted.spec.backup_storage_location = what_.location;
    wanted.spec.snapshot_id = what_.snapshot.snapshot_id;
    wanted.spec.source_namespace = what_.snapshot.volume_namespace;
    wanted.spec.operation_timeout = kStopWithin;
    const auto made = TRY(session_.cluster.create(wanted, call_.stop));
    call_.console.line(
        fmt::format("DataDownload {} restores into claim {}.", made.metadata.name, claim_key()));
    return wait_for(made.metadata.name);
  }

  Status wait_for(const std::string& name) {
    while (true) {
      const auto now = TRY(session_.cluster.get<model::DataDownload>(name, call_.stop));
      const model::DataPhase phase = now.status.phase.value();
      if (phase == model::DataPhase::Completed) {
        return session_.cluster.remove<model::DataDownload>(name, call_.stop);
      }
      if (model::is_terminal(phase)) {
        return Error(Code::Unavailable, "DataDownload {} is {}: {}", name, now.status.phase.text(),
                     now.status.message);
      }
      if (sleep_unless_stopped(kLookAgain, call_.stop)) continue;
      (void)session_.cluster.modify<model::DataDownload>(
          name, [](model::DataDownload& one) { one.spec.cancel = true; });  // best effort
      return Error(Code::Canceled, "the restore was stopped: the volume is neither old nor new");
    }
  }

  Invocation& call_;
  kube::Client& client_;
  Session& session_;
  const InPlaceRestore& what_;
  Json claim_;
  std::vector<ScaledWorkload> stopped_;
};

}  // namespace

Result<int> restore_in_place(Invocation& call, Session& session, const InPlaceRestore& what) {
  if (what.snapshot.claim.empty())
    return Error(Code::InvalidArgument, "only the volume of a claim can be restored in place");
  if (what.snapshot.type != volumes::kKopia) {
    return Error(Code::Unsupported, "volumes in {} repositories cannot be restored in place",
                 what.snapshot.type);
  }
  return InPlaceCall(call, session, what).run();
}

}  // namespace lateen::cli
