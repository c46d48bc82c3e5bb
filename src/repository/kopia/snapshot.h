// Snapshot manifests and policies, as kopia and Velero write them.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/manifests.h"
#include "repository/repository.h"

namespace lateen::repository::kopia {

// The manifest of a snapshot; its `id` is the manifest's. Corrupt if it is not one.
Result<Snapshot> parse_snapshot(const Manifest& manifest);

// The data of a manifest for a snapshot that begins at `snapshot.time`.
Bytes write_snapshot(const Snapshot& snapshot);

// All labels: the source's, and the tags'. InvalidArgument for a tag that would hide the source.
Result<Labels> snapshot_labels(const Snapshot& snapshot);
Labels source_labels(const Source& source);

// Tags are labels in kopia: "key=value" is the label `key`; a plain word is `tag:word`, which
// kopia's command line shows as a tag.
struct TagLabel {
  std::string key;
  std::string value;
};

TagLabel label_of_tag(std::string_view tag);
std::string tag_of_label(std::string_view key, std::string_view value);

// ---- Policies.

Labels global_policy_labels();
Labels policy_labels(const Source& source);

// The compressor that the policies choose for a source, the narrowest first: its own, its parent
// folders', user@host, host, global. Nothing if none of them says.
std::optional<std::string> compressor_of(const ManifestSet& manifests, const Source& source);

// What `kopia repository create` would write, with this compressor.
Json global_policy(std::string_view compressor);

}  // namespace lateen::repository::kopia
