// Cuts what comes from a pipe into lines. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lateen::plugins {

// Not thread-safe.
class LineBuffer {
 public:
  // A line longer than `max` comes in pieces of that length.
  explicit LineBuffer(std::size_t max = 64 * 1024) : max_(max) {}

  // Hands on every line that `bytes` ends, without its end.
  void add(std::string_view bytes, const std::function<void(std::string_view)>& take);

  // What has come of a line that has no end yet; then nothing.
  std::string take_rest();

 private:
  const std::size_t max_;
  std::string rest_;
};

}  // namespace lateen::plugins
