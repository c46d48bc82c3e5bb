// A store whose metadata is kept in a local folder: objects that `keep` chooses (index blobs,
// metadata packs: never changed once written) are fetched whole once, and answered from there. Only
// a hint: a file that is not what was kept is fetched anew, and whoever opens a content verifies it
// again.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/file.h"
#include "objects/object_store.h"

namespace lateen::repository {

struct CachedStoreOptions {
  FilePath dir = {};
  std::function<bool(std::string_view key)> keep = {};
  ByteCount max_bytes = 1_GiB;  // the least recently used go when there are more
};

std::unique_ptr<objects::ObjectStore> make_cached_store(std::unique_ptr<objects::ObjectStore> store,
                                                        CachedStoreOptions options);
// In front of a store that outlives it.
std::unique_ptr<objects::ObjectStore> make_cached_store(objects::ObjectStore& store,
                                                        CachedStoreOptions options);

}  // namespace lateen::repository
