#include "sandbox/controllers/volume_binder.h"

#include <algorithm>

#include "base/quantity.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/scheduler.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kDefaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";

std::string claim_key(const Json& claim) {
  return fmt::format("claim:{}", kube::object_key(claim));
}

std::string volume_key(std::string_view name) {
  return fmt::format("volume:{}", name);
}

bool is_ours(const Json& volume) {
  return is_sandbox_driver(string_at(volume, "spec.csi.driver"));
}

FaultSubject deletion_of(const Json& volume) {
  return {.verb = "delete",
          .resource = "persistentvolumeclaims",
          .ns = string_at(volume, "spec.claimRef.namespace"),
          .name = string_at(volume, "spec.claimRef.name"),
          .storage_class = string_at(volume, "spec.storageClassName")};
}

}  // namespace

VolumeBinder::VolumeBinder(ControllerContext& context, VolumeStore& store)
    : Controller(context, "persistentvolume-controller", 4), store_(store) {
  caches().claims.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    const Json& claim = now ? *now : *before;
    queue().add(claim_key(claim));
    for (const ObjectPtr& object : {before, now}) {
      const std::string_view volume =
          object ? string_at(*object, "spec.volumeName") : std::string_view();
      if (!volume.empty()) queue().add(volume_key(volume));
    }
    if (now) return;
    for (const ObjectPtr& volume : caches().volumes.list()) {
      if (is_reserved_for(*volume, claim)) queue().add(volume_key(kube::name_of(*volume)));
    }
  });
  caches().volumes.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    const Json& volume = now ? *now : *before;
    queue().add(volume_key(kube::name_of(volume)));
    for (const ObjectPtr& claim : caches().claims.list()) {
      const bool concerned = string_at(*claim, "status.phase") != "Bound" ||
                             string_at(*claim, "spec.volumeName") == kube::name_of(volume);
      if (concerned) queue().add(claim_key(*claim));
    }
  });
  const auto pending_claims = [this](const ObjectPtr&, const ObjectPtr&) {
    for (const ObjectPtr& claim : caches().claims.list()) {
      if (string_at(*claim, "status.phase") != "Bound") queue().add(claim_key(*claim));
    }
  };
  caches().storage_classes.subscribe(pending_claims);
  caches().snapshots.subscribe(pending_claims);
  // A claim that is protected from deletion is let go when its last pod ends.
  caches().pods.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& claim : caches().claims.list(kube::namespace_of(now ? *now : *before))) {
      if (kube::is_being_deleted(*claim)) queue().add(claim_key(*claim));
    }
  });
}

Result<LookAgain> VolumeBinder::reconcile(const std::string& key, std::stop_token stop) {
  if (key.starts_with("volume:")) {
    TRY(sync_volume(key.substr(7), std::move(stop)));
    return LookAgain();
  }
  const auto [ns, claim_name] = kube::parse_object_key(std::string_view(key).substr(6));
  return sync_claim(ns, claim_name, std::move(stop));
}

Status VolumeBinder::change(const kube::GroupVersionResource& gvr,
                            const Json& object,
                            const std::function<bool(Json&)>& edit) {
  auto written = api().modify(
      gvr, kube::namespace_of(object), kube::name_of(object),
      [&](Json& live) -> Result<bool> {
        return kube::uid_of(live) == kube::uid_of(object) && edit(live);
      },
      write_as(name()));
  if (written || written.error().is(Code::NotFound)) return Status();
  return Error(written.error());
}

// ---- Claims

Result<LookAgain> VolumeBinder::sync_claim(const std::string& ns,
                                           const std::string& claim_name,
                                           std::stop_token stop) {
  const ObjectPtr claim = caches().claims.find(ns, claim_name);
  if (!claim) return LookAgain();
  if (kube::is_being_deleted(*claim)) {
    TRY(end_claim(*claim));
    return LookAgain();
  }
  if (!kube::has_finalizer(*claim, kClaimProtection)) {
    TRY(change(resources::kPersistentVolumeClaims, *claim,
               [](Json& live) { return kube::add_finalizer(live, kClaimProtection); }));
    return LookAgain();  // the change brings us back
  }
  if (!kube::annotation_of(*claim, kBindCompletedAnnotation).empty()) {
    TRY(check_bound(*claim));
    return LookAgain();
  }
  if (TRY(take_default_class(*claim))) return LookAgain();  // the change brings us back
  return bind_or_provision(*claim, std::move(stop));
}

