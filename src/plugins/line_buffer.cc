#include "plugins/line_buffer.h"

#include <algorithm>
#include <utility>

namespace lateen::plugins {

void LineBuffer::add(std::string_view bytes, const std::function<void(std::string_view)>& take) {
  while (!bytes.empty()) {
    const std::size_t room = max_ - rest_.size();
    const std::size_t end = bytes.find('\n');
    const std::size_t length = std::min({end, room, bytes.size()});
    rest_.append(bytes.substr(0, length));
    bytes.remove_prefix(length);
    const bool at_end = !bytes.empty() && bytes.front() == '\n';
    if (at_end) bytes.remove_prefix(1);
    if (!at_end && rest_.size() < max_) continue;
    const std::string line = std::exchange(rest_, {});
    if (!line.empty()) take(line);
  }
}

std::string LineBuffer::take_rest() {
  return std::exchange(rest_, {});
}

}  // namespace lateen::plugins
