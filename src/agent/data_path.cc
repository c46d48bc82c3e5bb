#include "agent/data_path.h"

#include "agent/exposure.h"
#include "base/clock.h"
#include "base/thread.h"
#include "kube/object.h"

namespace lateen::agent {
namespace {

constexpr Duration kLookAtPod = std::chrono::milliseconds(500);
constexpr Duration kHearOfPodWithin = std::chrono::seconds(20);

Json access_point(const DataPathResult& result) {
  return JsonObject{{"byPath", result.path}, {"volumeMode", result.volume_mode}};
}

ByteCount count_at(const Json& result, std::string_view key) {
  const std::int64_t count = int_at(result, key).value_or(0);
  return count > 0 ? static_cast<ByteCount>(count) : 0;
}

}  // namespace

std::string write_result(std::string_view work, const DataPathResult& result) {
  JsonObject out;
  if (work == kBackupWork) {
    out["snapshotID"] = result.snapshot_id;
    out["emptySnapshot"] = result.snapshot_id.empty();
    out["source"] = access_point(result);
    out["incrementalBytes"] = static_cast<std::int64_t>(result.incremental);
    if (!result.remark.empty()) out["remark"] = result.remark;
  } else {
    out["target"] = access_point(result);
  }
  out["totalBytes"] = static_cast<std::int64_t>(result.total);
  return write_json(out);
}

Result<DataPathResult> parse_result(std::string_view work, std::string_view message) {
  const Json json = TRY(parse_json(message).wrap("what its pod says of the data"));
  const Json* point = find(json, work == kBackupWork ? "source" : "target");
  DataPathResult result{.total = count_at(json, "totalBytes"),
                        .snapshot_id = std::string(string_at(json, "snapshotID")),
                        .incremental = count_at(json, "incrementalBytes"),
                        .remark = std::string(string_at(json, "remark"))};
  if (point != nullptr) {
    result.path = string_at(*point, "byPath");
    result.volume_mode = string_at(*point, "volumeMode");
  }
  const bool empty = bool_at(json, "emptySnapshot").value_or(false);
  if (work == kBackupWork && result.snapshot_id.empty() && !empty) {
    return Error(Code::Unavailable, "its pod ended well, and names no snapshot: {}", message);
  }
  return result;
}

std::optional<PodEnd> end_of_pod(const Json& pod) {
  const std::string_view phase = string_at(pod, "status.phase");
  if (phase != "Succeeded" && phase != "Failed") return std::nullopt;
  const JsonArray* statuses = array_at(pod, "status.containerStatuses");
  if (statuses == nullptr || statuses->empty()) return std::nullopt;
  const std::string_view message = string_at(statuses->front(), "state.terminated.message");
  if (message.empty()) return std::nullopt;
  PodEnd end{.how = PodEnding::Failed, .message = std::string(message)};
  if (phase == "Succeeded") end.how = PodEnding::Completed;
  if (phase == "Failed" && message.ends_with(kCanceledMessage)) end.how = PodEnding::Canceled;
  return end;
}

bool has_outcome(const Json& pod) {
  const auto end = end_of_pod(pod);
  return end && end->how != PodEnding::Canceled;
}

std::optional<model::DataProgress> progress_in(const Json& events) {
  const JsonArray* items = array_at(events, "items");
  if (items == nullptr) return std::nullopt;
  std::optional<model::DataProgress> furthest;
  for (const Json& event : *items) {
    if (string_at(event, "reason") != kProgressEvent) continue;
    const auto said = parse_json(string_at(event, "message"));
    if (!said) continue;
    const model::DataProgress one{
        .total_bytes = static_cast<std::int64_t>(count_at(*said, "totalBytes")),
        .bytes_done = static_cast<std::int64_t>(count_at(*said, "doneBytes"))};
    if (!furthest || one.bytes_done > furthest->bytes_done) furthest = one;
  }
  return furthest;
}

Result<std::optional<PodEnd>> wait_for_end(kube::Client& client,
                                           const Json& pod,
                                           std::stop_token stop) {
  const kube::ObjectPath path{.gvr = {"", "v1", "pods"},
                              .ns = std::string(kube::namespace_of(pod)),
                              .name = std::string(kube::name_of(pod))};
  Deadline heard_by = Deadline::after(kHearOfPodWithin);
  do {
    const auto now = client.get(path, {}, stop);
    if (!now && now.error().is(Code::NotFound)) return std::optional<PodEnd>();
    if (!now) continue;  // the API server comes back, or we are told to stop
    if (kube::uid_of(*now) != kube::uid_of(pod)) return std::optional<PodEnd>();
    const std::string_view phase = string_at(*now, "status.phase");
    if (phase == "Succeeded" || phase == "Failed") return end_of_pod(*now);
    if (is_pod_heard_of(*now)) heard_by = Deadline::after(kHearOfPodWithin);
    if (heard_by.expired()) return std::optional<PodEnd>();
  } while (sleep_unless_stopped(kLookAtPod, stop));
  return Error(Code::Canceled, "told to stop");
}

}  // namespace lateen::agent
