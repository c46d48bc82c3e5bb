// Download links of the server itself, for stores that have none: "<path>?expires=<unix
// seconds>&signature=<hex>", good until then for whoever holds it. Pure; the key never leaves the
// server.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace lateen::objects {

// `path` starts with '/' and has no query.
std::string sign_path(std::string_view path, TimePoint expires, const Secret& key);

// The path, percent-decoded nowhere, if the signature is ours and the time has not come. Forbidden
// otherwise, with the same words for every forgery; `target` is path and query as they came in.
Result<std::string> verify_path(std::string_view target, TimePoint now, const Secret& key);

}  // namespace lateen::objects
