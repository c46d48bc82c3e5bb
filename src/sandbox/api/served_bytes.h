// What goes out on the wire for stored objects: single objects, lists, watch lines, in the version
// asked for.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "sandbox/api/reader.h"
#include "sandbox/api/served_type.h"
#include "sandbox/store/stored_object.h"

namespace lateen::sandbox {

// The object in this version. Bytes are copied as they are where the version is the stored one.
Bytes served_bytes(const ServedType& type, const StoredObject& object);

// {"kind":"PodList","apiVersion":"v1","metadata":{...},"items":[...]}. Items of built-in kinds go
// without kind and apiVersion, as the API server's typed lists do.
Bytes list_bytes(const ServedType& type, const StoredList& list);

// metadata of any list: {"resourceVersion":"1","continue":"...","remainingItemCount":2}.
Bytes list_metadata(const StoredList& list);

// {"type":"ADDED","object":{...}} and a newline.
Bytes watch_line(std::string_view type, BytesView object);

// The object of a bookmark.
Bytes bookmark_bytes(std::string_view kind, std::string_view api_version, const StoredEvent& event);

}  // namespace lateen::sandbox
