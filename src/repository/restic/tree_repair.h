// Trees without what is lost: files whose pieces are missing keep the rest and get ".repaired" at
// the end of their names, folders whose tree is unreadable become empty and get the same.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"
#include "repository/restic/node.h"

namespace lateen::repository::restic {

// Not thread-safe.
class TreeRepair {
 public:
  // All outlive it.
  TreeRepair(ContentReader& reader, ContentWriter& writer) : reader_(reader), writer_(writer) {}

  // The repaired tree; the same if nothing was wrong. `lost` gets a line for each thing that is.
  Result<Id> repair(const Id& tree,
                    const std::string& path,
                    std::vector<std::string>& lost,
                    const std::stop_token& stop);

 private:
  bool repair_file(Node& node, const std::string& path, std::vector<std::string>& lost) const;
  Result<Id> write(std::vector<Node> nodes);

  ContentReader& reader_;
  ContentWriter& writer_;
  Workspace workspace_;
  std::map<Id, Id> done_;
};

}  // namespace lateen::repository::restic
