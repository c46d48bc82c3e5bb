#include "sandbox/event_recorder.h"

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

// Past this many different events the counting starts over: memory stays bounded.
constexpr std::size_t kMostEventsRemembered = 4096;

}  // namespace

EventRecorder::EventRecorder(Api& api, const Clock& clock, std::string component)
    : api_(api), clock_(clock), component_(std::move(component)) {}

void EventRecorder::record(const Json& object,
                           std::string_view type,
                           std::string_view reason,
                           std::string_view message) {
  const std::string ns(kube::namespace_of(object).empty() ? "default" : kube::namespace_of(object));
  const std::string key = fmt::format("{}/{}/{}", kube::uid_of(object), reason, message);
  const std::string now = format_rfc3339(clock_.now());
  Recorded known;
  {
    Lock lock(mu_);
    if (recorded_.size() > kMostEventsRemembered) recorded_.clear();
    Recorded& entry = recorded_[key];
    if (entry.count++ == 0) {
      entry.ns = ns;
      entry.name = fmt::format("{}.{:016x}", kube::name_of(object), random_u64(rng_));
    }
    known = entry;
  }
  // Events are best effort, as everywhere in Kubernetes: a namespace that is being deleted takes
  // none.
  if (known.count > 1) {
    const Json patch = JsonObject{{"count", known.count}, {"lastTimestamp", now}};
    (void)api_.patch(resources::kEvents, known.ns, known.name, PatchType::Merge, patch,
                     write_as(component_));
    return;
  }
  Json event = JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", JsonObject{{"name", known.name}, {"namespace", ns}}},
      {"involvedObject", JsonObject{{"apiVersion", kube::api_version_of(object)},
                                    {"kind", kube::kind_of(object)},
                                    {"name", kube::name_of(object)},
                                    {"uid", kube::uid_of(object)},
                                    {"resourceVersion", kube::resource_version_of(object)}}},
      {"type", type},
      {"reason", reason},
      {"message", message},
      {"firstTimestamp", now},
      {"lastTimestamp", now},
      {"count", 1},
      {"source", JsonObject{{"component", component_}}},
      {"reportingComponent", component_},
      {"reportingInstance", kNodeName}};
  if (!kube::namespace_of(object).empty())
    event.at("involvedObject").as_object()["namespace"] = kube::namespace_of(object);
  (void)api_.create(resources::kEvents, ns, std::move(event), write_as(component_));
}

}  // namespace lateen::sandbox
