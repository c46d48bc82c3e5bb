#include "base/thread.h"
#include "bench/commands.h"
#include "bench/measure.h"
#include "bench/objects.h"
#include "kube/object.h"

namespace lateen::bench {
namespace {

const kube::GroupVersionResource kNamespaceType{"", "v1", "namespaces"};
const kube::GroupVersionResource kDefinitionType{"apiextensions.k8s.io", "v1",
                                                 "customresourcedefinitions"};

Status wait_established(kube::Client& client, std::stop_token stop) {
  const kube::ObjectPath path{.gvr = kDefinitionType, .name = "widgets.bench.lateen.example"};
  const Deadline deadline = Deadline::after(std::chrono::seconds(30));
  while (!kube::is_condition_true(TRY(client.get(path, {}, stop)), "Established")) {
    if (deadline.expired()) return Error(Code::DeadlineExceeded, "the CRD is not established");
    if (!sleep_unless_stopped(std::chrono::milliseconds(50), stop)) {
      return Error(Code::Canceled, "stopped");
    }
  }
  return {};
}

}  // namespace

Result<JsonObject> load(kube::Client& client,
                        std::size_t objects,
                        std::size_t connections,
                        Mix mix,
                        std::stop_token stop) {
  TRY(client.create_raw({.gvr = kDefinitionType}, widget_definition(), {}, stop));
  TRY(wait_established(client, stop));
  for (std::size_t i = 0; i < kNamespaces; ++i) {
    const Json ns = JsonObject{{"apiVersion", "v1"},
                               {"kind", "Namespace"},
                               {"metadata", JsonObject{{"name", namespace_name(i)}}}};
    TRY(client.create({.gvr = kNamespaceType}, ns, {}, stop));
  }
  const Stopwatch watch;
  TRY(parallel_for(
      objects, connections,
      [&client, mix](std::size_t i, std::stop_token s) -> Status {
        const BenchObject object = mix == Mix::Secrets ? make_secret(i) : make_object(i);
        TRY(client.create_raw(object.collection, object.json, {}, s));
        return {};
      },
      stop));
  JsonObject answer = cost(watch);
  answer["objects"] = objects;
  return answer;
}

}  // namespace lateen::bench
