#include "restore/preview.h"

#include <algorithm>

namespace lateen::restore {
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

}  // namespace lateen::restore
