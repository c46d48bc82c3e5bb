// The documents of ListObjectsV2 and DeleteObjects. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "objects/object_store.h"

namespace lateen::objects::s3 {

struct Listing {
  std::vector<ObjectInfo> objects = {};
  std::vector<std::string> prefixes = {};
  std::string continuation = {};  // empty at the end
  bool truncated = false;
};

// Keys and prefixes are taken to be URL-encoded where the document says so (encoding-type=url).
Result<Listing> parse_listing(BytesView document);

// The body of DeleteObjects, which answers with failures only.
std::string delete_document(std::span<const std::string> keys);

struct NotDeleted {
  std::string key;
  std::string code;
  std::string message;
};

Result<std::vector<NotDeleted>> parse_delete_result(BytesView document);

}  // namespace lateen::objects::s3
