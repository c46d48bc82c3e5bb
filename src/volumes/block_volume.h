// A raw block device as one stream of bytes: into a repository, and back.
#pragma once

#include <atomic>

#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen::volumes {

// What the one file of a device's snapshot is called.
inline constexpr const char* kDeviceFile = "device";

// A device that is open, and how large it is. A regular file will do as well.
struct OpenDevice {
  UniqueFd fd;
  ByteCount size = 0;
};

Result<OpenDevice> open_device_for_reading(const FilePath& path);

// Refuses one that is smaller than `needed`.
Result<OpenDevice> open_device_for_writing(const FilePath& path, ByteCount needed);

// Writes a device from its start. Runs of zeros are given back to the storage where it can, and
// written where it cannot: what lay there before must not stay. Not thread-safe.
class DeviceSink final : public ByteSink {
 public:
  // Counts what it has written in `done`, which outlives it.
  DeviceSink(int fd, std::atomic<ByteCount>& done) : fd_(fd), done_(done) {}

  Status write(BytesView bytes) override;

  // All of it is on the device when this comes back.
  Status sync() const;

 private:
  Status put(BytesView bytes);
  Status put_zeros(BytesView zeros);

  int fd_;
  std::atomic<ByteCount>& done_;
  ByteCount offset_ = 0;
  bool can_punch_ = true;
};

}  // namespace lateen::volumes
