// A bucket in memory, and one that fails when told to: for the tests of every room.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "objects/object_store.h"

namespace lateen::objects::testing {

// Behaves as the contract says. Thread-safe.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(std::size_t page_size = 1000) : page_size_(page_size) {}

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
  // "memory://<key>?ttl=<seconds>"
  Result<std::string> signed_url(std::string_view key, Duration ttl, std::stop_token stop) override;

  // Keys in the order in which they were last written.
  std::vector<std::string> write_order() const;

 private:
  struct Object {
    Bytes bytes;
    std::uint64_t
        written;  // a number that grows with each write; the time of modification in seconds
  };

  friend class MemoryUpload;

  const std::size_t page_size_;
  mutable Mutex mu_;
  std::map<std::string, Object, std::less<>> objects_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t writes_ LATEEN_GUARDED_BY(mu_) = 0;
};

// Asks `fail` before each call, with its name ("get", "put", "complete", …) and key; an error is
// the call's answer. Owns the store. Thread-safe; `fail` is asked one question at a time.
using FailureRule = std::function<Status(std::string_view call, std::string_view key)>;
std::unique_ptr<ObjectStore> make_faulty(std::unique_ptr<ObjectStore> store, FailureRule fail);

}  // namespace lateen::objects::testing
