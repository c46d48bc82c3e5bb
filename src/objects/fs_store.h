// A directory as a bucket: each key is a file below it. What is written appears by rename, synced,
// so that a reader never sees half an object; what is being written lies in ".lateen-tmp" at the
// top, which no listing shows.
//
// No symbolic link below the root is followed, and no key leads out of it.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "objects/object_store.h"

namespace lateen::objects {

struct FsStoreOptions {
  FilePath root = {};
  bool create = false;           // make the directory if it isn't there
  std::size_t page_size = 1000;  // keys in a page of list()
};

// Thread-safe; several processes may use one directory.
class FsStore final : public ObjectStore {
 public:
  // NotFound if the directory isn't there. Removes uploads that were left behind more than a day
  // ago.
  static Result<std::unique_ptr<FsStore>> open(const FsStoreOptions& options, const Clock& clock);

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override;
  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override;
  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override;
  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override;
  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override;
  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key, std::stop_token stop) override;
  Status remove(std::string_view key, std::stop_token stop) override;
  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override;
  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override;
  // Unsupported: nobody serves a directory. The server makes its own (signed_path.h).
  Result<std::string> signed_url(std::string_view key, Duration ttl, std::stop_token stop) override;

 private:
  FsStore(FilePath root, UniqueFd root_fd, std::size_t page_size);

  Result<UniqueFd> open_object(std::string_view key) const;

  FilePath root_;
  UniqueFd root_fd_;
  std::size_t page_size_;
};

}  // namespace lateen::objects
