// A store that does what another one does. For stores that change a few of its calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "objects/object_store.h"

namespace lateen::objects {

// download() and remove_below() stay ObjectStore's own: they come through the calls of whoever
// derives from this. Thread-safe, as what it wraps.
class ForwardingStore : public ObjectStore {
 public:
  explicit ForwardingStore(std::unique_ptr<ObjectStore> store);

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
  Result<std::string> signed_url(std::string_view key, Duration ttl, std::stop_token stop) override;

 protected:
  ObjectStore& inner() const { return *store_; }

 private:
  const std::unique_ptr<ObjectStore> store_;
};

}  // namespace lateen::objects
