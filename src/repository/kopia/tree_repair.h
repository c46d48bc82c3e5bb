// Trees without the files whose contents are lost.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repository/kopia/tree_format.h"

namespace lateen::repository::kopia {

// Not thread-safe.
class TreeRepair {
 public:
  // `is_there` says whether a content can be read. References outlive it.
  TreeRepair(const KopiaTreeFormat& trees,
             ContentReader& reader,
             ContentWriter& writer,
             std::function<bool(const ContentId&)> is_there)
      : trees_(trees), reader_(reader), writer_(writer), is_there_(std::move(is_there)) {}

  // The entry with all that is lost below it left out, the same if nothing is; nothing if it is
  // lost itself. An Error only where writing fails.
  Result<std::optional<StoredEntry>> repair(const StoredEntry& entry, const std::string& path);

  // Paths of what was left out.
  const std::vector<std::string>& lost() const { return lost_; }

 private:
  Result<std::optional<StoredEntry>> repair_at(const StoredEntry& entry,
                                               const std::string& path,
                                               int depth);
  Result<std::optional<StoredEntry>> repair_directory(const StoredEntry& entry,
                                                      const std::string& path,
                                                      int depth);

  const KopiaTreeFormat& trees_;
  ContentReader& reader_;
  ContentWriter& writer_;
  const std::function<bool(const ContentId&)> is_there_;
  Workspace workspace_;
  std::map<Bytes, std::optional<StoredEntry>> repaired_;  // directories, by the object they had
  std::vector<std::string> lost_;
};

}  // namespace lateen::repository::kopia
