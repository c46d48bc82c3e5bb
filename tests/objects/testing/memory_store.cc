#include "objects/testing/memory_store.h"

#include <algorithm>

namespace lateen::objects::testing {
namespace {

class MemoryReader final : public ObjectReader {
 public:
  explicit MemoryReader(Bytes bytes) : bytes_(std::move(bytes)) {}

  ByteCount size() const override { return bytes_.size(); }

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t length = std::min(room.size(), bytes_.size() - offset_);
    std::copy_n(bytes_.data() + offset_, length, room.begin());
    offset_ += length;
    return length;
  }

 private:
  Bytes bytes_;
  std::size_t offset_ = 0;
};

}  // namespace

class MemoryUpload final : public Upload {
 public:
  MemoryUpload(MemoryStore& store, std::string key, std::stop_token stop)
      : store_(store), key_(std::move(key)), stop_(std::move(stop)) {}

  Status write(BytesView bytes) override {
    if (stop_.stop_requested()) return Error(Code::Canceled, "writing {} was stopped", key_);
    bytes_ += bytes;
    return {};
  }

  Status complete() override { return store_.put(key_, bytes_, stop_); }

 private:
  MemoryStore& store_;
  std::string key_;
  std::stop_token stop_;
  Bytes bytes_;
};

Result<Bytes> MemoryStore::get(std::string_view key, ByteCount max, std::stop_token) {
  TRY(check_key(key));
  const Lock lock(mu_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(Code::NotFound, "object {} is not in memory", key);
  if (found->second.bytes.size() > max)
    return Error(Code::InvalidArgument, "object {} is too large", key);
  return found->second.bytes;
}

Result<Bytes> MemoryStore::get_range(std::string_view key,
                                     ByteCount offset,
                                     ByteCount length,
                                     std::stop_token stop) {
  const Bytes bytes = TRY(get(key, kMaxDocument, std::move(stop)));
  return offset >= bytes.size() ? Bytes() : bytes.substr(offset, length);
}

Result<std::unique_ptr<ObjectReader>> MemoryStore::open_read(std::string_view key,
                                                             std::stop_token stop) {
  Bytes bytes = TRY(get(key, kMaxDocument, std::move(stop)));
  std::unique_ptr<ObjectReader> reader = std::make_unique<MemoryReader>(std::move(bytes));
  return reader;
}

Result<ObjectInfo> MemoryStore::head(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  const Lock lock(mu_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(Code::NotFound, "object {} is not in memory", key);
  return ObjectInfo{.key = std::string(key),
                    .size = found->second.bytes.size(),
                    .modified = TimePoint(std::chrono::seconds(found->second.written))};
}

Status MemoryStore::put(std::string_view key, BytesView bytes, std::stop_token stop) {
  TRY(check_key(key));
  if (stop.stop_requested()) return Error(Code::Canceled, "writing {} was stopped", key);
  const Lock lock(mu_);
  objects_.insert_or_assign(std::string(key), Object{.bytes = Bytes(bytes), .written = ++writes_});
  return {};
}

Result<std::unique_ptr<Upload>> MemoryStore::begin_upload(std::string_view key,
                                                          std::stop_token stop) {
  TRY(check_key(key));
  std::unique_ptr<Upload> upload =
      std::make_unique<MemoryUpload>(*this, std::string(key), std::move(stop));
  return upload;
}

Status MemoryStore::remove(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  const Lock lock(mu_);
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
  return {};
}

Result<ListPage> MemoryStore::list(std::string_view prefix,
                                   std::string_view after,
                                   std::stop_token) {
  const Lock lock(mu_);
  ListPage page;
  for (const auto& [key, object] : objects_) {
    if (key <= after || !key.starts_with(prefix)) continue;
    if (page.objects.size() == page_size_) {
      page.more = true;
      break;
    }
    page.objects.push_back({.key = key,
                            .size = object.bytes.size(),
                            .modified = TimePoint(std::chrono::seconds(object.written))});
  }
  return page;
}

Result<std::vector<std::string>> MemoryStore::list_prefixes(std::string_view prefix,
                                                            std::stop_token) {
  if (!prefix.empty() && !prefix.ends_with('/')) {
    return Error(Code::InvalidArgument, "prefix {} does not end with a slash", prefix);
  }
  const Lock lock(mu_);
  std::vector<std::string> prefixes;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(prefix)) continue;
    const std::size_t slash = key.find('/', prefix.size());
    if (slash == std::string::npos) continue;
    std::string found = key.substr(0, slash + 1);
    if (prefixes.empty() || prefixes.back() != found) prefixes.push_back(std::move(found));
  }
  return prefixes;
}

