#include "cli/redact.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lateen::cli {
namespace {

// In lower case. What follows, up to a delimiter, is the secret.
constexpr std::array<std::string_view, 11> kMarkers = {"x-amz-signature=",
                                                       "x-amz-credential=",
                                                       "x-amz-security-token=",
                                                       "signature=",
                                                       "password=",
                                                       "passwd=",
                                                       "token=",
                                                       "secret_access_key=",
                                                       "secretkey=",
                                                       "sig=",
                                                       "bearer "};
constexpr std::string_view kDelimiters = "&\"'`\\,; \t\r\n)}";
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "-----END ";

// In lower case: a name with one of these in it is a secret's.
constexpr std::array<std::string_view, 8> kSecretWords = {
    "password",          "passwd",     "token",      "secretkey", "secret_key",
    "secret_access_key", "privatekey", "private_key"};

bool is_secret_name(std::string_view name) {
  const std::string lower = to_lower(name);
  return std::any_of(kSecretWords.begin(), kSecretWords.end(), [&lower](std::string_view word) {
    return lower.find(word) != std::string::npos;
  });
}

// Where the marker at this place ends; 0 if there is none.
std::size_t marker_at(std::string_view lower, std::size_t at) {
  for (const std::string_view marker : kMarkers) {
    if (lower.substr(at, marker.size()) == marker) return marker.size();
  }
  return 0;
}

// Where a private key that begins here ends; 0 if none does.
std::size_t private_key_at(std::string_view text, std::size_t at) {
  if (text.substr(at, kPemBegin.size()) != kPemBegin) return 0;
  const std::size_t head = text.find("-----", at + kPemBegin.size());
  if (head == std::string_view::npos) return 0;
  if (text.substr(at, head - at).find("PRIVATE KEY") == std::string_view::npos) return 0;
  const std::size_t tail = text.find(kPemEnd, head);
  if (tail == std::string_view::npos) return text.size();
  const std::size_t end = text.find("-----", tail + kPemEnd.size());
  return end == std::string_view::npos ? text.size() : end + 5;
}

void redact_strings(Json& value);

void redact_member(std::string_view key, Json& value) {
  if (value.is_string() && is_secret_name(key) && !value.as_string().empty()) {
    value = kRedacted;
  } else if (value.is_string() && key == "downloadURL") {
    value = kRedacted;
  } else {
    redact_strings(value);
  }
}

// {name: AWS_SECRET_ACCESS_KEY, value: …}
void redact_variable(JsonObject& object) {
  const Json* name = object.if_contains("name");
  Json* value = object.if_contains("value");
  if (name != nullptr && value != nullptr && value->is_string() && is_secret_name(as_text(name)))
    *value = kRedacted;
}

void redact_strings(Json& value) {
  if (value.is_string()) {
    value = redact_text(as_text(&value));
  } else if (value.is_array()) {
    for (Json& item : value.as_array())
      redact_strings(item);
  } else if (value.is_object()) {
    redact_variable(value.as_object());
    for (auto& [key, member] : value.as_object())
      redact_member(key, member);
  }
}

}  // namespace

std::string redact_text(std::string_view text) {
  const std::string lower = to_lower(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t end = private_key_at(text, at); end > 0) {
      out += kRedacted;
      at = end;
      continue;
    }
    const std::size_t marker = marker_at(lower, at);
    if (marker == 0) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, marker);
    at += marker;
    const std::size_t end = std::min(text.find_first_of(kDelimiters, at), text.size());
    if (end > at) out += kRedacted;
    at = end;
  }
  return out;
}

void redact(Json& object) {
  erase(object, "metadata.managedFields");
  if (object_at(object, "metadata.annotations") != nullptr) {
    erase(ensure(object, "metadata.annotations").as_object(),
          JsonKey{"kubectl.kubernetes.io/last-applied-configuration"});
  }
  if (string_at(object, "kind") == "Secret") {
    erase(object, "data");
    erase(object, "stringData");
  }
  redact_strings(object);
}

}  // namespace lateen::cli
