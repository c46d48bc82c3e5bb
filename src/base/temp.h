// Temporary files and folders that go when their owner goes.
#pragma once

#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/result.h"

namespace lateen {

// A private (0700) folder, removed with all that is in it. Not thread-safe.
class TempDir {
 public:
  // Under `parent`, or under the system's place for such if empty.
  static Result<TempDir> create(std::string_view prefix = "lateen", const FilePath& parent = {});

  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const FilePath& path() const { return path_; }

 private:
  explicit TempDir(FilePath path) : path_(std::move(path)) {}

  FilePath path_;
};

// A file without a name, open for reading and writing: it is gone when the last descriptor is. Not
// thread-safe.
class TempFile {
 public:
  static Result<TempFile> create(const FilePath& parent = {});

  int fd() const { return fd_.get(); }

  Status write(BytesView bytes) { return write_all(fd_.get(), bytes); }

  Result<ByteCount> size() const;
  // Where the next read or write is: 0 to read what was written.
  Status seek(ByteCount offset);

 private:
  explicit TempFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace lateen
