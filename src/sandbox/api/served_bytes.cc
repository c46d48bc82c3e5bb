#include "sandbox/api/served_bytes.h"

#include <fmt/format.h>

#include "sandbox/api/conversion.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

Bytes served_bytes(const ServedType& type, const StoredObject& object) {
  // A custom resource may have been stored in what was the storage version then.
  const std::string head = fmt::format("{{\"kind\":{},\"apiVersion\":{},", quoted(type.kind()),
                                       quoted(type.api_version()));
  if (object.bytes.starts_with(head)) return object.bytes;
  auto tree = parse_stored(object);
  if (!tree) return object.bytes;
  return write_json_unsorted(to_served(type, std::move(*tree)));
}

Bytes list_metadata(const StoredList& list) {
  Bytes out = fmt::format("{{\"resourceVersion\":\"{}\"", list.revision);
  if (!list.continue_token.empty())
    out += fmt::format(",\"continue\":{}", quoted(list.continue_token));
  if (list.remaining_item_count)
    out += fmt::format(",\"remainingItemCount\":{}", *list.remaining_item_count);
  return out + "}";
}

Bytes list_bytes(const ServedType& type, const StoredList& list) {
  Bytes out = fmt::format("{{\"kind\":{},\"apiVersion\":{},\"metadata\":{},\"items\":[",
                          quoted(type.list_kind), quoted(type.api_version()), list_metadata(list));
  std::size_t total = out.size();
  for (const StoredPtr& object : list.objects)
    total += object->bytes.size() + 1;
  out.reserve(total + 2);
  const bool raw = type.is_storage_version() && !type.custom;
  bool first = true;
  for (const StoredPtr& object : list.objects) {
    if (!first) out += ',';
    first = false;
    if (raw) {
      out += '{';
      out.append(object->bytes, object->body);
    } else {
      out += served_bytes(type, *object);
    }
  }
  return out.append("]}");
}

Bytes watch_line(std::string_view type, BytesView object) {
  Bytes line;
  line.reserve(object.size() + 40);
  line.append("{\"type\":\"").append(type).append("\",\"object\":").append(object).append("}\n");
  return line;
}

Bytes bookmark_bytes(std::string_view kind,
                     std::string_view api_version,
                     const StoredEvent& event) {
  const std::string_view end =
      event.initial_events_end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "";
  return fmt::format(
      R"({{"kind":{},"apiVersion":{},"metadata":{{"resourceVersion":"{}","creationTimestamp":null{}}}}})",
      quoted(kind), quoted(api_version), event.revision, end);
}

}  // namespace lateen::sandbox
