#include "sandbox/http/body.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "base/yaml.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/protobuf.h"

namespace lateen::sandbox {

namespace {

ApiError undecodable(std::string_view why) {
  return bad_request(fmt::format("error decoding request body: {}", why));
}

ApiResult<RequestBody> read_json(BytesView text) {
  auto tree = parse_json(text);
  if (!tree) return undecodable(tree.error().message());
  return RequestBody{.object = std::move(*tree),
                     .duplicate_fields = schema::duplicate_fields(text)};
}

ApiResult<RequestBody> read_yaml(BytesView text) {
  auto tree = parse_yaml(text);
  if (!tree) return undecodable(tree.error().message());
  return RequestBody{.object = std::move(*tree)};
}

ApiResult<RequestBody> read_protobuf(BytesView bytes) {
  auto tree = schema::decode_protobuf(bytes);
  if (!tree && tree.error().is(Code::Unsupported)) return unsupported_media_type();
  if (!tree) return undecodable(tree.error().message());
  return RequestBody{.object = std::move(*tree)};
}

}  // namespace

ApiResult<RequestBody> read_body(const net::ServerRequest& request) {
  if (request.body.empty()) return RequestBody{.object = nullptr};
  if (schema::is_protobuf(request.body)) return read_protobuf(request.body);
  const std::string type = to_lower(trim(cut(request.headers.get("Content-Type"), ";").before));
  // Patches in JSON name their own types; YAML is a superset for those that may be either.
  if (type == "application/apply-patch+yaml" || type == "application/yaml") {
    const std::string_view start = trim(request.body);
    return start.starts_with('{') ? read_json(request.body) : read_yaml(request.body);
  }
  const bool json = type.empty() || type == "application/json" || type == "*/*" ||
                    type == "text/plain" || type == "application/x-www-form-urlencoded" ||
                    type.ends_with("+json");
  if (!json) return unsupported_media_type();
  return read_json(request.body);
}

}  // namespace lateen::sandbox
