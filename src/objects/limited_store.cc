#include "objects/limited_store.h"

#include "objects/forwarding_store.h"
#include "objects/new_object.h"

namespace lateen::objects {
namespace {

class LimitedReader final : public ObjectReader {
 public:
  LimitedReader(std::unique_ptr<ObjectReader> reader, Pace& pace, std::stop_token stop)
      : reader_(std::move(reader)), pace_(pace), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t length = TRY(reader_->read(room));
    TRY(pace_.take(length, stop_));
    return length;
  }

  ByteCount size() const override { return reader_->size(); }

 private:
  std::unique_ptr<ObjectReader> reader_;
  Pace& pace_;
  std::stop_token stop_;
};

class LimitedUpload final : public Upload {
 public:
  LimitedUpload(std::unique_ptr<Upload> upload, Pace& pace, std::stop_token stop)
      : upload_(std::move(upload)), pace_(pace), stop_(std::move(stop)) {}

  Status write(BytesView bytes) override {
    TRY(pace_.take(bytes.size(), stop_));
    return upload_->write(bytes);
  }

  Status complete() override { return upload_->complete(); }

 private:
  std::unique_ptr<Upload> upload_;
  Pace& pace_;
  std::stop_token stop_;
};

// Thread-safe, as what it wraps.
class LimitedStore final : public ForwardingStore, public NewObjectStore {
 public:
  LimitedStore(std::unique_ptr<ObjectStore> store, Line& line)
      : ForwardingStore(std::move(store)), up_(line.up), down_(line.down) {}

  // With a line of its own.
  LimitedStore(std::unique_ptr<ObjectStore> store, std::unique_ptr<Line> line)
      : ForwardingStore(std::move(store)),
        own_(std::move(line)),
        up_(own_->up),
        down_(own_->down) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    Bytes bytes = TRY(inner().get(key, max, stop));
    TRY(down_.take(bytes.size(), stop));
    return bytes;
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    Bytes bytes = TRY(inner().get_range(key, offset, length, stop));
    TRY(down_.take(bytes.size(), stop));
    return bytes;
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    auto reader = TRY(inner().open_read(key, stop));
    return std::unique_ptr<ObjectReader>(
        std::make_unique<LimitedReader>(std::move(reader), down_, std::move(stop)));
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(up_.take(bytes.size(), stop));
    return inner().put(key, bytes, std::move(stop));
  }

  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(up_.take(bytes.size(), stop));
    return objects::put_if_absent(inner(), key, bytes, std::move(stop));
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    auto upload = TRY(inner().begin_upload(key, stop));
    return std::unique_ptr<Upload>(
        std::make_unique<LimitedUpload>(std::move(upload), up_, std::move(stop)));
  }

 private:
  const std::unique_ptr<Line> own_;
  Pace& up_;
  Pace& down_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_limited(std::unique_ptr<ObjectStore> store, RateLimits limits) {
  if (!limits.any()) return store;
  auto line = std::make_unique<Line>();
  line->up.set(limits.upload);
  line->down.set(limits.download);
  return std::make_unique<LimitedStore>(std::move(store), std::move(line));
}

std::unique_ptr<ObjectStore> make_limited(std::unique_ptr<ObjectStore> store, Line& line) {
  return std::make_unique<LimitedStore>(std::move(store), line);
}

}  // namespace lateen::objects
