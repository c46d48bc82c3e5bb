// Manifests: small JSON documents with labels, by which snapshots, policies and parameters are
// found. Each flush writes one content of those that changed; for each ID the latest counts.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"

namespace lateen::repository::kopia {

// Calls `visit` for every content of a letter that the opened index has, deleted ones included.
Status for_each_with_prefix(const ContentIndex& index,
                            std::uint8_t prefix,
                            const std::function<Status(const ContentEntry&)>& visit);

using Labels = std::map<std::string, std::string, std::less<>>;

struct Manifest {
  std::string id = {};  // 32 hex digits
  Labels labels = {};
  TimePoint modified = {};
  bool deleted = false;
  Bytes data = {};  // JSON as it was written
};

// What a content of manifests unpacks to.
Result<std::vector<Manifest>> parse_manifests(BytesView json);
std::string write_manifests(std::span<const Manifest> manifests);

std::string new_manifest_id(Rng& rng);

// All manifests of a repository, and changes to them that wait for a flush. Not thread-safe.
class ManifestSet {
 public:
  // `damaged`, if given, takes the place of an error where a content cannot be read.
  static Result<ManifestSet> load(ContentReader& reader,
                                  std::vector<Error>* damaged,
                                  std::stop_token stop);

  // Of these labels, newest first.
  std::vector<const Manifest*> find(const Labels& labels) const;
  const Manifest* find_id(std::string_view id) const;

  // The new manifest's ID. `modified` is later than whatever it replaces.
  std::string add(Labels labels, Bytes data, const Clock& clock, Rng& rng);
  // Does away with all of these labels first.
  std::string replace(Labels labels, Bytes data, const Clock& clock, Rng& rng);
  void remove(const std::string& id, const Clock& clock);

  bool changed() const { return !changes_.empty(); }

  // Adds a content of the changes. Where there are many contents already, one of everything, and
  // marks the others deleted; both take effect with the next index.
  Status write(ContentWriter& writer,
               const ContentIndex& index,
               const Clock& clock,
               Workspace& workspace);

 private:
  TimePoint later_than(const std::string& id, const Clock& clock) const;
  Status write_all(ContentWriter& writer,
                   const ContentIndex& index,
                   const Clock& clock,
                   Workspace& workspace);

  std::map<std::string, Manifest, std::less<>> by_id_;  // none that is deleted
  std::vector<Manifest> removed_;                       // marks of deletion that are there
  std::set<std::string, std::less<>> written_live_;     // IDs that some content has undeleted
  std::map<std::string, Manifest, std::less<>> changes_;
  std::vector<ContentId> contents_;  // where by_id_ came from
};

}  // namespace lateen::repository::kopia
