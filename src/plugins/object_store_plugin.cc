#include "plugins/object_store_plugin.h"

#include <algorithm>
#include <utility>

#include <velero/object_store.pb.h>

#include "base/temp.h"
#include "base/text.h"
#include "plugins/rpc.h"

namespace lateen::plugins {
namespace {

using objects::ListPage;
using objects::ObjectInfo;
using objects::ObjectReader;
using objects::Upload;

// Well below the 4 MiB that a plugin takes in a message.
constexpr std::size_t kPiece = 256 * 1024;

std::string method(std::string_view name) {
  return fmt::format("/generated.ObjectStore/{}", name);
}

Status init(const Connection& connection,
            const std::string& plugin,
            const model::StringMap& config,
            Duration patience,
            const std::stop_token& stop) {
  return initialise<generated::ObjectStoreInitRequest, generated::Empty>(
      connection.channel(), method("Init"), plugin, config, Deadline::after(patience), stop);
}

// The location's own config and what every object store is told.
model::StringMap config_of(const objects::StoreOptions& location) {
  model::StringMap config = location.config;
  config["bucket"] = location.bucket;
  std::string_view prefix = location.prefix;
  while (prefix.starts_with('/'))
    prefix.remove_prefix(1);
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  config["prefix"] = std::string(prefix);
  if (!location.ca_pem.empty()) config["caCert"] = location.ca_pem;
  return config;
}

// A scratch file that holds the object. Not thread-safe.
class FetchedObject final : public ObjectReader {
 public:
  FetchedObject(TempFile file, ByteCount size) : file_(std::move(file)), size_(size) {}

  ByteCount size() const override { return size_; }

  Result<std::size_t> read(std::span<char> room) override {
    return FdSource(file_.fd(), "a fetched object").read(room);
  }

 private:
  TempFile file_;
  const ByteCount size_;
};

// A PutObject under way; the store outlives it. Not thread-safe.
class PluginUpload final : public Upload {
 public:
  PluginUpload(const StatefulPlugin& plugin,
               Connection connection,
               std::unique_ptr<Stream> stream,
               generated::PutObjectRequest request)
      : plugin_(plugin),
        connection_(std::move(connection)),
        stream_(std::move(stream)),
        request_(std::move(request)) {}

  Status write(BytesView bytes) override {
    while (!bytes.empty()) {
      const BytesView piece = bytes.substr(0, kPiece);
      TRY(send(piece));
      bytes.remove_prefix(piece.size());
    }
    return {};
  }

  Status complete() override {
    // One without any message would be one without a key.
    if (!has_sent_) TRY(send(""));
    auto ended = finish();
    stream_.reset();
    if (ended) return {};
    return plugin_.explain(std::move(ended).error(), connection_)
        .wrap("writing object {}", request_.key());
  }

 private:
  Status finish() {
    TRY(stream_->end_writes());
    const auto answer = TRY(stream_->read());
    if (!answer) return Error(Code::Internal, "the plugin has not said that it has the object");
    // The call's own end: it may still go wrong.
    TRY(stream_->read());
    return {};
  }

  Status send(BytesView piece) {
    request_.set_body(piece.data(), piece.size());
    const Status sent = stream_->write(request_.SerializeAsString());
    has_sent_ = true;
    if (sent) return {};
    return plugin_.explain(sent.error(), connection_).wrap("writing object {}", request_.key());
  }

