#include "base/result.h"

#include <cstdio>
#include <cstdlib>

#include <execinfo.h>
#include <unistd.h>

namespace lateen {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::Internal:
      return "Internal";
    case Code::InvalidArgument:
      return "InvalidArgument";
    case Code::NotFound:
      return "NotFound";
    case Code::AlreadyExists:
      return "AlreadyExists";
    case Code::Conflict:
      return "Conflict";
    case Code::Forbidden:
      return "Forbidden";
    case Code::Unauthenticated:
      return "Unauthenticated";
    case Code::DeadlineExceeded:
      return "DeadlineExceeded";
    case Code::Canceled:
      return "Canceled";
    case Code::Unavailable:
      return "Unavailable";
    case Code::TooManyRequests:
      return "TooManyRequests";
    case Code::Gone:
      return "Gone";
    case Code::Corrupt:
      return "Corrupt";
    case Code::Unsupported:
      return "Unsupported";
    case Code::Io:
      return "Io";
  }
  return "Unknown";
}

namespace {

bool retryable_by_default(Code code) {
  return code == Code::Unavailable || code == Code::TooManyRequests ||
         code == Code::DeadlineExceeded;
}

}  // namespace

Error::Error(Code code, std::string message, std::source_location where)
    : rep_(std::make_unique<Rep>(
          Rep{code, retryable_by_default(code), std::move(message), {}, where})) {}

Error::Error(const Error& other) : rep_(std::make_unique<Rep>(*other.rep_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) rep_ = std::make_unique<Rep>(*other.rep_);
  return *this;
}

Error::~Error() = default;

std::string Error::describe() const {
  return rep_->hint.empty() ? rep_->message : rep_->message + "\n  " + rep_->hint;
}

Error&& Error::with_hint(std::string hint) && {
  rep_->hint = std::move(hint);
  return std::move(*this);
}

Error&& Error::with_retryable(bool retryable) && {
  rep_->retryable = retryable;
  return std::move(*this);
}

Error&& Error::with_code(Code code) && {
  rep_->code = code;
  return std::move(*this);
}

Error&& Error::wrap_text(std::string_view context) && {
  rep_->message = fmt::format("{}: {}", context, rep_->message);
  return std::move(*this);
}

void assertion_failed(const char* cond, const char* why, const char* file, int line) {
  std::fputs(fmt::format("lateen: {}:{}: {} does not hold: {}\n", file, line, cond, why).c_str(),
             stderr);
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  std::abort();
}

}  // namespace lateen
