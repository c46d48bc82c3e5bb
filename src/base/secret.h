// A credential: it has no formatter, so that it cannot reach a log or an error, and wipes itself.
#pragma once

#include <string>
#include <string_view>

namespace lateen {

// Not thread-safe.
class Secret {
 public:
  Secret() = default;

  explicit Secret(std::string value) : value_(std::move(value)) {}

  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // The one way to the bytes: at the place where they go out on a wire.
  std::string_view reveal() const { return value_; }

  bool empty() const { return value_.empty(); }

  bool operator==(const Secret&) const = default;

 private:
  void wipe();

  std::string value_;
};

}  // namespace lateen
