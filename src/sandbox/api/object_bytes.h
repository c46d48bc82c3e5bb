// Between trees and the bytes that the store keeps: kind, apiVersion and metadata come first, and
// the resourceVersion is left for the store to fill in.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "sandbox/store/stored_object.h"

namespace lateen::sandbox {

// `object` has kind, apiVersion and metadata with a name; its own resourceVersion is passed over.
Draft make_draft(const Json& object);

// The tree of the stored bytes. Corrupt if they are not what make_draft wrote.
Result<Json> parse_stored(const StoredObject& object);

// The bytes with another kind and apiVersion, for a version whose objects look the same.
Bytes with_type(const StoredObject& object, std::string_view kind, std::string_view api_version);

// `"text"`, escaped.
std::string quoted(std::string_view text);

}  // namespace lateen::sandbox
