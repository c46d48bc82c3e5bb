// Contents out of packs, by ID: directories, manifests, single pieces. Metadata packs are read in
// wide windows that are kept for a while, since neighbours are wanted next. Whole trees of files
// are better read by the Restorer and the Verifier, which go pack by pack.
#pragma once

#include <memory>
#include <stop_token>

#include "base/bytes.h"
#include "base/result.h"
#include "objects/object_store.h"
#include "repository/engine/content_index.h"
#include "repository/engine/format.h"

namespace lateen::repository {

struct ContentReaderOptions {
  ByteCount window = 1_MiB;          // of a metadata pack, read at once
  ByteCount window_memory = 16_MiB;  // of windows kept
  // Asked for metadata packs instead of the store: a cache in front of it. Outlives the reader.
  objects::ObjectStore* metadata = nullptr;
};

// Thread-safe.
class ContentReader {
 public:
  // All outlive the reader.
  ContentReader(objects::ObjectStore& store,
                const ContentFormat& format,
                const ContentIndex& index,
                const ContentReaderOptions& options = {});
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;
  ~ContentReader();

  // Appends its bytes to `out`. NotFound if no index names it; Corrupt, naming pack and content, if
  // what lies there is not it.
  Status read(const ContentId& id, Workspace& workspace, Buffer& out, std::stop_token stop = {});
  Result<Bytes> read(const ContentId& id, Workspace& workspace, std::stop_token stop = {});

  const ContentFormat& format() const { return format_; }

  const ContentIndex& index() const { return index_; }

  objects::ObjectStore& store() const { return store_; }

 private:
  class Windows;

  objects::ObjectStore& store_;
  const ContentFormat& format_;
  const ContentIndex& index_;
  std::unique_ptr<Windows> windows_;
};

// Opens what is stored for `entry` and holds it against its ID. Appends the plain bytes to `out`.
Status open_content(const ContentFormat& format,
                    const ContentEntry& entry,
                    std::string_view pack_name,
                    BytesView stored,
                    Workspace& workspace,
                    Buffer& out);

}  // namespace lateen::repository
