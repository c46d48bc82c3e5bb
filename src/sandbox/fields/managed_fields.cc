#include "sandbox/fields/managed_fields.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "sandbox/fields/field_walk.h"

namespace lateen::sandbox {

namespace {

// What nobody owns, since the API server sets it.
void strip_unowned(FieldSet& set) {
  set.set_member(false);
  set.erase("f:apiVersion");
  set.erase("f:kind");
  if (set.child("f:metadata") == nullptr) return;
  FieldSet& metadata = set.ensure("f:metadata");
  metadata.set_member(false);
  static constexpr std::array<const char*, 11> kUnowned = {"f:name",
                                                           "f:namespace",
                                                           "f:creationTimestamp",
                                                           "f:selfLink",
                                                           "f:uid",
                                                           "f:generation",
                                                           "f:managedFields",
                                                           "f:resourceVersion",
                                                           "f:deletionTimestamp",
                                                           "f:deletionGracePeriodSeconds",
                                                           "f:clusterName"};
  for (const char* name : kUnowned)
    metadata.erase(name);
  if (metadata.empty()) set.erase("f:metadata");
}

// Without what would be compared in vain.
Json without_managed_fields(Json object) {
  erase(object, "metadata.managedFields");
  erase(object, "metadata.resourceVersion");
  return object;
}

FieldChanges owned_changes(const Json& from,
                           const Json& to,
                           const FieldSchema& schema,
                           bool ignores_status) {
  FieldChanges changes =
      compare_fields(without_managed_fields(from), without_managed_fields(to), schema);
  for (FieldSet* set : {&changes.added, &changes.modified, &changes.removed}) {
    strip_unowned(*set);
    if (ignores_status) set->erase("f:status");
  }
  return changes;
}

ManagedEntry& entry_of(std::vector<ManagedEntry>& entries, const ManagedEntry& wanted) {
  const auto found = std::ranges::find_if(
      entries, [&wanted](const ManagedEntry& entry) { return entry.is_same_writer(wanted); });
  if (found != entries.end()) return *found;
  entries.push_back(wanted);
  return entries.back();
}

// Others lose what was changed under them, everyone loses what is gone.
void take_from_others(std::vector<ManagedEntry>& entries,
                      const ManagedEntry& writer,
                      const FieldChanges& changes) {
  const FieldSet touched = changes.added.united(changes.modified);
  for (ManagedEntry& entry : entries) {
    if (!entry.is_same_writer(writer)) entry.fields = entry.fields.without(touched);
    entry.fields = entry.fields.without(changes.removed);
  }
}

}  // namespace

bool ManagedEntry::is_same_writer(const ManagedEntry& other) const {
  if (manager != other.manager || operation != other.operation || subresource != other.subresource)
    return false;
  return operation == "Apply" || api_version == other.api_version;
}

std::vector<ManagedEntry> parse_managed_fields(const Json& object) {
  std::vector<ManagedEntry> entries;
  const JsonArray* list = array_at(object, "metadata.managedFields");
  if (list == nullptr) return entries;
  for (const Json& item : *list) {
    const Json* fields = find(item, "fieldsV1");
    if (fields == nullptr) continue;
    entries.push_back({.manager = std::string(string_at(item, "manager")),
                       .operation = std::string(string_at(item, "operation")),
                       .api_version = std::string(string_at(item, "apiVersion")),
                       .subresource = std::string(string_at(item, "subresource")),
                       .time = std::string(string_at(item, "time")),
                       .fields = FieldSet::from_json(*fields)});
  }
  return entries;
}

void write_managed_fields(Json& object, std::vector<ManagedEntry> entries) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  if (entries.empty()) {
    erase(object, "metadata.managedFields");
    return;
  }
  std::ranges::stable_sort(entries, {}, [](const ManagedEntry& e) {
    return std::tuple(e.operation, e.time, e.manager, e.api_version, e.subresource);
  });
  JsonArray list;
  for (const ManagedEntry& entry : entries) {
    JsonObject item;
    item["manager"] = entry.manager;
    item["operation"] = entry.operation;
    item["apiVersion"] = entry.api_version;
    if (!entry.time.empty()) item["time"] = entry.time;
    item["fieldsType"] = "FieldsV1";
    item["fieldsV1"] = entry.fields.to_json();
    if (!entry.subresource.empty()) item["subresource"] = entry.subresource;
    list.push_back(std::move(item));
  }
  ensure(object, "metadata.managedFields") = std::move(list);
}

