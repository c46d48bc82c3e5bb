#include "restore/action.h"

#include <algorithm>

#include "kube/object.h"
#include "restore/item_extension.h"
#include "restore/namespace_mapping.h"

namespace lateen::restore {
namespace {

constexpr std::string_view kAutoManaged = "kube-aggregator.kubernetes.io/automanaged";

ActionVerdict skip(std::string reason) {
  ActionVerdict verdict;
  verdict.skip_reason = std::move(reason);
  return verdict;
}

}  // namespace

std::string ActionContext::target_of(std::string_view ns) const {
  return target_namespace(restore.spec.namespace_mapping, ns);
}

bool ActionContext::brings_back(const model::BackupVolumeInfo& volume) const {
  return std::any_of(extensions.begin(), extensions.end(),
                     [&volume](const ItemExtension* one) { return one->brings_back(volume); });
}

Result<ActionVerdict> apply_actions(std::string_view kind,
                                    Json& object,
                                    const Json& status,
                                    const ActionContext& context) {
  change_images(kind, object, context);
  TRY(change_storage_class(kind, object, context));
  if (kind == "pods") {
    act_on_pod(object);
  } else if (kind == "jobs.batch") {
    act_on_job(object);
  } else if (kind == "serviceaccounts") {
    act_on_service_account(object);
  } else if (kind == "rolebindings.rbac.authorization.k8s.io" ||
             kind == "clusterrolebindings.rbac.authorization.k8s.io") {
    act_on_role_binding(object, context);
  } else if (kind == "customresourcedefinitions.apiextensions.k8s.io") {
    act_on_definition(object);
  } else if (kind == "mutatingwebhookconfigurations.admissionregistration.k8s.io" ||
             kind == "validatingwebhookconfigurations.admissionregistration.k8s.io") {
    act_on_webhooks(object);
  } else if (kind == "secrets") {
    return skip(why_skip_secret(object));
  } else if (kind == "apiservices.apiregistration.k8s.io" &&
             kube::has_label(object, kAutoManaged)) {
    return skip("the API server makes it by itself");
  } else if (kind == "datauploads.velero.io") {
    return skip("it is never restored itself");
  } else if (kind == "volumesnapshotclasses.snapshot.storage.k8s.io" &&
             !context.restores_volumes()) {
    return skip("volumes are not restored");
  } else if (kind == "persistentvolumes") {
    return act_on_volume(object, context);
  } else if (kind == "persistentvolumeclaims") {
    return act_on_claim(object, context);
  } else if (kind == "volumesnapshots.snapshot.storage.k8s.io") {
    return act_on_snapshot(object, context);
  } else if (kind == "volumesnapshotcontents.snapshot.storage.k8s.io") {
    return act_on_snapshot_content(object, status, context);
  }
  return ActionVerdict();
}

}  // namespace lateen::restore
