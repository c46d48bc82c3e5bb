// An ObjectStore plugin as an objects::ObjectStore.
#pragma once

#include <memory>

#include "base/result.h"
#include "objects/object_store.h"
#include "objects/store_factory.h"
#include "plugins/stateful_plugin.h"

namespace lateen::plugins {

struct ObjectStorePluginOptions {
  PluginOptions plugin = {};
  std::size_t page_size = 0;  // keys in a page of list(); 0: all that the plugin gives at once
};

// Starts the program and tells it the location's configuration; its refusal is the error. What the
// protocol has no words for: an object's size and time are unknown without reading it; a range is
// read from the object's start; a stream is fetched to a scratch file first, so that its size is
// known and a break cannot be taken for its end.
Result<std::unique_ptr<objects::ObjectStore>> open_object_store(
    const ObjectStorePluginOptions& options, const objects::StoreOptions& location);

}  // namespace lateen::plugins
