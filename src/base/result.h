// Errors as values. A function that can fail returns Result<T> (or Status, where there is no
// value); TRY takes the value or returns the error to our caller:
//
//   Result<Backup> load(ObjectStore& store, std::string_view name) {
//     Bytes body = TRY(store.get(key_of(name)).wrap("loading backup {}", name));
//     if (body.empty()) return Error(Code::Corrupt, "backup {} is empty", name).with_hint("Delete
//     it."); return parse(body);
//   }
//
// Branch on codes, never on texts. docs/decisions/0001-results-not-exceptions.md says why not
// exceptions.
#pragma once

#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace lateen {

// What kind of failure it is: what a caller may branch on.
enum class Code {
  Internal,         // a state that should not be: a bug, or a peer that breaks its protocol
  InvalidArgument,  // a flag, a field or a document that cannot be accepted as it stands
  NotFound,
  AlreadyExists,
  Conflict,         // optimistic concurrency: read again and retry
  Forbidden,        // known, but not allowed
  Unauthenticated,  // not known, or the credential has expired
  DeadlineExceeded,
  Canceled,     // told to stop
  Unavailable,  // cannot be reached now; may be later
  TooManyRequests,
  Gone,         // an expired resourceVersion or continue token
  Corrupt,      // bytes that are not what they should be
  Unsupported,  // well formed, but not something we or the peer can do
  Io,           // the operating system said no
};

std::string_view to_string(Code code);

// A checked format string that knows who wrote it.
template <typename... Args>
struct Located {
  fmt::format_string<Args...> text;
  std::source_location where;

  template <typename S>
  consteval Located(
      const S& s,  // NOLINT(google-explicit-constructor): a literal becomes one in the call
      std::source_location w = std::source_location::current())
      : text(s), where(w) {}
};

// What failed, on which object, why, and what to do next. Copies are deep. Never holds a secret.
class [[nodiscard]] Error {
 public:
  template <typename... Args>
  Error(Code code, Located<std::type_identity_t<Args>...> format, Args&&... args)
      : Error(code, fmt::format(format.text, std::forward<Args>(args)...), format.where) {}

  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error();

  Code code() const { return rep_->code; }

  bool is(Code code) const { return rep_->code == code; }

  // One line, outermost context first: "restoring pvc shop/db: reading snapshot 1f0a: pack 9c is
  // short".
  const std::string& message() const { return rep_->message; }

  // What to do next, a sentence or nothing.
  const std::string& hint() const { return rep_->hint; }

  // Whether the same call may succeed later without anything being changed.
  bool retryable() const { return rep_->retryable; }

  const std::source_location& where() const { return rep_->where; }

  // The message, and the hint after it: for a person.
  std::string describe() const;

  Error&& with_hint(std::string hint) &&;
  Error&& with_retryable(bool retryable) &&;
  Error&& with_code(Code code) &&;

  // Puts `context: ` before the message.
  template <typename... Args>
  Error&& wrap(fmt::format_string<Args...> format, Args&&... args) && {
    return std::move(*this).wrap_text(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  struct Rep {
    Code code;
    bool retryable;
    std::string message;
    std::string hint;
    std::source_location where;
  };

  Error(Code code, std::string message, std::source_location where);
  Error&& wrap_text(std::string_view context) &&;

  std::unique_ptr<Rep> rep_;
};

// A value of type T, or the Error why there is none.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;

  Result(Error error)
      : Base(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  // Adds the outer view to the error, if there is one.
  template <typename... Args>
  Result wrap(fmt::format_string<Args...> format, Args&&... args) && {
    if (!*this) return std::move(this->error()).wrap(format, std::forward<Args>(args)...);
    return std::move(*this);
  }
};

using Status = Result<void>;

template <typename T>
T take(Result<T>&& r) {
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

}  // namespace lateen

#define LATEEN_CONCAT_INNER(a, b) a##b
#define LATEEN_CONCAT(a, b) LATEEN_CONCAT_INNER(a, b)
#define LATEEN_TRY(r, ...)         \
  __extension__({                  \
    auto r = (__VA_ARGS__);        \
    if (!r) [[unlikely]]           \
      return std::move(r).error(); \
    ::lateen::take(std::move(r));  \
  })
#define TRY(...) LATEEN_TRY(LATEEN_CONCAT(try_, __COUNTER__), __VA_ARGS__)

// A broken invariant of our own. Stays on in release builds: a wrong backup is worse than none.
#define LATEEN_ASSERT(cond, why) \
  ((cond) ? static_cast<void>(0) : ::lateen::assertion_failed(#cond, why, __FILE__, __LINE__))

namespace lateen {
[[noreturn]] void assertion_failed(const char* cond, const char* why, const char* file, int line);
}  // namespace lateen
