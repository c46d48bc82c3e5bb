#include "net/http.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lateen::net {

namespace {

// RFC 9110's token characters.
bool is_token(std::string_view name) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

// Whether the parameters of a token (";q=0.0") refuse it.
bool refuses(std::string_view parameters) {
  for (const std::string_view parameter : split_trimmed(parameters, ';')) {
    const Cut pair = cut(parameter, "=");
    if (!equals_ignoring_case(trim(pair.before), "q")) continue;
    const std::string_view weight = trim(pair.after);
    return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  return find(name).value_or("");
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.first, name)) return field.second;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.first, name)) values.emplace_back(field.second);
  }
  return values;
}

bool Headers::lists(std::string_view name, std::string_view token) const {
  for (const std::string_view value : all(name)) {
    for (const std::string_view item : split_trimmed(value, ',')) {
      const Cut parts = cut(item, ";");
      if (equals_ignoring_case(trim(parts.before), token)) return !refuses(parts.after);
    }
  }
  return false;
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::set_default(std::string_view name, std::string_view value) {
  if (!contains(name)) add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_,
                [name](const Field& field) { return equals_ignoring_case(field.first, name); });
}

Status check_headers(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) {
      return Error(Code::InvalidArgument, "{} is not a name of an HTTP header", quote_go(name));
    }
    // The value may be a credential, so it is not shown.
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return Error(Code::InvalidArgument, "the HTTP header {} has a line end or NUL in its value",
                   name);
    }
  }
  return {};
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET",    "HEAD",    "PUT",
                                                        "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

std::string_view reason_phrase(int status) {
  struct Named {
    int status;
    std::string_view phrase;
  };

  static constexpr auto kPhrases = std::to_array<Named>({
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {416, "Requested Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Entity"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {507, "Insufficient Storage"},
  });
  const auto* const found = std::ranges::find(kPhrases, status, &Named::status);
  return found == kPhrases.end() ? std::string_view() : found->phrase;
}

}  // namespace lateen::net