Status VolumeBinder::end_claim(const Json& claim) {
  for (const ObjectPtr& pod : caches().pods.list(kube::namespace_of(claim))) {
    if (pod_uses_claim(*pod, kube::name_of(claim))) return Status();
  }
  return change(resources::kPersistentVolumeClaims, claim,
                [](Json& live) { return kube::remove_finalizer(live, kClaimProtection); });
}

// One that was made before there was a default class gets it once there is (since Kubernetes 1.28).
Result<bool> VolumeBinder::take_default_class(const Json& claim) {
  if (find(claim, "spec.storageClassName") != nullptr ||
      !string_at(claim, "spec.volumeName").empty())
    return false;
  std::string found;
  for (const ObjectPtr& candidate : caches().storage_classes.list()) {
    if (kube::annotation_of(*candidate, kDefaultClassAnnotation) == "true")
      found = kube::name_of(*candidate);
  }
  if (found.empty()) return false;
  TRY(change(resources::kPersistentVolumeClaims, claim, [&](Json& live) {
    if (find(live, "spec.storageClassName") != nullptr) return false;
    ensure(live, "spec.storageClassName") = found;
    return true;
  }));
  return true;
}

// The volume, as large as its claim asks by now. Directories need nothing done to them.
Result<Json> VolumeBinder::expanded(const Json& claim, Json volume) {
  const std::string_view asked = string_at(claim, "spec.resources.requests.storage");
  const auto wanted = Quantity::parse(asked);
  const auto has = Quantity::parse(string_at(volume, "spec.capacity.storage"));
  const ObjectPtr storage_class =
      caches().storage_classes.find("", string_at(claim, "spec.storageClassName"));
  const bool may_grow = is_ours(volume) && storage_class &&
                        bool_at(*storage_class, "allowVolumeExpansion").value_or(false);
  if (!wanted || !has || *wanted <= *has || !may_grow) return volume;
  events().normal(claim, "Resizing",
                  fmt::format("External resizer is resizing volume {}", kube::name_of(volume)));
  auto grown = api().modify(
      resources::kPersistentVolumes, "", kube::name_of(volume),
      [&](Json& live) -> Result<bool> {
        ensure(live, "spec.capacity.storage") = asked;
        return true;
      },
      write_as(name()));
  if (!grown) return Error(grown.error());
  events().normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded");
  return std::move(*grown);
}

