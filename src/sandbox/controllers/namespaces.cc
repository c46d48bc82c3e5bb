#include "sandbox/controllers/namespaces.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kContentPause = std::chrono::milliseconds(100);
constexpr std::string_view kNamespaceFinalizer = "kubernetes";

std::string count_text(const std::map<std::string, std::size_t>& counts, std::string_view each) {
  std::vector<std::string> out;
  for (const auto& [name, count] : counts)
    out.push_back(fmt::format("{}{} {} resource instances", name, each, count));
  return join(out, ", ");
}

}  // namespace

NamespaceController::NamespaceController(ControllerContext& context)
    : Controller(context, "namespace-controller", 2) {
  caches().namespaces.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (now && kube::is_being_deleted(*now)) queue().add(std::string(kube::name_of(*now)));
  });
}

Result<LookAgain> NamespaceController::reconcile(const std::string& key, std::stop_token stop) {
  const ObjectPtr ns = caches().namespaces.find("", key);
  if (!ns || !kube::is_being_deleted(*ns)) return LookAgain();
  const Remaining remaining = TRY(remove_content(key, std::move(stop)));
  TRY(report(key, remaining));
  if (!remaining.by_resource.empty()) return LookAgain(kContentPause);
  TRY(finalize(key));
  return LookAgain();
}

Result<NamespaceController::Remaining> NamespaceController::remove_content(const std::string& ns,
                                                                           std::stop_token stop) {
  Remaining remaining;
  for (const ServedResource& served : api().resources()) {
    const kube::ResourceType& type = served.type;
    if (!type.namespaced || !type.has_verb("delete") || !type.has_verb("list") ||
        stop.stop_requested())
      continue;
    ListOptions options;
    options.ns = ns;
    // Most go at once, many sharing a commit; what stays, whatever the reason, is looked at below.
    DeleteOptions together;
    together.propagation_policy = "Background";
    (void)api().remove_collection(type.gvr, options, together);
    auto list = api().list(type.gvr, options);
    // A definition may go while we look: what was of it goes with it.
    if (!list && list.error().is(Code::NotFound)) continue;
    if (!list) return Error(list.error());
    for (const Json& object : list->items) {
      DeleteOptions removal;
      removal.propagation_policy = "Background";
      removal.preconditions.uid = kube::uid_of(object);
      bool gone = false;
      if (!kube::is_being_deleted(object)) {
        auto removed = api().remove(type.gvr, ns, kube::name_of(object), removal);
        if (!removed && !removed.error().is(Code::NotFound) && !removed.error().is(Code::Conflict))
          return Error(removed.error());
        gone = removed ? removed->gone : removed.error().is(Code::NotFound);
      }
      if (gone) continue;
      ++remaining.by_resource[type.group_resource()];
      if (const JsonArray* finalizers = array_at(object, "metadata.finalizers")) {
        for (const Json& finalizer : *finalizers)
          ++remaining.by_finalizer[std::string(as_text(&finalizer))];
      }
    }
  }
  return remaining;
}

// The conditions that `kubectl describe namespace` shows when one does not end.
Status NamespaceController::report(const std::string& ns, const Remaining& remaining) {
  const TimePoint at = now();
  auto written = api().modify(
      resources::kNamespaces, "", ns,
      [&](Json& object) -> Result<bool> {
        const JsonArray* before = array_at(object, "status.conditions");
        JsonArray conditions = before != nullptr ? *before : JsonArray();
        const bool content = !remaining.by_resource.empty();
        const bool held = !remaining.by_finalizer.empty();
        bool changed =
            set_condition(conditions, "NamespaceContentRemaining", content,
                          content ? "SomeResourcesRemain" : "ContentRemoved",
                          content ? fmt::format("Some resources are remaining: {}",
                                                count_text(remaining.by_resource, " has"))
                                  : "All content successfully removed",
                          at);
        changed |= set_condition(
            conditions, "NamespaceFinalizersRemaining", held,
            held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
            held ? fmt::format("Some content in the namespace has finalizers remaining: {}",
                               count_text(remaining.by_finalizer, " in"))
                 : "All content-preserving finalizers finished",
            at);
        for (Json& condition : conditions)
          condition.as_object().erase("lastUpdateTime");
        if (changed) lateen::ensure(object, "status.conditions") = std::move(conditions);
        return changed;
      },
      write_status_as(name()));
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

Status NamespaceController::finalize(const std::string& ns) {
  WriteOptions options = write_as(name());
  options.subresource = "finalize";
  auto written = api().modify(
      resources::kNamespaces, "", ns,
      [](Json& object) -> Result<bool> {
        JsonArray kept;
        const JsonArray* finalizers = array_at(object, "spec.finalizers");
        if (finalizers == nullptr || !kube::is_being_deleted(object)) return false;
        for (const Json& finalizer : *finalizers) {
          if (as_text(&finalizer) != kNamespaceFinalizer) kept.push_back(finalizer);
        }
        if (kept.size() == finalizers->size()) return false;
        lateen::ensure(object, "spec.finalizers") = std::move(kept);
        return true;
      },
      options);
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return Status();
}

NamespaceDefaultsController::NamespaceDefaultsController(ControllerContext& context,
                                                         std::string ca_pem)
    : Controller(context, "kube-controller-manager"), ca_pem_(std::move(ca_pem)) {
  follow(caches().namespaces);
  caches().service_accounts.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    if (!now) queue().add(std::string(kube::namespace_of(*before)));
  });
}

Result<LookAgain> NamespaceDefaultsController::reconcile(const std::string& key, std::stop_token) {
  const ObjectPtr ns = caches().namespaces.find("", key);
  if (!ns || kube::is_being_deleted(*ns)) return LookAgain();
  TRY(ensure(resources::kServiceAccounts, key,
             JsonObject{{"apiVersion", "v1"},
                        {"kind", "ServiceAccount"},
                        {"metadata", JsonObject{{"name", "default"}, {"namespace", key}}}}));
  TRY(ensure(
      resources::kConfigMaps, key,
      JsonObject{
          {"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           JsonObject{{"name", "kube-root-ca.crt"},
                      {"namespace", key},
                      {"annotations",
                       JsonObject{{"kubernetes.io/description",
                                   "Contains a CA bundle that can be used to verify the "
                                   "kube-apiserver when using internal "
                                   "endpoints such as the internal service IP or "
                                   "kubernetes.default.svc. No other usage is "
                                   "guaranteed across distributions of Kubernetes clusters."}}}}},
          {"data", JsonObject{{"ca.crt", ca_pem_}}}}));
  return LookAgain();
}

Status NamespaceDefaultsController::ensure(const kube::GroupVersionResource& gvr,
                                           const std::string& ns,
                                           Json object) {
  const std::string object_name(kube::name_of(object));
  auto present = api().get(gvr, ns, object_name);
  if (present) return Status();
  if (!present.error().is(Code::NotFound)) return Error(present.error());
  auto made = api().create(gvr, ns, std::move(object), write_as(name()));
  // Forbidden: the namespace has begun to end meanwhile.
  if (made || made.error().is(Code::AlreadyExists) || made.error().is(Code::Forbidden))
    return Status();
  return Error(made.error());
}

}  // namespace lateen::sandbox