void record_update(const Json* old_object,
                   Json& object,
                   const FieldWriter& writer,
                   const FieldSchema& schema,
                   std::string_view now) {
  std::vector<ManagedEntry> entries = parse_managed_fields(object);
  const JsonArray* brought = array_at(object, "metadata.managedFields");
  // [{}] asks for a fresh start.
  const bool reset = brought != nullptr && brought->size() == 1 && (*brought)[0].is_object() &&
                     (*brought)[0].as_object().empty();
  if (entries.empty() && !reset && old_object != nullptr)
    entries = parse_managed_fields(*old_object);

  const Json nothing = JsonObject{{"metadata", JsonObject{}}};
  const FieldChanges changes = owned_changes(old_object != nullptr ? *old_object : nothing, object,
                                             schema, writer.ignores_status);
  const ManagedEntry wanted{.manager = writer.manager,
                            .operation = "Update",
                            .api_version = writer.api_version,
                            .subresource = writer.subresource,
                            .time = std::string(now),
                            .fields = {}};
  take_from_others(entries, wanted, changes);
  const FieldSet touched = changes.added.united(changes.modified);
  if (!touched.empty()) {
    ManagedEntry& entry = entry_of(entries, wanted);
    FieldSet fields = entry.fields.united(touched);
    if (!(fields == entry.fields)) entry.time = now;
    entry.fields = std::move(fields);
  }
  write_managed_fields(object, std::move(entries));
}

namespace {

// A field with something of `owned` in it is not gone itself: what kubectl took over from
// client-side apply names data and labels themselves, which an applied configuration does not.
FieldSet without_parents_of(const FieldSet& gone, const FieldSet& owned) {
  FieldSet out;
  for (const auto& [element, below] : gone.children()) {
    const FieldSet* kept = owned.child(element);
    out.adopt(element, kept == nullptr ? below : without_parents_of(below, *kept));
  }
  return out;
}

}  // namespace

Applied apply_config(const Json& live,
                     const Json& config,
                     const FieldWriter& writer,
                     bool force,
                     const FieldSchema& schema,
                     std::string_view now) {
  std::vector<ManagedEntry> entries = parse_managed_fields(live);
  const ManagedEntry wanted{.manager = writer.manager,
                            .operation = "Apply",
                            .api_version = writer.api_version,
                            .subresource = writer.subresource,
                            .time = std::string(now),
                            .fields = {}};
  FieldSet applied = fields_of(config, schema);
  strip_unowned(applied);
  if (writer.ignores_status) applied.erase("f:status");

  FieldSet last;
  FieldSet others;
  for (const ManagedEntry& entry : entries) {
    if (entry.is_same_writer(wanted)) {
      last = entry.fields;
    } else {
      others = others.united(entry.fields);
    }
  }
  Applied out{.object = merge_config(without_managed_fields(live), config, schema),
              .conflicts = {}};
  const FieldSet gone = last.without(applied).without(others);
  remove_fields(out.object, without_parents_of(gone, applied.united(others)), schema);

  const FieldChanges changes = owned_changes(live, out.object, schema, writer.ignores_status);
  const FieldSet touched = changes.added.united(changes.modified);
  if (!force) {
    for (const ManagedEntry& entry : entries) {
      if (entry.is_same_writer(wanted)) continue;
      std::string who = fmt::format("conflict with {}", write_json(Json(entry.manager)));
      if (!entry.subresource.empty())
        who += fmt::format(" with subresource \"{}\"", entry.subresource);
      if (entry.operation == "Update") who += fmt::format(" using {}", entry.api_version);
      for (FieldPath& path : entry.fields.intersected(touched).paths()) {
        out.conflicts.push_back({.manager = entry.manager, .text = who, .path = std::move(path)});
      }
    }
    if (!out.conflicts.empty()) return out;
  }
  take_from_others(entries, wanted, changes);
  ManagedEntry& entry = entry_of(entries, wanted);
  if (!(entry.fields == applied)) entry.time = now;
  entry.api_version = writer.api_version;
  entry.fields = std::move(applied);
  write_managed_fields(out.object, std::move(entries));
  return out;
}

}  // namespace lateen::sandbox