// A claim that has been bound once stays with its volume; without it, it is lost.
Status VolumeBinder::check_bound(const Json& claim) {
  auto volume = api().get(resources::kPersistentVolumes, "", string_at(claim, "spec.volumeName"));
  if (!volume && !volume.error().is(Code::NotFound)) return Error(volume.error());
  if (volume && is_bound_to(*volume, claim)) {
    const Json current = TRY(expanded(claim, std::move(*volume)));
    return set_claim_status(claim, current);
  }
  // Restored with its annotations, but its volume still waits for a claim of that name.
  if (volume && is_reserved_for(*volume, claim)) return bind(claim, *volume, {});
  if (string_at(claim, "status.phase") == "Lost") return Status();
  events().warning(claim, "ClaimLost",
                   volume
                       ? "Bound claim has lost reference to PersistentVolume. Data on the volume "
                         "is lost! Cluster intervention is required."
                       : "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  Json status = find(claim, "status") != nullptr ? *find(claim, "status") : Json(JsonObject());
  status.as_object()["phase"] = "Lost";
  return write_status(api(), resources::kPersistentVolumeClaims, claim, status, name());
}

Result<LookAgain> VolumeBinder::bind_or_provision(const Json& claim, std::stop_token stop) {
  const std::string_view wanted = string_at(claim, "spec.volumeName");
  if (!wanted.empty()) {
    const ObjectPtr volume = caches().volumes.find("", wanted);
    if (!volume || kube::is_being_deleted(*volume)) return LookAgain();
    if (find(*volume, "spec.claimRef") != nullptr && !is_reserved_for(*volume, claim)) {
      events().warning(claim, "FailedBinding",
                       fmt::format("volume \"{}\" already bound to a different claim.", wanted));
      return LookAgain();
    }
    if (const std::string why = why_not_for(*volume, claim); !why.empty()) {
      events().warning(claim, "VolumeMismatch",
                       fmt::format("Cannot bind to requested volume \"{}\": {}", wanted, why));
      return LookAgain();
    }
    TRY(bind(claim, *volume, std::move(stop)));
    return LookAgain();
  }
  const std::string_view class_name = string_at(claim, "spec.storageClassName");
  const ObjectPtr storage_class = caches().storage_classes.find("", class_name);
  const bool waits = storage_class &&
                     string_at(*storage_class, "volumeBindingMode") == "WaitForFirstConsumer" &&
                     kube::annotation_of(claim, kSelectedNodeAnnotation).empty();
  const std::vector<ObjectPtr> volumes = caches().volumes.list();
  const ObjectPtr volume = find_volume_for(claim, volumes);
  const bool reserved = volume && is_reserved_for(*volume, claim);
  // A free volume does not hold what a data source promises.
  if (volume && (reserved || (!waits && data_source_of(claim) == nullptr))) {
    TRY(bind(claim, *volume, std::move(stop)));
    return LookAgain();
  }
  if (waits) {
    events().normal(claim, "WaitForFirstConsumer",
                    "waiting for first consumer to be created before binding");
    return LookAgain();
  }
  if (!storage_class) {
    events().normal(
        claim, "FailedBinding",
        class_name.empty()
            ? std::string(
                  "no persistent volumes available for this claim and no storage class is set")
            : fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_name));
    return LookAgain();
  }
  return provision(claim, *storage_class, std::move(stop));
}

// In the order of kube-controller-manager, so that a crash at any point is continued at the next
// look: the volume's reference, its phase, the claim's reference, its phase.
Status VolumeBinder::bind(const Json& claim, const Json& volume, std::stop_token stop) {
  const bool by_us = find(volume, "spec.claimRef") == nullptr;
  if (!is_bound_to(volume, claim)) {
    auto written = api().modify(
        resources::kPersistentVolumes, "", kube::name_of(volume),
        [&](Json& live) -> Result<bool> {
          if (find(live, "spec.claimRef") != nullptr && !is_reserved_for(live, claim)) {
            return Error(Code::Conflict, "volume {} was bound to another claim",
                         kube::name_of(live));
          }
          ensure(live, "spec.claimRef") =
              JsonObject{{"apiVersion", "v1"},
                         {"kind", "PersistentVolumeClaim"},
                         {"namespace", kube::namespace_of(claim)},
                         {"name", kube::name_of(claim)},
                         {"uid", kube::uid_of(claim)},
                         {"resourceVersion", kube::resource_version_of(claim)}};
          if (by_us) kube::set_annotation(live, kBoundByControllerAnnotation, "yes");
          return true;
        },
        write_as(name()));
    if (!written) return Error(written.error());
    TRY(set_volume_phase(*written, "Bound"));
  }
  const bool named = !string_at(claim, "spec.volumeName").empty();
  JsonObject annotations{{kBindCompletedAnnotation, "yes"}};
  if (!named) annotations[kBoundByControllerAnnotation] = "yes";
  const Json patch = JsonObject{{"metadata", JsonObject{{"annotations", std::move(annotations)}}},
                                {"spec", JsonObject{{"volumeName", kube::name_of(volume)}}}};
  TRY(patch_seen(api(), caches().claims, claim, patch, name(), std::move(stop)));
  const Json bound = TRY(api().get(resources::kPersistentVolumeClaims, kube::namespace_of(claim),
                                   kube::name_of(claim)));
  return set_claim_status(bound, volume);
}

Status VolumeBinder::set_claim_status(const Json& claim, const Json& volume) {
  Json status = find(claim, "status") != nullptr ? *find(claim, "status") : Json(JsonObject());
  if (!status.is_object()) status = JsonObject();
  JsonObject& fields = status.as_object();
  fields["phase"] = "Bound";
  if (const Json* modes = find(volume, "spec.accessModes")) fields["accessModes"] = *modes;
  if (const Json* capacity = find(volume, "spec.capacity")) fields["capacity"] = *capacity;
  return write_status(api(), resources::kPersistentVolumeClaims, claim, status, name());
}

