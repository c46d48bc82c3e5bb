#include "sandbox/controllers/revisions.h"

#include <algorithm>

#include "kube/object.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {

Result<std::string> ensure_revision(Api& api,
                                    const ObjectCache& revisions,
                                    const Json& owner,
                                    std::string_view field_manager,
                                    std::stop_token stop) {
  Json pod_template = *find(owner, "spec.template");
  const std::string hash = template_hash(pod_template);
  const std::string revision_name = fmt::format("{}-{}", kube::name_of(owner), hash);
  std::int64_t newest = 0;
  for (const ObjectPtr& revision : TRY(claim_owned(api, revisions, owner, field_manager, stop))) {
    if (kube::name_of(*revision) == revision_name) return revision_name;
    newest = std::max(newest, int_at(*revision, "revision").value_or(0));
  }
  pod_template.as_object()["$patch"] = "replace";
  Json revision = JsonObject{
      {"apiVersion", "apps/v1"},
      {"kind", "ControllerRevision"},
      {"metadata", JsonObject{{"name", revision_name}, {"namespace", kube::namespace_of(owner)}}},
      {"data", JsonObject{{"spec", JsonObject{{"template", std::move(pod_template)}}}}},
      {"revision", newest + 1}};
  if (const Json* labels = find(owner, "spec.template.metadata.labels"))
    ensure(revision, "metadata.labels") = *labels;
  kube::set_label(revision, kRevisionHashLabel, hash);
  kube::add_owner_reference(revision, kube::owner_reference_to(owner, true));
  auto made = create_seen(api, revisions, std::move(revision), field_manager, std::move(stop));
  if (!made && !made.error().is(Code::AlreadyExists)) return std::move(made).error();
  return revision_name;
}

}  // namespace lateen::sandbox
