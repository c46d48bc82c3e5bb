#include "repository/kopia/timed_store.h"

#include <algorithm>

#include "objects/new_object.h"

namespace lateen::repository::kopia {
namespace {

class BucketUpload final : public objects::Upload {
 public:
  BucketUpload(objects::ObjectStore& store, std::string key)
      : store_(store), key_(std::move(key)) {}

  Status write(BytesView bytes) override {
    bytes_ += bytes;
    return {};
  }

  Status complete() override { return store_.put(key_, bytes_); }

 private:
  objects::ObjectStore& store_;
  const std::string key_;
  Bytes bytes_;
};

class BucketReader final : public objects::ObjectReader {
 public:
  explicit BucketReader(Bytes bytes) : bytes_(std::move(bytes)) {}

  ByteCount size() const override { return bytes_.size(); }

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t length = std::min(room.size(), bytes_.size() - at_);
    std::copy_n(bytes_.data() + at_, length, room.data());
    at_ += length;
    return length;
  }

 private:
  const Bytes bytes_;
  std::size_t at_ = 0;
};

class BucketStore final : public objects::ObjectStore, public objects::NewObjectStore {
 public:
  BucketStore(std::shared_ptr<Bucket> bucket, const Clock& clock)
      : bucket_(std::move(bucket)), clock_(clock) {}

  Result<Bytes> get(std::string_view key, ByteCount, std::stop_token) override {
    Lock lock(bucket_->mu);
    ++bucket_->gets;
    const auto it = bucket_->objects.find(key);
    if (it == bucket_->objects.end()) return Error(Code::NotFound, "there is no {}", key);
    return it->second.bytes;
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    const Bytes all = TRY(get(key, ~ByteCount{0}, stop));
    if (offset >= all.size()) return Bytes();
    return all.substr(offset, length);
  }

  Result<std::unique_ptr<objects::ObjectReader>> open_read(std::string_view key,
                                                           std::stop_token stop) override {
    return std::make_unique<BucketReader>(TRY(get(key, ~ByteCount{0}, stop)));
  }

  Result<objects::ObjectInfo> head(std::string_view key, std::stop_token) override {
    Lock lock(bucket_->mu);
    ++bucket_->others;
    const auto it = bucket_->objects.find(key);
    if (it == bucket_->objects.end()) return Error(Code::NotFound, "there is no {}", key);
    return objects::ObjectInfo{
        .key = std::string(key), .size = it->second.bytes.size(), .modified = it->second.modified};
  }

  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token) override {
    if (bucket_->before_change) TRY(bucket_->before_change(key));
    Lock lock(bucket_->mu);
    ++bucket_->puts;
    const bool put = bucket_->objects
                         .try_emplace(std::string(key), Bucket::Object{.bytes = Bytes(bytes),
                                                                       .modified = clock_.now()})
                         .second;
    return put ? Status() : Status(Error(Code::AlreadyExists, "{} is there", key));
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token) override {
    if (bucket_->before_change) TRY(bucket_->before_change(key));
    Lock lock(bucket_->mu);
    ++bucket_->puts;
    bucket_->objects.insert_or_assign(
        std::string(key), Bucket::Object{.bytes = Bytes(bytes), .modified = clock_.now()});
    return {};
  }

  Result<std::unique_ptr<objects::Upload>> begin_upload(std::string_view key,
                                                        std::stop_token) override {
    return std::make_unique<BucketUpload>(*this, std::string(key));
  }

  Status remove(std::string_view key, std::stop_token) override {
    if (bucket_->before_change) TRY(bucket_->before_change(key));
    Lock lock(bucket_->mu);
    ++bucket_->others;
    if (const auto it = bucket_->objects.find(key); it != bucket_->objects.end()) {
      bucket_->objects.erase(it);
    }
    return {};
  }

  Result<objects::ListPage> list(std::string_view prefix,
                                 std::string_view after,
                                 std::stop_token) override {
    Lock lock(bucket_->mu);
    ++bucket_->lists;
    objects::ListPage page;
    for (const auto& [key, object] : bucket_->objects) {
      if (!key.starts_with(prefix) || key <= after) continue;
      page.objects.push_back(
          {.key = key, .size = object.bytes.size(), .modified = object.modified});
    }
    return page;
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view, std::stop_token) override {
    return Error(Code::Unsupported, "not here");
  }

  Result<std::string> signed_url(std::string_view, Duration, std::stop_token) override {
    return Error(Code::Unsupported, "not here");
  }

 private:
  const std::shared_ptr<Bucket> bucket_;
  const Clock& clock_;
};

}  // namespace

TimePoint TestClock::now() const {
  Lock lock(mu_);
  return now_;
}

void TestClock::advance(Duration by) {
  Lock lock(mu_);
  now_ += by;
}

std::vector<std::string> Bucket::keys(std::string_view prefix) {
  Lock lock(mu);
  std::vector<std::string> found;
  for (const auto& [key, _] : objects) {
    if (key.starts_with(prefix)) found.push_back(key);
  }
  return found;
}

std::uint64_t Bucket::requests() {
  Lock lock(mu);
  return gets + puts + lists + others;
}

std::unique_ptr<objects::ObjectStore> open_bucket(std::shared_ptr<Bucket> bucket,
                                                  const Clock& clock) {
  return std::make_unique<BucketStore>(std::move(bucket), clock);
}

}  // namespace lateen::repository::kopia