// ---- Volumes

Status VolumeBinder::sync_volume(const std::string& volume_name, std::stop_token stop) {
  const ObjectPtr volume = caches().volumes.find("", volume_name);
  if (!volume) return Status();
  if (kube::is_being_deleted(*volume)) return end_volume(*volume);
  if (!kube::has_finalizer(*volume, kVolumeProtection)) {
    return change(resources::kPersistentVolumes, *volume,
                  [](Json& live) { return kube::add_finalizer(live, kVolumeProtection); });
  }
  const std::string_view claim_uid = string_at(*volume, "spec.claimRef.uid");
  if (claim_uid.empty()) return set_volume_phase(*volume, "Available");
  auto claim =
      api().get(resources::kPersistentVolumeClaims, string_at(*volume, "spec.claimRef.namespace"),
                string_at(*volume, "spec.claimRef.name"));
  if (!claim && !claim.error().is(Code::NotFound)) return Error(claim.error());
  if (!claim || kube::uid_of(*claim) != claim_uid) return release(*volume, std::move(stop));
  const bool mutual = string_at(*claim, "spec.volumeName") == volume_name;
  if (mutual) return set_volume_phase(*volume, "Bound");
  queue().add(claim_key(*claim));
  return Status();
}

// Its object is deleted by somebody: it goes when no claim holds it, and its data with it if it
// says Delete.
Status VolumeBinder::end_volume(const Json& volume) {
  const std::string_view claim_uid = string_at(volume, "spec.claimRef.uid");
  if (!claim_uid.empty()) {
    auto claim =
        api().get(resources::kPersistentVolumeClaims, string_at(volume, "spec.claimRef.namespace"),
                  string_at(volume, "spec.claimRef.name"));
    if (!claim && !claim.error().is(Code::NotFound)) return Error(claim.error());
    if (claim && kube::uid_of(*claim) == claim_uid) return Status();
  }
  const bool takes_data = is_ours(volume) &&
                          string_at(volume, "spec.persistentVolumeReclaimPolicy") == "Delete" &&
                          is_sandbox_driver(kube::annotation_of(volume, kProvisionedByAnnotation));
  if (takes_data) TRY(remove_data(volume));
  return change(resources::kPersistentVolumes, volume, [](Json& live) {
    const bool protection = kube::remove_finalizer(live, kVolumeProtection);
    const bool provisioner = is_ours(live) && kube::remove_finalizer(live, kProvisionerFinalizer);
    return protection || provisioner;
  });
}

Status VolumeBinder::remove_data(const Json& volume) {
  if (const auto struck = strike(FaultKind::ProvisionFailure, deletion_of(volume)))
    return driver_error(*struck->fault, "deletes no volume");
  return store_.remove_volume(std::string(string_at(volume, "spec.csi.volumeHandle")));
}

Status VolumeBinder::release(const Json& volume, std::stop_token stop) {
  TRY(set_volume_phase(volume, "Released"));
  if (string_at(volume, "spec.persistentVolumeReclaimPolicy") != "Delete") return Status();
  // A volume of another driver is that driver's to delete, and it is not here.
  if (!is_ours(volume)) return Status();
  auto removed = remove_data(volume);
  if (!removed) {
    events().warning(volume, "VolumeFailedDelete", removed.error().message());
    TRY(set_volume_phase(volume, "Failed"));
    return removed;
  }
  return remove_seen(api(), caches().volumes, volume, std::move(stop));
}

Status VolumeBinder::set_volume_phase(const Json& volume, std::string_view phase) {
  if (string_at(volume, "status.phase") == phase) return Status();
  const TimePoint at = now();
  auto written = api().modify(
      resources::kPersistentVolumes, "", kube::name_of(volume),
      [&](Json& live) -> Result<bool> {
        if (kube::uid_of(live) != kube::uid_of(volume) || string_at(live, "status.phase") == phase)
          return false;
        ensure(live, "status.phase") = phase;
        ensure(live, "status.lastPhaseTransitionTime") = format_rfc3339(at);
        return true;
      },
      write_status_as(name()));
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

}  // namespace lateen::sandbox
