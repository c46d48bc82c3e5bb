// A part of a bucket as a store of its own: all keys below a prefix, seen without it.
#pragma once

#include <memory>
#include <string>

#include "objects/object_store.h"

namespace lateen::objects {

// `prefix` is empty or segments parted by '/', with or without one at the end.
std::unique_ptr<ObjectStore> make_prefixed(std::unique_ptr<ObjectStore> store, std::string prefix);

}  // namespace lateen::objects
