#include "objects/forwarding_store.h"

#include <utility>

namespace lateen::objects {

ForwardingStore::ForwardingStore(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}

Result<Bytes> ForwardingStore::get(std::string_view key, ByteCount max, std::stop_token stop) {
  return store_->get(key, max, std::move(stop));
}

Result<Bytes> ForwardingStore::get_range(std::string_view key,
                                         ByteCount offset,
                                         ByteCount length,
                                         std::stop_token stop) {
  return store_->get_range(key, offset, length, std::move(stop));
}

Result<std::unique_ptr<ObjectReader>> ForwardingStore::open_read(std::string_view key,
                                                                 std::stop_token stop) {
  return store_->open_read(key, std::move(stop));
}

Result<ObjectInfo> ForwardingStore::head(std::string_view key, std::stop_token stop) {
  return store_->head(key, std::move(stop));
}

Status ForwardingStore::put(std::string_view key, BytesView bytes, std::stop_token stop) {
  return store_->put(key, bytes, std::move(stop));
}

Result<std::unique_ptr<Upload>> ForwardingStore::begin_upload(std::string_view key,
                                                              std::stop_token stop) {
  return store_->begin_upload(key, std::move(stop));
}

Status ForwardingStore::remove(std::string_view key, std::stop_token stop) {
  return store_->remove(key, std::move(stop));
}

Result<ListPage> ForwardingStore::list(std::string_view prefix,
                                       std::string_view after,
                                       std::stop_token stop) {
  return store_->list(prefix, after, std::move(stop));
}

Result<std::vector<std::string>> ForwardingStore::list_prefixes(std::string_view prefix,
                                                                std::stop_token stop) {
  return store_->list_prefixes(prefix, std::move(stop));
}

Result<std::string> ForwardingStore::signed_url(std::string_view key,
                                                Duration ttl,
                                                std::stop_token stop) {
  return store_->signed_url(key, ttl, std::move(stop));
}

}  // namespace lateen::objects
