// How a PersistentVolumeClaim and a PersistentVolume find each other: pure rules, as
// kube-controller-manager has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/object_cache.h"

namespace lateen::sandbox {

inline constexpr std::string_view kBindCompletedAnnotation = "pv.kubernetes.io/bind-completed";
inline constexpr std::string_view kBoundByControllerAnnotation =
    "pv.kubernetes.io/bound-by-controller";
inline constexpr std::string_view kProvisionedByAnnotation = "pv.kubernetes.io/provisioned-by";
inline constexpr std::string_view kClaimProtection = "kubernetes.io/pvc-protection";
inline constexpr std::string_view kVolumeProtection = "kubernetes.io/pv-protection";
inline constexpr std::string_view kProvisionerFinalizer =
    "external-provisioner.volume.kubernetes.io/finalizer";

// Whether the volume is the claim's, or nobody's so far and reserved for it: claimRef names it,
// with its uid or without one.
bool is_reserved_for(const Json& volume, const Json& claim);
// claimRef names it, with its uid.
bool is_bound_to(const Json& volume, const Json& claim);

// The smallest free volume that fits class, mode, access modes, size and selector; one that is
// reserved comes first. Null: none does.
ObjectPtr find_volume_for(const Json& claim, const std::vector<ObjectPtr>& volumes);

// Why a claim that asks for this volume by name cannot have it, as kube-controller-manager says;
// "" when it can.
std::string why_not_for(const Json& volume, const Json& claim);

// Whether the pod mounts it (and has not ended).
bool pod_uses_claim(const Json& pod, std::string_view claim);

// The claim's data source, wherever it is named. Null: it starts empty.
const Json* data_source_of(const Json& claim);

}  // namespace lateen::sandbox
