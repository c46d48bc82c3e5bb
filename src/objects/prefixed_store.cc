#include "objects/prefixed_store.h"

#include "objects/new_object.h"
#include "objects/range_reader.h"

namespace lateen::objects {
namespace {

// Thread-safe, as what it wraps.
class PrefixedStore final : public ObjectStore, public RangeReader, public NewObjectStore {
 public:
  PrefixedStore(std::unique_ptr<ObjectStore> store, std::string prefix)
      : store_(std::move(store)), prefix_(std::move(prefix)) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    TRY(check_key(key));
    return store_->get(full(key), max, std::move(stop));
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    TRY(check_key(key));
    return store_->get_range(full(key), offset, length, std::move(stop));
  }

  Result<BytesView> read_range(std::string_view key,
                               ByteCount offset,
                               ByteCount length,
                               std::span<char> room,
                               std::stop_token stop) override {
    TRY(check_key(key));
    return objects::read_range(*store_, full(key), offset, length, room, std::move(stop));
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    TRY(check_key(key));
    return store_->open_read(full(key), std::move(stop));
  }

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    TRY(check_key(key));
    ObjectInfo info = TRY(store_->head(full(key), std::move(stop)));
    info.key = key;
    return info;
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(check_key(key));
    return store_->put(full(key), bytes, std::move(stop));
  }

  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(check_key(key));
    return objects::put_if_absent(*store_, full(key), bytes, std::move(stop));
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    TRY(check_key(key));
    return store_->begin_upload(full(key), std::move(stop));
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    TRY(check_key(key));
    return store_->remove(full(key), std::move(stop));
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    ListPage page = TRY(
        store_->list(full(prefix), after.empty() ? std::string() : full(after), std::move(stop)));
    for (ObjectInfo& object : page.objects)
      object.key.erase(0, prefix_.size());
    return page;
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    std::vector<std::string> prefixes = TRY(store_->list_prefixes(full(prefix), std::move(stop)));
    for (std::string& found : prefixes)
      found.erase(0, prefix_.size());
    return prefixes;
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    TRY(check_key(key));
    return store_->signed_url(full(key), ttl, std::move(stop));
  }

 private:
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }

  const std::unique_ptr<ObjectStore> store_;
  const std::string prefix_;  // ends with '/'
};

}  // namespace

std::unique_ptr<ObjectStore> make_prefixed(std::unique_ptr<ObjectStore> store, std::string prefix) {
  while (prefix.ends_with('/'))
    prefix.pop_back();
  if (prefix.empty()) return store;
  return std::make_unique<PrefixedStore>(std::move(store), prefix + "/");
}

}  // namespace lateen::objects
