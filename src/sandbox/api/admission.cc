#include "sandbox/api/admission.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/quantity.h"
#include "kube/object.h"
#include "sandbox/api/limits.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/strategy.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kTokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kDefaultClass = "storageclass.kubernetes.io/is-default-class";

bool is_immortal(std::string_view ns) {
  return ns == "default" || ns == "kube-system" || ns == "kube-public" || ns == "kube-node-lease";
}

// The stored object as a tree; nothing when there is none.
std::optional<Json> load(const Store& store,
                         std::string_view resource,
                         std::string_view ns,
                         std::string_view name) {
  const StoredPtr stored = store.find_newest(resource, ns, name);
  if (!stored) return std::nullopt;
  auto tree = parse_stored(*stored);
  if (!tree) return std::nullopt;
  return std::move(*tree);
}

// {"name": ..., "projected": {...}}: what the ServiceAccount admission plugin adds.
Json token_volume(std::string_view name) {
  const Json token = {{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}};
  const Json authority = {{"configMap",
                           {{"name", "kube-root-ca.crt"},
                            {"items", JsonArray{Json{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}};
  const Json where = {
      {"downwardAPI",
       {{"items",
         JsonArray{
             Json{{"path", "namespace"},
                  {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}}}}}};
  return {{"name", name},
          {"projected", {{"sources", JsonArray{token, authority, where}}, {"defaultMode", 420}}}};
}

bool mounts_at(const Json& container, std::string_view path) {
  const JsonArray* mounts = array_at(container, "volumeMounts");
  return mounts != nullptr && std::ranges::any_of(*mounts, [path](const Json& mount) {
           return string_at(mount, "mountPath") == path;
         });
}

Json& list_at(Json& object, std::string_view path) {
  Json& list = ensure(object, path);
  if (!list.is_array()) list = JsonArray{};
  return list;
}

}  // namespace

ApiStatus Admission::check_namespace(const ServedType& type, const Json& object) {
  if (!type.type.namespaced) return {};
  const std::string ns(kube::namespace_of(object));
  const auto found = load(context_.store, "namespaces", "", ns);
  if (!found) return not_found("", "namespaces", ns);
  if (string_at(*found, "status.phase") != "Terminating") return {};
  ApiError refusal = forbidden(
      type.group(), type.resource(), kube::name_of(object),
      fmt::format("unable to create new content in namespace {} because it is being terminated",
                  ns));
  StatusDetails details = refusal.details();
  details.causes.push_back({.reason = "NamespaceTerminating",
                            .message = fmt::format("namespace {} is being terminated", ns),
                            .field = "metadata.namespace"});
  return ApiError(refusal, 403, "Forbidden", std::move(details));
}

ApiStatus Admission::admit_create(const ServedType& type, Json& object) {
  TRY(check_namespace(type, object));
  if (type.is("", "pods")) TRY(admit_pod(object));
  if (type.is("", "persistentvolumeclaims")) set_default_storage_class(object);
  if (type.is("", "namespaces")) {
    kube::set_label(object, "kubernetes.io/metadata.name", kube::name_of(object));
  }
  TRY(apply_limit_ranges(context_.store, type, object));
  return check_quotas(context_.store, type, object);
}

ApiStatus Admission::admit_update(const ServedType& type, const Json& old_object, Json& object) {
  if (type.is("", "persistentvolumeclaims")) TRY(admit_growth(old_object, object));
  if (type.is("", "namespaces")) {
    kube::set_label(object, "kubernetes.io/metadata.name", kube::name_of(object));
  }
  return {};
}

ApiStatus Admission::admit_delete(const ServedType& type, std::string_view name) {
  if (type.is("", "namespaces") && is_immortal(name)) {
    return forbidden("", "namespaces", name, "this namespace may not be deleted");
  }
  return {};
}

ApiStatus Admission::allocate(const ServedType& type, const Json* old_service, Json& service) {
  if (!type.is("", "services")) return {};
  const schema::FieldErrors errors = services_.allocate(old_service, service, context_.rng);
  if (errors.empty()) return {};
  if (old_service == nullptr) services_.forget(kube::object_key(service));
  return invalid_object(type, kube::name_of(service), errors);
}

void Admission::set_default_storage_class(Json& claim) {
  if (find(claim, "spec.storageClassName") != nullptr) return;
  const auto classes = context_.store.list("storage.k8s.io/storageclasses", {});
  if (!classes) return;
  for (const StoredPtr& stored : classes->objects) {
    const auto tree = parse_stored(*stored);
    if (tree && kube::annotation_of(*tree, kDefaultClass) == "true") {
      ensure(claim, "spec.storageClassName") = stored->name;
      return;
    }
  }
}

// The plugin PersistentVolumeClaimResize.
ApiStatus Admission::admit_growth(const Json& old_claim, const Json& claim) {
  constexpr std::string_view kSize = "spec.resources.requests.storage";
  const auto before = Quantity::parse(string_at(old_claim, kSize));
  const auto after = Quantity::parse(string_at(claim, kSize));
  if (!before || !after || *after <= *before) return {};
  const auto storage_class = load(context_.store, "storage.k8s.io/storageclasses", "",
                                  std::string(string_at(claim, "spec.storageClassName")));
  if (storage_class && bool_at(*storage_class, "allowVolumeExpansion").value_or(false)) return {};
  return forbidden("", "persistentvolumeclaims", kube::name_of(claim),
                   "only dynamically provisioned pvc can be resized and the storageclass that "
                   "provisions the pvc must support resize");
}

// The one that is for all pods that name none; "" where there is none. Of several the lowest.
std::string Admission::default_priority_class() const {
  std::string found;
  std::int64_t lowest = 0;
  const auto classes = context_.store.list("scheduling.k8s.io/priorityclasses", {});
  if (!classes) return found;
  for (const StoredPtr& stored : classes->objects) {
    const auto tree = parse_stored(*stored);
    if (!tree || !bool_at(*tree, "globalDefault").value_or(false)) continue;
    const std::int64_t value = int_at(*tree, "value").value_or(0);
    if (!found.empty() && value >= lowest) continue;
    found = stored->name;
    lowest = value;
  }
  return found;
}

ApiStatus Admission::set_priority(Json& pod) {
  std::string name(string_at(pod, "spec.priorityClassName"));
  if (name.empty()) name = default_priority_class();
  if (!name.empty()) ensure(pod, "spec.priorityClassName") = name;
  std::int64_t value = 0;
  std::string preemption = "PreemptLowerPriority";
  if (!name.empty()) {
    const auto found = load(context_.store, "scheduling.k8s.io/priorityclasses", "", name);
    if (!found) {
      return forbidden("", "pods", kube::name_of(pod),
                       fmt::format("no PriorityClass with name {} was found", name));
    }
    value = int_at(*found, "value").value_or(0);
    const std::string_view policy = string_at(*found, "preemptionPolicy");
    if (!policy.empty()) preemption = policy;
  }
  ensure(pod, "spec.priority") = value;
  if (string_at(pod, "spec.preemptionPolicy").empty())
    ensure(pod, "spec.preemptionPolicy") = preemption;
  return {};
}

// The default account of a new namespace is made by a controller a moment later: worth a wait.
ApiResult<Json> Admission::find_service_account(std::string_view ns,
                                                std::string_view name,
                                                std::string_view pod) {
  const int attempts = name == "default" ? 10 : 1;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt != 0) sleep_unless_stopped(std::chrono::milliseconds(100), {});
    if (auto account = load(context_.store, "serviceaccounts", ns, name))
      return std::move(*account);
  }
  return forbidden(
      "", "pods", pod,
      fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", ns,
                  name, name));
}

ApiStatus Admission::admit_pod(Json& pod) {
  TRY(set_priority(pod));
  // A mirror of a static pod belongs to its node, not to an account.
  if (kube::has_annotation(pod, "kubernetes.io/config.mirror")) return {};
  if (string_at(pod, "spec.serviceAccountName").empty())
    ensure(pod, "spec.serviceAccountName") = "default";
  const std::string account_name(string_at(pod, "spec.serviceAccountName"));
  ensure(pod, "spec.serviceAccount") = account_name;
  const Json account =
      TRY(find_service_account(kube::namespace_of(pod), account_name, kube::name_of(pod)));
  if (find(pod, "spec.imagePullSecrets") == nullptr) {
    if (const Json* secrets = find(account, "imagePullSecrets"))
      ensure(pod, "spec.imagePullSecrets") = *secrets;
  }
  const bool wanted =
      bool_at(pod, "spec.automountServiceAccountToken")
          .value_or(bool_at(account, "automountServiceAccountToken").value_or(true));
  return wanted ? mount_service_account_token(pod, account) : ApiStatus();
}

ApiStatus Admission::mount_service_account_token(Json& pod, const Json& /*account*/) {
  std::string volume;
  if (const JsonArray* volumes = array_at(pod, "spec.volumes")) {
    for (const Json& present : *volumes) {
      if (string_at(present, "name").starts_with("kube-api-access-"))
        volume = string_at(present, "name");
    }
  }
  const bool is_new = volume.empty();
  if (is_new) volume = "kube-api-access-" + random_suffix(context_.rng);
  bool used = false;
  for (const std::string_view which : {"spec.initContainers", "spec.containers"}) {
    if (array_at(pod, which) == nullptr) continue;
    for (Json& container : ensure(pod, which).as_array()) {
      if (mounts_at(container, kTokenMountPath)) continue;
      list_at(container, "volumeMounts")
          .as_array()
          .push_back({{"name", volume}, {"readOnly", true}, {"mountPath", kTokenMountPath}});
      used = true;
    }
  }
  if (used && is_new) list_at(pod, "spec.volumes").as_array().push_back(token_volume(volume));
  return {};
}

}  // namespace lateen::sandbox
