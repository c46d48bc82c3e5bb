#include "sandbox/schema/kinds_text.h"

#include <array>

namespace lateen::sandbox::schema {
namespace {

// Each file is one raw string literal: the compiler embeds it and tracks it as a dependency.
// clang-format off
constexpr std::string_view kMetaV1 =
#include "sandbox/schema/kinds/meta_v1.kinds"
    ;
constexpr std::string_view kCoreV1 =
#include "sandbox/schema/kinds/core_v1.kinds"
    ;
constexpr std::string_view kAdmissionregistrationV1 =
#include "sandbox/schema/kinds/admissionregistration_v1.kinds"
    ;
constexpr std::string_view kApiextensionsV1 =
#include "sandbox/schema/kinds/apiextensions_v1.kinds"
    ;
constexpr std::string_view kApiregistrationV1 =
#include "sandbox/schema/kinds/apiregistration_v1.kinds"
    ;
constexpr std::string_view kAppsV1 =
#include "sandbox/schema/kinds/apps_v1.kinds"
    ;
constexpr std::string_view kAuthenticationV1 =
#include "sandbox/schema/kinds/authentication_v1.kinds"
    ;
constexpr std::string_view kAuthorizationV1 =
#include "sandbox/schema/kinds/authorization_v1.kinds"
    ;
constexpr std::string_view kAutoscalingV1 =
#include "sandbox/schema/kinds/autoscaling_v1.kinds"
    ;
constexpr std::string_view kAutoscalingV2 =
#include "sandbox/schema/kinds/autoscaling_v2.kinds"
    ;
constexpr std::string_view kBatchV1 =
#include "sandbox/schema/kinds/batch_v1.kinds"
    ;
constexpr std::string_view kCertificatesV1 =
#include "sandbox/schema/kinds/certificates_v1.kinds"
    ;
constexpr std::string_view kCoordinationV1 =
#include "sandbox/schema/kinds/coordination_v1.kinds"
    ;
constexpr std::string_view kDiscoveryV1 =
#include "sandbox/schema/kinds/discovery_v1.kinds"
    ;
constexpr std::string_view kEventsV1 =
#include "sandbox/schema/kinds/events_v1.kinds"
    ;
constexpr std::string_view kNetworkingV1 =
#include "sandbox/schema/kinds/networking_v1.kinds"
    ;
constexpr std::string_view kNodeV1 =
#include "sandbox/schema/kinds/node_v1.kinds"
    ;
constexpr std::string_view kPolicyV1 =
#include "sandbox/schema/kinds/policy_v1.kinds"
    ;
constexpr std::string_view kRbacV1 =
#include "sandbox/schema/kinds/rbac_v1.kinds"
    ;
constexpr std::string_view kSchedulingV1 =
#include "sandbox/schema/kinds/scheduling_v1.kinds"
    ;
constexpr std::string_view kStorageV1 =
#include "sandbox/schema/kinds/storage_v1.kinds"
    ;
constexpr std::string_view kSnapshotV1 =
#include "sandbox/schema/kinds/snapshot_v1.kinds"
    ;
constexpr std::string_view kResources =
#include "sandbox/schema/kinds/resources.kinds"
    ;
constexpr std::string_view kDescriptions =
#include "sandbox/schema/kinds/descriptions.kinds"
    ;
// clang-format on

constexpr std::array<std::string_view, 22> kTypeTexts = {kMetaV1,
                                                         kCoreV1,
                                                         kAdmissionregistrationV1,
                                                         kApiextensionsV1,
                                                         kApiregistrationV1,
                                                         kAppsV1,
                                                         kAuthenticationV1,
                                                         kAuthorizationV1,
                                                         kAutoscalingV1,
                                                         kAutoscalingV2,
                                                         kBatchV1,
                                                         kCertificatesV1,
                                                         kCoordinationV1,
                                                         kDiscoveryV1,
                                                         kEventsV1,
                                                         kNetworkingV1,
                                                         kNodeV1,
                                                         kPolicyV1,
                                                         kRbacV1,
                                                         kSchedulingV1,
                                                         kStorageV1,
                                                         kSnapshotV1};

}  // namespace

std::span<const std::string_view> type_texts() {
  return kTypeTexts;
}

std::string_view resource_text() {
  return kResources;
}

std::string_view description_text() {
  return kDescriptions;
}

}  // namespace lateen::sandbox::schema
