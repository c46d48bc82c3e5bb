// A directory as a bucket: each key is a file below it. What is written appears by rename, synced,
// so that a reader never sees half an object; what is being written lies in ".lateen-tmp" at the
// top, which no listing shows.
//
// No symbolic link below the root is followed, and no key leads out of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/file.h"
#include "objects/new_object.h"
#include "objects/object_store.h"
#include "objects/range_reader.h"

namespace lateen::objects {

namespace fs {
class FsUpload;
}  // namespace fs

struct FsStoreOptions {
  FilePath root = {};
  bool create = false;           // make the directory if it isn't there
  std::size_t page_size = 1000;  // keys in a page of list()
};

// Thread-safe; several processes may use one directory.
class FsStore final : public ObjectStore, public RangeReader, public NewObjectStore {
 public:
  // NotFound if the directory isn't there.
  static Result<std::unique_ptr<ObjectStore>> open(const FsStoreOptions& options);

  FsStore(FilePath root, UniqueFd root_fd, std::size_t page_size);

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override;
  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override;
  // Large ranges that the page cache does not have are read past it.
  Result<BytesView> read_range(std::string_view key,
                               ByteCount offset,
                               ByteCount length,
                               std::span<char> room,
                               std::stop_token stop) override;
  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override;
  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override;
  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override;
  // By a link, which is made or not; Unsupported on file systems without.
  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) override;
  // The first one also removes what a killed process left in ".lateen-tmp" more than a day ago.
  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key, std::stop_token stop) override;
  // Folders that become empty go too.
  Status remove(std::string_view key, std::stop_token stop) override;
  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override;
  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override;
  // Unsupported: nobody serves a directory. The server makes its own (signed_path.h).
  Result<std::string> signed_url(std::string_view key, Duration ttl, std::stop_token stop) override;

 private:
  Result<UniqueFd> open_object(std::string_view key) const;
  Result<std::unique_ptr<fs::FsUpload>> begin(std::string_view key, std::stop_token stop);

  const FilePath root_;
  const UniqueFd root_fd_;
  const std::size_t page_size_;
  std::atomic<bool> purged_ = false;
  std::atomic<std::uint64_t> next_temporary_ = 0;
};

}  // namespace lateen::objects
