#include "repository/restic/tree_repair.h"

#include <algorithm>

#include "repository/restic/content_format.h"

namespace lateen::repository::restic {
namespace {

constexpr std::string_view kRepaired = ".repaired";
// Deeper than any path that a kernel takes (4096 bytes, a name and a '/' each).
constexpr std::size_t kMaxDepth = 2048;

// Two entries may have come to the same name.
void make_names_unique(std::vector<Node>& nodes) {
  for (bool again = true; again;) {
    again = false;
    std::sort(nodes.begin(), nodes.end(),
              [](const Node& a, const Node& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      if (nodes[i].name != nodes[i - 1].name) continue;
      nodes[i].name += kRepaired;
      again = true;
    }
  }
}

}  // namespace

bool TreeRepair::repair_file(Node& node,
                             const std::string& path,
                             std::vector<std::string>& lost) const {
  std::vector<Id> kept;
  ByteCount size = 0;
  for (const Id& id : node.content) {
    const auto entry = reader_.index().find(to_content_id(BlobType::Data, id));
    if (!entry) continue;
    kept.push_back(id);
    size += entry->length;
  }
  if (kept.size() == node.content.size() && size == node.size) return false;
  lost.push_back(fmt::format("{}: {} of {} pieces are lost", path,
                             node.content.size() - kept.size(), node.content.size()));
  node.content = std::move(kept);
  node.size = size;
  node.name += kRepaired;
  return true;
}

Result<Id> TreeRepair::write(std::vector<Node> nodes) {
  make_names_unique(nodes);
  TreeEncoder encoder;
  for (const Node& node : nodes)
    encoder.add(node);
  const Bytes blob = encoder.finish();
  const ContentId id = TRY(writer_.add(kTreePrefix, blob, workspace_));
  return to_id(id);
}

Result<Id> TreeRepair::repair(const Id& tree,
                              const std::string& path,
                              std::vector<std::string>& lost,
                              const std::stop_token& stop) {
  if (stop.stop_requested()) return Error(Code::Canceled, "repairing snapshots was stopped");
  const auto known = done_.find(tree);
  if (known != done_.end()) return known->second;
  if (static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) > kMaxDepth) {
    return Error(Code::Corrupt, "{} is too deep", path.substr(0, 200));
  }
  auto blob = reader_.read(to_content_id(BlobType::Tree, tree), workspace_, stop);
  auto nodes = blob ? decode_tree(*blob) : Result<std::vector<Node>>(blob.error());
  if (!nodes) {
    const bool gone = nodes.error().is(Code::NotFound) || nodes.error().is(Code::Corrupt);
    if (!gone) return std::move(nodes).error();
    lost.push_back(fmt::format("{}/: all of it: {}", path, nodes.error().message()));
    return write({});
  }
  bool changed = false;
  for (Node& node : *nodes) {
    const std::string child = path + "/" + node.name;
    if (node.type == NodeType::File) {
      changed = repair_file(node, child, lost) || changed;
    } else if (node.subtree && node.type == NodeType::Dir) {
      const Id fresh = TRY(repair(*node.subtree, child, lost, stop));
      changed = changed || fresh != *node.subtree;
      node.subtree = fresh;
    }
  }
  const Id result = changed ? TRY(write(std::move(*nodes))) : tree;
  done_.emplace(tree, result);
  return result;
}

}  // namespace lateen::repository::restic