Result<std::string> MemoryStore::signed_url(std::string_view key, Duration ttl, std::stop_token) {
  TRY(check_key(key));
  return fmt::format("memory://{}?ttl={}", key,
                     std::chrono::duration_cast<std::chrono::seconds>(ttl).count());
}

std::vector<std::string> MemoryStore::write_order() const {
  const Lock lock(mu_);
  std::map<std::uint64_t, std::string> by_time;
  for (const auto& [key, object] : objects_)
    by_time.emplace(object.written, key);
  std::vector<std::string> keys;
  for (auto& [time, key] : by_time)
    keys.push_back(std::move(key));
  return keys;
}

namespace {

class FaultyReader final : public ObjectReader {
 public:
  FaultyReader(std::unique_ptr<ObjectReader> reader, std::string key, const FailureRule& fail)
      : reader_(std::move(reader)), key_(std::move(key)), fail_(fail) {}

  ByteCount size() const override { return reader_->size(); }

  Result<std::size_t> read(std::span<char> room) override {
    TRY(fail_("read", key_));
    return reader_->read(room);
  }

 private:
  std::unique_ptr<ObjectReader> reader_;
  std::string key_;
  const FailureRule& fail_;
};

class FaultyUpload final : public Upload {
 public:
  FaultyUpload(std::unique_ptr<Upload> upload, std::string key, const FailureRule& fail)
      : upload_(std::move(upload)), key_(std::move(key)), fail_(fail) {}

  Status write(BytesView bytes) override {
    TRY(fail_("write", key_));
    return upload_->write(bytes);
  }

  Status complete() override {
    TRY(fail_("complete", key_));
    return upload_->complete();
  }

 private:
  std::unique_ptr<Upload> upload_;
  std::string key_;
  const FailureRule& fail_;
};

class FaultyStore final : public ObjectStore {
 public:
  FaultyStore(std::unique_ptr<ObjectStore> store, FailureRule fail)
      : store_(std::move(store)), fail_(std::move(fail)) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    TRY(fail_("get", key));
    return store_->get(key, max, std::move(stop));
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    TRY(fail_("get_range", key));
    return store_->get_range(key, offset, length, std::move(stop));
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    TRY(fail_("open_read", key));
    std::unique_ptr<ObjectReader> reader = TRY(store_->open_read(key, std::move(stop)));
    std::unique_ptr<ObjectReader> faulty =
        std::make_unique<FaultyReader>(std::move(reader), std::string(key), fail_);
    return faulty;
  }

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    TRY(fail_("head", key));
    return store_->head(key, std::move(stop));
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(fail_("put", key));
    return store_->put(key, bytes, std::move(stop));
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    TRY(fail_("begin_upload", key));
    std::unique_ptr<Upload> upload = TRY(store_->begin_upload(key, std::move(stop)));
    std::unique_ptr<Upload> faulty =
        std::make_unique<FaultyUpload>(std::move(upload), std::string(key), fail_);
    return faulty;
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    TRY(fail_("remove", key));
    return store_->remove(key, std::move(stop));
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    TRY(fail_("list", prefix));
    return store_->list(prefix, after, std::move(stop));
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    TRY(fail_("list_prefixes", prefix));
    return store_->list_prefixes(prefix, std::move(stop));
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    TRY(fail_("signed_url", key));
    return store_->signed_url(key, ttl, std::move(stop));
  }

 private:
  std::unique_ptr<ObjectStore> store_;
  FailureRule fail_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_faulty(std::unique_ptr<ObjectStore> store, FailureRule fail) {
  return std::make_unique<FaultyStore>(std::move(store),
                                       [fail = std::move(fail), mu = std::make_shared<Mutex>()](
                                           std::string_view call, std::string_view key) {
                                         const Lock lock(*mu);
                                         return fail(call, key);
                                       });
}

}  // namespace lateen::objects::testing
