#include "base/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "base/file.h"

namespace lateen {

Result<std::size_t> ViewSource::read(std::span<char> room) {
  const std::size_t n = std::min(room.size(), rest_.size());
  std::memcpy(room.data(), rest_.data(), n);
  rest_.remove_prefix(n);
  return n;
}

Result<std::size_t> FdSource::read(std::span<char> room) {
  while (true) {
    const ssize_t n = ::read(fd_, room.data(), room.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return errno_error(errno, "reading " + name_);
  }
}

Status FdSink::write(BytesView bytes) {
  return write_all(fd_, bytes);
}

Result<std::size_t> read_fully(ByteSource& source, std::span<char> room) {
  std::size_t filled = 0;
  while (filled < room.size()) {
    const std::size_t n = TRY(source.read(room.subspan(filled)));
    if (n == 0) break;
    filled += n;
  }
  return filled;
}

}  // namespace lateen
