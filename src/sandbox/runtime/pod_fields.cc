#include "sandbox/runtime/pod_fields.h"

#include <map>

#include <unistd.h>

#include "base/quantity.h"
#include "base/text.h"
#include "base/thread.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox {
namespace {

// "metadata.labels['app']" → app; nothing for another shape.
std::optional<std::string_view> subscript(std::string_view path, std::string_view map) {
  if (!path.starts_with(map)) return std::nullopt;
  path.remove_prefix(map.size());
  if (path.size() < 4 || !path.starts_with("['") || !path.ends_with("']")) return std::nullopt;
  return path.substr(2, path.size() - 4);
}

Quantity whole_node(std::string_view kind) {
  if (kind == "cpu") return Quantity::from(static_cast<std::int64_t>(hardware_threads()));
  if (kind == "memory") {
    return Quantity::from(static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) *
                          sysconf(_SC_PAGESIZE));
  }
  return Quantity();
}

}  // namespace

Result<std::string> pod_field(const Json& pod, std::string_view path, const PodAddress& address) {
  if (path == "status.podIP" || path == "status.podIPs") return address.pod_ip;
  if (path == "status.hostIP" || path == "status.hostIPs") return address.host_ip;
  if (path == "spec.nodeName") {
    const std::string_view node = string_at(pod, path);
    return std::string(node.empty() ? kNodeName : node);
  }
  if (path == "metadata.labels") return pod_map_text(kube::labels_of(pod));
  if (path == "metadata.annotations") return pod_map_text(kube::annotations_of(pod));
  if (const auto key = subscript(path, "metadata.labels"))
    return std::string(kube::label_of(pod, *key));
  if (const auto key = subscript(path, "metadata.annotations"))
    return std::string(kube::annotation_of(pod, *key));
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid" ||
      path == "spec.serviceAccountName") {
    return std::string(string_at(pod, path));
  }
  return Error(Code::InvalidArgument, "unsupported fieldPath: {}", path);
}

std::string pod_map_text(const JsonObject* map) {
  std::string out;
  for (const auto& [key, value] : kube::to_labels(map))
    out += fmt::format("{}={}\n", key, quote_go(value));
  if (!out.empty()) out.pop_back();
  return out;
}

Result<std::string> container_resource(const Json& container,
                                       std::string_view resource,
                                       std::string_view divisor) {
  const Cut parts = cut(resource, ".");
  const Json* set = find(container, fmt::format("resources.{}", parts.before));
  const std::string_view asked = as_text(find(set, JsonKey{parts.after}));
  const Quantity amount = asked.empty()
                              ? (parts.before == "limits" ? whole_node(parts.after) : Quantity())
                              : TRY(Quantity::parse(asked));
  const Quantity unit =
      divisor.empty() || divisor == "0" ? Quantity::from(1) : TRY(Quantity::parse(divisor));
  const std::int64_t milli_unit = std::max<std::int64_t>(1, unit.milli_value());
  if (milli_unit < 1000)
    return fmt::format("{}", (amount.milli_value() + milli_unit - 1) / milli_unit);
  const std::int64_t whole_unit = std::max<std::int64_t>(1, unit.value());
  return fmt::format("{}", (amount.value() + whole_unit - 1) / whole_unit);
}

}  // namespace lateen::sandbox
