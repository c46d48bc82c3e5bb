// Memory for bytes that are about to be overwritten: unlike std::string, growing it writes no
// zeros, and clearing it keeps the memory. Chunks, packs and scratch space live in these. Large
// ones begin at a page, as reading and writing past the page cache needs it.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace lateen::repository {

// Not thread-safe.
class Buffer {
 public:
  Buffer() = default;

  explicit Buffer(std::size_t capacity) { reserve(capacity); }

  // Over memory that is somebody else's, and large enough: what would not fit goes to memory of its
  // own, so that data() tells.
  static Buffer over(std::span<char> memory) {
    Buffer buffer;
    buffer.bytes_ = {memory.data(), Free(true)};
    buffer.capacity_ = memory.size();
    return buffer;
  }

  Buffer(Buffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}

  Buffer& operator=(Buffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;

  char* data() { return bytes_.get(); }

  const char* data() const { return bytes_.get(); }

  std::size_t size() const { return size_; }

  std::size_t capacity() const { return capacity_; }

  bool empty() const { return size_ == 0; }

  BytesView view() const { return {bytes_.get(), size_}; }

  BytesView view(std::size_t offset, std::size_t length) const {
    return view().substr(offset, length);
  }

  void clear() { size_ = 0; }

  // Room for `capacity` bytes in all; what is there stays.
  void reserve(std::size_t capacity);

  // The new bytes, if any, are whatever they happen to be.
  void resize(std::size_t size) {
    if (size > capacity_) grow(size);
    size_ = size;
  }

  // `length` more bytes at the end, to be written by the caller before anything else is appended.
  char* extend(std::size_t length) {
    const std::size_t at = size_;
    resize(size_ + length);
    return bytes_.get() + at;
  }

  void append(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }

  void push_back(char byte) { *extend(1) = byte; }

 private:
  struct Free {
    Free() : borrowed(false) {}

    explicit Free(bool is_borrowed) : borrowed(is_borrowed) {}

    void operator()(char* bytes) const;

    bool borrowed;
  };

  void grow(std::size_t size);

  std::unique_ptr<char, Free> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace lateen::repository
