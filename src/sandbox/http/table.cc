#include "sandbox/http/table.h"

#include <utility>

#include <fmt/format.h>

#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/served_bytes.h"
#include "sandbox/schema/tables.h"

namespace lateen::sandbox {

AnswerPrinter::AnswerPrinter(const ServedType& type,
                             const AnswerFormat& format,
                             std::string_view include_object,
                             TimePoint now)
    : type_(type), format_(format), include_object_(include_object), now_(now) {}

Json AnswerPrinter::tree(const StoredObject& object) const {
  auto parsed = parse_stored(object);
  return parsed ? to_served(type_, std::move(*parsed)) : Json(JsonObject{});
}

Bytes AnswerPrinter::partial(const Json& object) const {
  const Json* metadata = find(object, "metadata");
  return fmt::format(
      R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":{}}})",
      format_.meta_version, metadata != nullptr ? write_json_unsorted(*metadata) : "{}");
}

Json AnswerPrinter::row(const Json& object) const {
  JsonObject out;
  if (type_.custom) {
    out["cells"] = schema::custom_cells(&type_.custom->printer_columns, object, now_);
  } else {
    // Cells are made of the stored form: one printer for all versions of a kind.
    const schema::Resource& kind = *type_.builtin;
    out["cells"] = schema::table_cells(kind.storage_group, kind.storage_version, kind.kind,
                                       to_storage(type_, object), now_);
  }
  if (include_object_ == "Object") {
    out["object"] = object;
  } else if (include_object_ != "None") {
    const Json* metadata = find(object, "metadata");
    out["object"] = {{"kind", "PartialObjectMetadata"},
                     {"apiVersion", "meta.k8s.io/" + format_.meta_version},
                     {"metadata", metadata != nullptr ? *metadata : Json(JsonObject{})}};
  }
  return out;
}

Bytes AnswerPrinter::table(std::string_view metadata, const std::vector<Json>& objects) const {
  const std::vector<schema::Column> columns =
      type_.custom ? schema::custom_columns(&type_.custom->printer_columns)
                   : schema::table_columns(type_.builtin->storage_group,
                                           type_.builtin->storage_version, type_.kind());
  Bytes out = fmt::format(
      R"({{"kind":"Table","apiVersion":"meta.k8s.io/{}","metadata":{},"columnDefinitions":{},"rows":[)",
      format_.meta_version, metadata, write_json_unsorted(schema::to_json(columns)));
  bool first = true;
  for (const Json& object : objects) {
    if (!first) out += ',';
    first = false;
    out += write_json_unsorted(row(object));
  }
  return out + "]}";
}

Bytes AnswerPrinter::one(const Json& object) const {
  switch (format_.form) {
    case AnswerForm::Object:
      return write_json_unsorted(object);
    case AnswerForm::PartialMetadata:
      return partial(object);
    case AnswerForm::Table:
      break;
  }
  return table(fmt::format("{{\"resourceVersion\":\"{}\"}}", kube::resource_version_of(object)),
               {object});
}

Bytes AnswerPrinter::one(const StoredObject& object) const {
  if (format_.form == AnswerForm::Object) return served_bytes(type_, object);
  return one(tree(object));
}

Bytes AnswerPrinter::list(const StoredList& list) const {
  if (format_.form == AnswerForm::Object) return list_bytes(type_, list);
  if (format_.form == AnswerForm::Table) {
    std::vector<Json> objects;
    objects.reserve(list.objects.size());
    for (const StoredPtr& object : list.objects)
      objects.push_back(tree(*object));
    return table(list_metadata(list), objects);
  }
  Bytes out = fmt::format(
      R"({{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{}","metadata":{},"items":[)",
      format_.meta_version, list_metadata(list));
  bool first = true;
  for (const StoredPtr& object : list.objects) {
    if (!first) out += ',';
    first = false;
    out += partial(tree(*object));
  }
  return out + "]}";
}

Bytes AnswerPrinter::bookmark(const StoredEvent& event) const {
  if (format_.form == AnswerForm::Table) {
    return table(fmt::format("{{\"resourceVersion\":\"{}\"}}", event.revision), {});
  }
  if (format_.form == AnswerForm::PartialMetadata) {
    return bookmark_bytes("PartialObjectMetadata", "meta.k8s.io/" + format_.meta_version, event);
  }
  return bookmark_bytes(type_.kind(), type_.api_version(), event);
}

}  // namespace lateen::sandbox
