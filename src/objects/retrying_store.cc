#include "objects/retrying_store.h"

#include <algorithm>

namespace lateen::objects {
namespace {

// Calls until it works, fails for good, or has been tried often enough.
template <typename Call>
auto retry(const RetryOptions& options, const std::stop_token& stop, Call call)
    -> decltype(call()) {
  Duration pause = options.first_pause;
  for (int attempt = 1;; ++attempt) {
    auto result = call();
    if (result || !result.error().retryable() || attempt >= options.attempts) return result;
    if (!sleep_unless_stopped(pause, stop)) return result;
    pause *= 2;
  }
}

// Reads a stream; when it breaks, goes on by ranges from where it was.
class RetryingReader final : public ObjectReader {
 public:
  RetryingReader(ObjectStore& store,
                 std::string key,
                 std::unique_ptr<ObjectReader> reader,
                 RetryOptions options,
                 std::stop_token stop)
      : store_(store),
        key_(std::move(key)),
        reader_(std::move(reader)),
        size_(reader_->size()),
        options_(options),
        stop_(std::move(stop)) {}

  ByteCount size() const override { return size_; }

  Result<std::size_t> read(std::span<char> room) override {
    if (reader_) {
      Result<std::size_t> got = reader_->read(room);
      if (got) {
        offset_ += *got;
        return got;
      }
      if (!got.error().retryable()) return got;
      reader_.reset();
    }
    return read_range(room);
  }

 private:
  Result<std::size_t> read_range(std::span<char> room) {
    if (offset_ >= size_) return std::size_t{0};
    const ByteCount wanted = std::min<ByteCount>(room.size(), size_ - offset_);
    const Bytes bytes =
        TRY(retry(options_, stop_, [&] { return store_.get_range(key_, offset_, wanted, stop_); }));
    if (bytes.empty())
      return Error(Code::Corrupt, "object {} became shorter while it was read", key_);
    std::ranges::copy(bytes, room.begin());
    offset_ += bytes.size();
    return bytes.size();
  }

  ObjectStore& store_;
  std::string key_;
  std::unique_ptr<ObjectReader> reader_;  // none once it broke
  ByteCount size_;
  RetryOptions options_;
  std::stop_token stop_;
  ByteCount offset_ = 0;
};

// Thread-safe.
class RetryingStore final : public ObjectStore {
 public:
  RetryingStore(std::unique_ptr<ObjectStore> store, RetryOptions options)
      : store_(std::move(store)), options_(options) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->get(key, max, stop); });
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->get_range(key, offset, length, stop); });
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    std::unique_ptr<ObjectReader> reader =
        TRY(retry(options_, stop, [&] { return store_->open_read(key, stop); }));
    std::unique_ptr<ObjectReader> retrying = std::make_unique<RetryingReader>(
        *store_, std::string(key), std::move(reader), options_, stop);
    return retrying;
  }

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->head(key, stop); });
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->put(key, bytes, stop); });
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->begin_upload(key, stop); });
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->remove(key, stop); });
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->list(prefix, after, stop); });
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->list_prefixes(prefix, stop); });
  }

  // What they are made of is tried again.
  Status download(std::string_view key, int fd, std::stop_token stop) override {
    return ObjectStore::download(key, fd, std::move(stop));
  }

  Status remove_below(std::string_view prefix, const std::stop_token& stop) override {
    return retry(options_, stop, [&] { return store_->remove_below(prefix, stop); });
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    return retry(options_, stop, [&] { return store_->signed_url(key, ttl, stop); });
  }

 private:
  const std::unique_ptr<ObjectStore> store_;
  const RetryOptions options_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_retrying(std::unique_ptr<ObjectStore> store,
                                           RetryOptions options) {
  return std::make_unique<RetryingStore>(std::move(store), options);
}

}  // namespace lateen::objects
