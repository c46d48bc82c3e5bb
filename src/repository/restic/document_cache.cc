#include "repository/restic/document_cache.h"

#include "repository/engine/cached_store.h"

namespace lateen::repository::restic {

std::unique_ptr<objects::ObjectStore> keep_documents(std::unique_ptr<objects::ObjectStore> store,
                                                     const FilePath& dir,
                                                     ByteCount max_bytes) {
  CachedStoreOptions options{.dir = dir, .keep = [](std::string_view key) {
                               return key.starts_with("index/") || key.starts_with("snapshots/");
                             }};
  if (max_bytes > 0) options.max_bytes = max_bytes;
  return make_cached_store(std::move(store), std::move(options));
}

}  // namespace lateen::repository::restic
