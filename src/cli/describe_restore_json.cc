// `restore describe -o json`, which Velero does not have: its own documents, as they are.
#include "base/json.h"
#include "cli/describe.h"

namespace lateen::cli {
namespace {

using model::DownloadTargetKind;

// A document that is not there says nothing: older servers write fewer.
void add_document(JsonObject& out,
                  std::string_view key,
                  DownloadTargetKind kind,
                  const DescribedRestore& described,
                  JsonArray& problems) {
  auto document = described.document(kind);
  if (!document && document.error().is(Code::NotFound)) return;
  const auto json = document ? parse_json(*document) : Result<Json>(document.error());
  if (json) {
    out[key] = *json;
  } else {
    problems.push_back(Json(fmt::format("{}: {}", model::to_string(kind), json.error().message())));
  }
}

}  // namespace

std::string describe_restore_json(const DescribedRestore& described, const DescribeStyle& style) {
  JsonObject out = {{"restore", model::to_json(described.restore)}};
  JsonArray problems;
  add_document(out, "results", DownloadTargetKind::RestoreResults, described, problems);
  add_document(out, "volumes", DownloadTargetKind::RestoreVolumeInfo, described, problems);
  add_document(out, "operations", DownloadTargetKind::RestoreItemOperations, described, problems);
  if (style.details)
    add_document(out, "resourceList", DownloadTargetKind::RestoreResourceList, described, problems);
  JsonArray pod_volumes;
  for (const model::PodVolumeRestore& one : described.pod_volumes)
    pod_volumes.push_back(model::to_json(one));
  out["podVolumeRestores"] = std::move(pod_volumes);
  if (!problems.empty()) out["problems"] = std::move(problems);
  return write_json_pretty(Json(std::move(out))) + "\n";
}

}  // namespace lateen::cli
