#include "sandbox/crd/format.h"

#include <algorithm>
#include <array>
#include <string>

#include <arpa/inet.h>

#include "base/duration.h"
#include "base/encoding.h"
#include "base/text.h"
#include "base/time.h"

namespace lateen::sandbox {

namespace {

bool is_address(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(family, std::string(text).c_str(), parsed.data()) == 1;
}

bool is_cidr(std::string_view text) {
  const Cut parts = cut(text, "/");
  const auto bits = parse_int(parts.after);
  if (!parts.found || !bits || *bits < 0) return false;
  return (is_address(AF_INET, parts.before) && *bits <= 32) ||
         (is_address(AF_INET6, parts.before) && *bits <= 128);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex =
        std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

bool is_date(std::string_view text) {
  return text.size() == 10 && parse_rfc3339(std::string(text) + "T00:00:00Z").has_value();
}

}  // namespace

bool has_format(std::string_view format, std::string_view text) {
  if (format == "date-time" || format == "datetime") return parse_rfc3339(text).has_value();
  if (format == "date") return is_date(text);
  if (format == "duration") return parse_go_duration(text).has_value();
  if (format == "ipv4") return is_address(AF_INET, text);
  if (format == "ipv6") return is_address(AF_INET6, text);
  if (format == "cidr") return is_cidr(text);
  if (format == "uuid" || format == "uuid4") return is_uuid(text);
  if (format == "byte") return base64_decode(text).has_value();
  return true;
}

}  // namespace lateen::sandbox