  const StatefulPlugin& plugin_;
  const Connection connection_;
  std::unique_ptr<Stream> stream_;
  generated::PutObjectRequest request_;
  bool has_sent_ = false;
};

class PluginObjectStore final : public objects::ObjectStore {
 public:
  PluginObjectStore(std::unique_ptr<StatefulPlugin> plugin,
                    std::string bucket,
                    std::size_t page_size)
      : plugin_(std::move(plugin)), bucket_(std::move(bucket)), page_size_(page_size) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    Bytes all;
    const auto take = [&](BytesView piece) -> Result<bool> {
      if (all.size() + piece.size() > max) {
        return Error(Code::InvalidArgument, "object {} is larger than {} bytes", key, max);
      }
      all += piece;
      return true;
    };
    TRY(fetch(key, take, stop));
    return all;
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    Bytes range;
    ByteCount seen = 0;
    const auto take = [&](BytesView piece) -> Result<bool> {
      const ByteCount before = seen;
      seen += piece.size();
      if (seen > offset) {
        const ByteCount skip = offset > before ? offset - before : 0;
        range += piece.substr(skip, length - range.size());
      }
      return range.size() < length;
    };
    TRY(fetch(key, take, stop));
    return range;
  }

  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override {
    TempFile file = TRY(TempFile::create());
    ByteCount size = 0;
    const auto take = [&](BytesView piece) -> Result<bool> {
      size += piece.size();
      TRY(file.write(piece));
      return true;
    };
    TRY(fetch(key, take, stop));
    TRY(file.seek(0));
    return std::make_unique<FetchedObject>(std::move(file), size);
  }

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    TRY(objects::check_key(key));
    generated::ObjectExistsRequest request;
    address(request, key);
    const auto answer = TRY(ask<generated::ObjectExistsResponse>("ObjectExists", request, stop)
                                .wrap("looking for object {}", key));
    if (!answer.exists()) return not_found(key);
    return ObjectInfo{.key = std::string(key), .size_known = false};
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    const auto upload = TRY(begin_upload(key, stop));
    TRY(upload->write(bytes));
    return upload->complete();
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                               std::stop_token stop) override {
    TRY(objects::check_key(key));
    Connection connection = TRY(plugin_->connect(stop));
    auto stream =
        TRY(connection.channel().open(method("PutObject"), plugin_->limits().message, stop));
    generated::PutObjectRequest request;
    address(request, key);
    return std::make_unique<PluginUpload>(*plugin_, std::move(connection), std::move(stream),
                                          std::move(request));
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    TRY(objects::check_key(key));
    generated::DeleteObjectRequest request;
    address(request, key);
    TRY(ask<generated::Empty>("DeleteObject", request, stop).wrap("removing object {}", key));
    return {};
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    generated::ListObjectsRequest request;
    request.set_plugin(plugin_->name());
    request.set_bucket(bucket_);
    request.set_prefix(std::string(prefix));
    auto answer = TRY(ask<generated::ListObjectsResponse>("ListObjects", request, stop)
                          .wrap("listing objects under {}", prefix));
    // In whatever order the plugin has them.
    std::vector<std::string> keys;
    for (std::string& key : *answer.mutable_keys()) {
      if (key > after && key.starts_with(prefix)) keys.push_back(std::move(key));
    }
    std::sort(keys.begin(), keys.end());
    ListPage page;
    page.more = page_size_ > 0 && keys.size() > page_size_;
    if (page.more) keys.resize(page_size_);
    for (std::string& key : keys)
      page.objects.push_back({.key = std::move(key), .size_known = false});
    return page;
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    if (!prefix.empty() && !prefix.ends_with('/')) {
      return Error(Code::InvalidArgument, "prefix {} does not end with /", prefix);
    }
    generated::ListCommonPrefixesRequest request;
    request.set_plugin(plugin_->name());
    request.set_bucket(bucket_);
    request.set_delimiter("/");
    request.set_prefix(std::string(prefix));
    const auto answer =
        TRY(ask<generated::ListCommonPrefixesResponse>("ListCommonPrefixes", request, stop)
                .wrap("listing what is under {}", prefix));
    std::vector<std::string> prefixes(answer.prefixes().begin(), answer.prefixes().end());
    std::sort(prefixes.begin(), prefixes.end());
    return prefixes;
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    TRY(objects::check_key(key));
    generated::CreateSignedURLRequest request;
    address(request, key);
    request.set_ttl(ttl.count());
    return TRY(ask<generated::CreateSignedURLResponse>("CreateSignedURL", request, stop)
                   .wrap("signing a URL of object {}", key))
        .url();
  }

 private:
  template <typename Request>
  void address(Request& request, std::string_view key) const {
    request.set_plugin(plugin_->name());
    request.set_bucket(bucket_);
    request.set_key(std::string(key));
  }

  template <typename Response, typename Request>
  Result<Response> ask(std::string_view name, const Request& request, const std::stop_token& stop) {
    const Connection connection = TRY(plugin_->connect(stop));
    auto answer = call<Response>(connection.channel(), method(name), request,
                                 Deadline::after(plugin_->limits().execute), stop);
    if (!answer) return plugin_->explain(std::move(answer).error(), connection);
    return answer;
  }

  static Error not_found(std::string_view key) {
    return {Code::NotFound, "there is no object {}", key};
  }

  // Hands on the object piece by piece, until `take` says false.
  template <typename Take>
  Status fetch(std::string_view key, Take take, const std::stop_token& stop) {
    TRY(objects::check_key(key));
    const Connection connection = TRY(plugin_->connect(stop));
    auto fetched = stream_object(connection, key, take, stop);
    if (fetched) return {};
    if (fetched.error().is(Code::Internal) && TRY(is_missing(key, stop))) return not_found(key);
    return plugin_->explain(std::move(fetched).error(), connection).wrap("reading object {}", key);
  }

  template <typename Take>
  Status stream_object(const Connection& connection,
                       std::string_view key,
                       Take take,
                       const std::stop_token& stop) {
    generated::GetObjectRequest request;
    address(request, key);
    const std::string name = method("GetObject");
    const auto stream = TRY(connection.channel().open(name, plugin_->limits().message, stop));
    TRY(stream->write(request.SerializeAsString()));
    TRY(stream->end_writes());
    while (const auto message = TRY(stream->read())) {
      const auto piece = TRY(parse_message<generated::Bytes>(*message, name));
      if (!TRY(take(BytesView(piece.data())))) return {};
    }
    return {};
  }

  // The protocol has no code for an object that is not there: whatever went wrong with one that is
  // not there, went wrong because of that.
  Result<bool> is_missing(std::string_view key, const std::stop_token& stop) {
    auto there = head(key, stop);
    if (!there && !there.error().is(Code::NotFound)) return false;
    return !there;
  }

  const std::unique_ptr<StatefulPlugin> plugin_;
  const std::string bucket_;
  const std::size_t page_size_;
};

}  // namespace

Result<std::unique_ptr<objects::ObjectStore>> open_object_store(
    const ObjectStorePluginOptions& options, const objects::StoreOptions& location) {
  const auto tell = [name = options.plugin.id.name, patience = options.plugin.limits.quick](
                        const Connection& connection, const model::StringMap& config,
                        const std::stop_token& stop) {
    return init(connection, name, config, patience, stop);
  };
  std::unique_ptr<StatefulPlugin> plugin =
      TRY(StatefulPlugin::open(options.plugin, config_of(location), location.credential, tell));
  TRY(plugin->connect({}).wrap("object store plugin {}", options.plugin.id.name));
  return std::make_unique<PluginObjectStore>(std::move(plugin), location.bucket, options.page_size);
}

}  // namespace lateen::plugins
