#include "volumes/block_volume.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace lateen::volumes {
namespace {

constexpr std::size_t kBlock = 64 * 1024;  // the least that is looked at for zeros

Result<OpenDevice> open_device(const FilePath& path, int flags) {
  OpenDevice device{.fd = UniqueFd(::open(path.c_str(), flags | O_CLOEXEC))};
  if (device.fd.get() < 0) {
    const int number = errno;
    return errno_error(number, fmt::format("opening device {}", path.string()))
        .with_hint("The node agent must run privileged to reach block devices.");
  }
  const off_t end = ::lseek(device.fd.get(), 0, SEEK_END);
  if (end < 0 || ::lseek(device.fd.get(), 0, SEEK_SET) < 0) {
    const int number = errno;
    return errno_error(number, fmt::format("measuring device {}", path.string()));
  }
  device.size = static_cast<ByteCount>(end);
  return device;
}

bool is_zeros(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace

Result<OpenDevice> open_device_for_reading(const FilePath& path) {
  return open_device(path, O_RDONLY);
}

Result<OpenDevice> open_device_for_writing(const FilePath& path, ByteCount needed) {
  OpenDevice device = TRY(open_device(path, O_WRONLY));
  if (device.size < needed) {
    return Error(Code::InvalidArgument, "device {} has {} bytes, and {} are to be restored",
                 path.string(), device.size, needed);
  }
  return device;
}

Status DeviceSink::write(BytesView bytes) {
  while (!bytes.empty()) {
    const BytesView piece = bytes.substr(0, kBlock);
    TRY(piece.size() == kBlock && is_zeros(piece) ? put_zeros(piece) : put(piece));
    offset_ += piece.size();
    done_ += piece.size();
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Status DeviceSink::put_zeros(BytesView zeros) {
  if (can_punch_) {
    const int done = ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 static_cast<off_t>(offset_), static_cast<off_t>(zeros.size()));
    if (done == 0) return {};
    can_punch_ = false;
  }
  return put(zeros);
}

Status DeviceSink::put(BytesView bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote =
        ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const int number = errno;
      return errno_error(number, "writing to the device");
    }
    done += static_cast<std::size_t>(wrote);
  }
  return {};
}

Status DeviceSink::sync() const {
  if (::fsync(fd_) == 0) return {};
  const int number = errno;
  return errno_error(number, "writing the device to disk");
}

}  // namespace lateen::volumes
