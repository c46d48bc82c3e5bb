#include "objects/counting_store.h"

#include "objects/forwarding_store.h"

namespace lateen::objects {
namespace {

class CountingReader final : public ObjectReader {
 public:
  CountingReader(std::unique_ptr<ObjectReader> reader, StoreCounters& counters)
      : reader_(std::move(reader)), counters_(counters) {}

  ByteCount size() const override { return reader_->size(); }

  Result<std::size_t> read(std::span<char> room) override {
    Result<std::size_t> got = reader_->read(room);
    if (got) counters_.bytes_read += *got;
    return got;
  }

 private:
  std::unique_ptr<ObjectReader> reader_;
  StoreCounters& counters_;
};

class CountingUpload final : public Upload {
 public:
  CountingUpload(std::unique_ptr<Upload> upload, StoreCounters& counters)
      : upload_(std::move(upload)), counters_(counters) {}

  Status write(BytesView bytes) override {
    counters_.bytes_written += bytes.size();
    return upload_->write(bytes);
  }

  Status complete() override {
    ++counters_.puts;
    return upload_->complete();
  }

 private:
  std::unique_ptr<Upload> upload_;
  StoreCounters& counters_;
};

// Thread-safe.
class CountingStore final : public ForwardingStore {
 public:
  CountingStore(std::unique_ptr<ObjectStore> store, StoreCounters& counters)
      : ForwardingStore(std::move(store)), counters_(counters) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    return counted(inner().get(key, max, std::move(stop)));
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    return counted(inner().get_range(key, offset, length, std::move(stop)));
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    ++counters_.gets;
    std::unique_ptr<ObjectReader> reader = TRY(inner().open_read(key, std::move(stop)));
    std::unique_ptr<ObjectReader> counting =
        std::make_unique<CountingReader>(std::move(reader), counters_);
    return counting;
  }

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    ++counters_.heads;
    return inner().head(key, std::move(stop));
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    ++counters_.puts;
    counters_.bytes_written += bytes.size();
    return inner().put(key, bytes, std::move(stop));
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    std::unique_ptr<Upload> upload = TRY(inner().begin_upload(key, std::move(stop)));
    std::unique_ptr<Upload> counting =
        std::make_unique<CountingUpload>(std::move(upload), counters_);
    return counting;
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    ++counters_.removes;
    return inner().remove(key, std::move(stop));
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    ++counters_.lists;
    return inner().list(prefix, after, std::move(stop));
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    ++counters_.lists;
    return inner().list_prefixes(prefix, std::move(stop));
  }

 private:
  Result<Bytes> counted(Result<Bytes> bytes) {
    ++counters_.gets;
    if (bytes) counters_.bytes_read += bytes->size();
    return bytes;
  }

  StoreCounters& counters_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_counting(std::unique_ptr<ObjectStore> store,
                                           StoreCounters& counters) {
  return std::make_unique<CountingStore>(std::move(store), counters);
}

}  // namespace lateen::objects
