#include "server/restore_rights.h"

#include "base/clock.h"
#include "base/json.h"

namespace lateen::server {
namespace {

// A real API server's authorizer follows bindings by a watch: it takes moments.
constexpr Duration kRightsWait = std::chrono::seconds(10);
constexpr Duration kRightsPoll = std::chrono::milliseconds(50);
// Removing does not hear a stop: it must not be left out because the server is stopping.
constexpr Duration kUnbindWithin = std::chrono::seconds(10);

const kube::GroupVersionResource kRoleBindings{"rbac.authorization.k8s.io", "v1",
                                               "clusterrolebindings"};

}  // namespace

RestoreRights::Hold::Hold(Hold&& other) noexcept : rights_(std::exchange(other.rights_, nullptr)) {}

RestoreRights::Hold::~Hold() {
  if (rights_ != nullptr) rights_->give_back();
}

RestoreRights::RestoreRights(kube::Client& client, RestoreRole role, Log log)
    : client_(client), role_(std::move(role)), log_(std::move(log)) {}

Result<RestoreRights::Hold> RestoreRights::acquire(std::stop_token stop) {
  const Lock lock(mu_);
  if (holders_ == 0) TRY(bind(stop).wrap("taking the rights for a restore"));
  ++holders_;
  return Hold(*this);
}

Status RestoreRights::remove_left(std::stop_token stop) {
  const Lock lock(mu_);
  if (holders_ > 0 || !may_be_bound_) return {};
  TRY(unbind(stop).wrap("removing the rights of a restore that is over"));
  may_be_bound_ = false;
  return {};
}

void RestoreRights::give_back() {
  const Lock lock(mu_);
  if (--holders_ > 0) return;
  if (const Status done = unbind({}); !done) {
    log_.error("Could not give back the rights of a restore; trying again",
               {{"clusterRoleBinding", role_.role}, {"error", done.error()}});
    return;
  }
  may_be_bound_ = false;
  log_.info("Gave back the rights of a restore", {{"clusterRoleBinding", role_.role}});
}

Status RestoreRights::bind(std::stop_token stop) {
  const Json binding = JsonObject{
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "ClusterRoleBinding"},
      {"metadata",
       JsonObject{{"name", role_.role}, {"labels", JsonObject{{"component", "velero"}}}}},
      {"roleRef", JsonObject{{"apiGroup", "rbac.authorization.k8s.io"},
                             {"kind", "ClusterRole"},
                             {"name", role_.role}}},
      {"subjects",
       JsonArray{JsonObject{
           {"kind", "ServiceAccount"}, {"name", role_.account}, {"namespace", role_.ns}}}}};
  may_be_bound_ = true;
  auto made = client_.create({.gvr = kRoleBindings}, binding, {}, stop);
  if (!made && !made.error().is(Code::AlreadyExists)) {
    return std::move(made).error().with_hint(fmt::format(
        "The server needs `create` on clusterrolebindings and `bind` on ClusterRole {}; "
        "see docs/how-to/least-privilege.md.",
        role_.role));
  }
  const Deadline deadline = Deadline::after(kRightsWait);
  while (!has_effect(stop)) {
    if (deadline.expired()) {
      // A role that was made smaller on purpose: what it lacks is said of each object.
      log_.warning("The restore role does not allow to create everything",
                   {{"clusterRole", role_.role}});
      break;
    }
    if (!sleep_unless_stopped(kRightsPoll, stop))
      return Error(Code::Canceled, "the server is stopping");
  }
  log_.info("Took the rights for a restore", {{"clusterRoleBinding", role_.role}});
  return {};
}

bool RestoreRights::has_effect(std::stop_token stop) {
  const Json review = JsonObject{
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SelfSubjectAccessReview"},
      {"spec", JsonObject{{"resourceAttributes",
                           JsonObject{{"verb", "create"}, {"group", "*"}, {"resource", "*"}}}}}};
  const auto answer = client_.create(
      {.gvr = {"authorization.k8s.io", "v1", "selfsubjectaccessreviews"}}, review, {}, stop);
  const Json* allowed = answer ? find(*answer, "status.allowed") : nullptr;
  return allowed != nullptr && allowed->is_bool() && allowed->get_bool();
}

Status RestoreRights::unbind(std::stop_token stop) {
  const auto removed = client_.remove({.gvr = kRoleBindings, .name = role_.role},
                                      {.deadline = Deadline::after(kUnbindWithin)}, stop);
  if (removed || removed.error().is(Code::NotFound)) return {};
  return Error(removed.error());
}

Result<RestoreRights::Hold> hold_restore_rights(RestoreRights* rights, std::stop_token stop) {
  if (rights == nullptr) return RestoreRights::Hold();
  return rights->acquire(std::move(stop));
}

}  // namespace lateen::server
