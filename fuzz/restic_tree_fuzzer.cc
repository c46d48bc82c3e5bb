// Tree blobs: no name leads out of a folder, and what was decoded encodes to the same nodes.
#include "fuzzer.h"
#include "repository/restic/node.h"

namespace restic = lateen::repository::restic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  (void)restic::parse_node_time(bytes);
  (void)restic::unquote_name(bytes);
  std::string quoted;
  restic::append_quoted_name(quoted, bytes);
  const auto nodes = restic::decode_tree(bytes);
  if (!nodes) return 0;
  restic::TreeEncoder encoder;
  for (const restic::Node& node : *nodes) {
    LATEEN_ASSERT(node.name.find('/') == std::string::npos && !node.name.empty() &&
                      node.name != "." && node.name != "..",
                  "a name is one component");
    encoder.add(node);
  }
  const auto again = restic::decode_tree(encoder.finish());
  LATEEN_ASSERT(again && again->size() == nodes->size(), "as many come back");
  for (std::size_t i = 0; i < nodes->size(); ++i) {
    LATEEN_ASSERT((*again)[i].name == (*nodes)[i].name, "names come back");
    LATEEN_ASSERT((*again)[i].content == (*nodes)[i].content, "contents come back");
  }
  return 0;
}
