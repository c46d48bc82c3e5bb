#include "sandbox/api/continue_token.h"

#include "base/encoding.h"
#include "base/json.h"

namespace lateen::sandbox {

std::string ContinueToken::encode() const {
  JsonObject token;
  token["v"] = "meta.k8s.io/v1";
  token["rv"] = revision;
  token["start"] = after + '\0';
  if (left != 0) token["left"] = left;
  return base64url_encode(write_json_unsorted(token));
}

ApiResult<ContinueToken> ContinueToken::decode(std::string_view text) {
  const auto refused = [](std::string_view why) {
    return bad_request(fmt::format("continue key is not valid: {}", why));
  };
  auto bytes = base64url_decode(text);
  if (!bytes) return refused("illegal base64 data");
  auto parsed = parse_json(*bytes);
  if (!parsed) return refused("it is not JSON");
  if (string_at(*parsed, "v") != "meta.k8s.io/v1")
    return refused("server does not recognize this encoded version");
  const auto revision = int_at(*parsed, "rv");
  if (!revision || *revision == 0)
    return refused("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  std::string start(string_at(*parsed, "start"));
  if (start.empty()) return refused("encoded start key empty (version meta.k8s.io/v1)");
  if (start.back() == '\0') start.pop_back();
  const std::int64_t left = *revision > 0 ? int_at(*parsed, "left").value_or(0) : 0;
  return ContinueToken{.revision = *revision,
                       .after = std::move(start),
                       .left = left > 0 ? static_cast<std::size_t>(left) : 0};
}

}  // namespace lateen::sandbox
