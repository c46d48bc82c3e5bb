#include "restore/preview.h"

#include <algorithm>

#include "base/text.h"
#include "model/names.h"

namespace lateen::restore {
namespace {

constexpr std::size_t kMaxChanges = 50;
constexpr std::size_t kMaxShown = 120;  // bytes of a value
constexpr std::string_view kMasked = "***";

// What of a Secret tells nothing: who it is, and not what it holds.
bool is_open_in_secrets(std::string_view path) {
  return path == "type" || path == "immutable" || path.starts_with("metadata.labels") ||
         path == "metadata.name" || path == "metadata.namespace";
}

std::string shown(const Json* value, std::string_view path, bool is_secret) {
  if (value == nullptr || value->is_null()) return {};
  if (is_secret && !is_open_in_secrets(path)) return std::string(kMasked);
  std::string text = write_json(*value);
  if (text.size() > kMaxShown) text = to_valid_utf8(text.substr(0, kMaxShown)) + "…";
  return text;
}

void add_changes(std::vector<FieldChange>& changes,
                 const std::string& path,
                 const Json* there,
                 const Json& patch,
                 bool is_secret) {
  if (changes.size() >= kMaxChanges) return;
  const bool is_labels = path == "metadata" || path == "metadata.labels";
  if (patch.is_object() && (is_labels || (there != nullptr && there->is_object()))) {
    for (const auto& [key, value] : patch.as_object()) {
      const std::string_view name(key.data(), key.size());
      // They say where an object comes from, not what it is.
      if (name == model::labels::kBackupName || name == model::labels::kRestoreName) continue;
      const bool is_plain = name.find('.') == std::string_view::npos;
      add_changes(changes,
                  fmt::format("{}{}{}", path, path.empty() ? "" : ".",
                              is_plain ? std::string(name) : fmt::format("[{}]", name)),
                  find(there, JsonKey{name}), value, is_secret);
    }
    return;
  }
  changes.push_back({.path = path,
                     .in_cluster = shown(there, path, is_secret),
                     .in_backup = shown(&patch, path, is_secret)});
}

}  // namespace

std::string_view to_string(PreviewAction action) {
  switch (action) {
    case PreviewAction::Create:
      return "create";
    case PreviewAction::Same:
      return "same";
    case PreviewAction::Differs:
      return "differs";
    case PreviewAction::Update:
      return "update";
    case PreviewAction::Recreate:
      return "recreate";
    case PreviewAction::Conflict:
      return "conflict";
    case PreviewAction::Skipped:
      return "skipped";
    case PreviewAction::MissingCrd:
      return "missing CRD";
    case PreviewAction::MissingStorageClass:
      return "missing StorageClass";
    case PreviewAction::Denied:
      return "denied";
    case PreviewAction::Broken:
      return "broken";
  }
  return "broken";
}

bool RestorePreview::has_changes() const {
  return std::any_of(items.begin(), items.end(), [](const PreviewedItem& item) {
    return item.action == PreviewAction::Create || item.action == PreviewAction::Update ||
           item.action == PreviewAction::Recreate;
  });
}

bool RestorePreview::has_problems() const {
  return results.errors.count() > 0 ||
         std::any_of(items.begin(), items.end(), [](const PreviewedItem& item) {
           return item.action >= PreviewAction::MissingCrd ||
                  item.action == PreviewAction::Conflict;
         });
}

std::vector<FieldChange> changes_of(const Json& there, const Json& patch, bool is_secret) {
  std::vector<FieldChange> changes;
  add_changes(changes, {}, &there, patch, is_secret);
  return changes;
}

}  // namespace lateen::restore
