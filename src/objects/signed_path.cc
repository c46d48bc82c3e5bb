#include "objects/signed_path.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace lateen::objects {
namespace {

constexpr std::string_view kExpires = "?expires=";
constexpr std::string_view kSignature = "&signature=";

std::string signature_of(std::string_view path, std::string_view expires, const Secret& key) {
  return hex_encode(hmac_sha256(key.reveal(), fmt::format("GET\n{}\n{}", path, expires)));
}

// In a time that does not tell how much of it was right.
bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

}  // namespace

std::string sign_path(std::string_view path, TimePoint expires, const Secret& key) {
  const std::string seconds = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(expires.time_since_epoch()).count());
  return fmt::format("{}{}{}{}{}", path, kExpires, seconds, kSignature,
                     signature_of(path, seconds, key));
}

Result<std::string> verify_path(std::string_view target, TimePoint now, const Secret& key) {
  const Cut at_query = cut(target, kExpires);
  const Cut at_signature = cut(at_query.after, kSignature);
  const bool signed_by_us =
      at_query.found && at_signature.found && !key.empty() &&
      same(at_signature.after, signature_of(at_query.before, at_signature.before, key));
  if (!signed_by_us)
    return Error(Code::Forbidden, "this download link was not made by this server");
  const Result<std::int64_t> expires = parse_int(at_signature.before);
  if (!expires || now >= TimePoint(std::chrono::seconds(*expires))) {
    return Error(Code::Forbidden, "this download link has expired")
        .with_hint("Ask for the download again.");
  }
  return std::string(at_query.before);
}

}  // namespace lateen::objects
