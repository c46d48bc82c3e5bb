// The names of the entries in a backup's tarball (docs/formats/archive-index.md, velero's
// format 1.1.0):
//
//   metadata/version                                              "1.1.0\n", always first
//   resources/<gr>/namespaces/<ns>/<name>.json                    gr: "pods", "deployments.apps"
//   resources/<gr>/cluster/<name>.json
//   resources/<gr>/<version>-preferredversion/namespaces/…        the same bytes a second time
//   resources/<gr>/<version>/…                                    other versions
//   (EnableAPIGroupVersions), one copy
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace lateen::archive {

inline constexpr std::string_view kVersionEntry = "metadata/version";
inline constexpr std::string_view kFormatVersion = "1.1.0";

// Which object an entry holds. Views: whoever keeps a key keeps the text as well.
struct ItemKey {
  std::string_view group_resource;  // "pods", "deployments.apps"
  std::string_view ns;              // empty: cluster-scoped
  std::string_view name;
  std::string_view version;  // "v1"; empty when not known (backups of format 1 do not say it)
  bool preferred = true;     // in the server's preferred version: what a restore takes

  auto operator<=>(const ItemKey&) const = default;
};

enum class ItemCopy {
  Plain,      // without a version in its path
  Preferred,  // under <version>-preferredversion
  Versioned,  // under <version>: of a version that is not the preferred one
};

// The path of one copy. Preferred and Versioned need `key.version`.
std::string entry_name(const ItemKey& key, ItemCopy copy);
void append_entry_name(std::string& out, const ItemKey& key, ItemCopy copy);

struct ParsedEntryName {
  ItemKey key;  // views into the name that was parsed
  ItemCopy copy;
};

// Why no object of Kubernetes can be called so ("a namespace of more than 63 characters"); empty
// where one can.
std::string_view why_no_object(const ItemKey& key);

// Nothing if the entry is not an object: metadata, a folder that we do not know, an unsafe name.
// Such entries are passed over, as Velero does.
std::optional<ParsedEntryName> parse_entry_name(std::string_view entry);

}  // namespace lateen::archive
