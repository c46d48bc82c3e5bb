// Bytes as texts: base64, hex, percent-encoding.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen {

// The standard alphabet with padding, as in Secrets and kubeconfigs. Decoding passes over line
// ends, as Go does.
std::string base64_encode(BytesView bytes);
Result<Bytes> base64_decode(std::string_view text);

// The URL alphabet without padding, as in tokens. Decoding takes padding if it is there.
std::string base64url_encode(BytesView bytes);
Result<Bytes> base64url_decode(std::string_view text);

std::string hex_encode(BytesView bytes);  // lower case
Result<Bytes> hex_decode(std::string_view text);

// All but letters, digits and -._~ becomes %XX, and so does '/': one segment of a path, one part of
// a query.
std::string percent_encode(std::string_view text);

// The same but leaves '/' alone: a whole path, an object key.
std::string percent_encode_path(std::string_view text);

// '+' stays '+'. A '%' without two hex digits after it is InvalidArgument.
Result<std::string> percent_decode(std::string_view text);

// A query: '+' is a blank.
Result<std::string> query_decode(std::string_view text);

}  // namespace lateen
