// Where bytes come from and where they go, one after the other: a file, an upload, a decompressor.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen {

// Not thread-safe.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // At least one byte and at most `room.size()`; 0 at the end, and again after it.
  virtual Result<std::size_t> read(std::span<char> room) = 0;
};

// Not thread-safe.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  // All of it, or an error after which nothing more may be written.
  virtual Status write(BytesView bytes) = 0;
};

// Bytes that somebody else keeps. Not thread-safe.
class ViewSource final : public ByteSource {
 public:
  explicit ViewSource(BytesView bytes) : rest_(bytes) {}

  Result<std::size_t> read(std::span<char> room) override;

 private:
  BytesView rest_;
};

// A descriptor that somebody else keeps open, from where it stands. Not thread-safe.
class FdSource final : public ByteSource {
 public:
  FdSource(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  Result<std::size_t> read(std::span<char> room) override;

 private:
  int fd_;
  std::string name_;  // for errors
};

// A descriptor that somebody else keeps open. Not thread-safe.
class FdSink final : public ByteSink {
 public:
  explicit FdSink(int fd) : fd_(fd) {}

  Status write(BytesView bytes) override;

 private:
  int fd_;
};

// Memory: for small documents and for tests. Not thread-safe.
class BytesSink final : public ByteSink {
 public:
  Status write(BytesView bytes) override {
    bytes_ += bytes;
    return {};
  }

  const Bytes& bytes() const { return bytes_; }

  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// Fills as much of `room` as there is before the end; says how much.
Result<std::size_t> read_fully(ByteSource& source, std::span<char> room);

}  // namespace lateen
