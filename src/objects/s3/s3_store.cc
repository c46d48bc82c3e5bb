#include "objects/s3/s3_store.h"

#include <algorithm>

#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/thread.h"
#include "net/aws/fault.h"
#include "net/retry.h"
#include "objects/new_object.h"
#include "objects/s3/client.h"
#include "objects/s3/listing.h"
#include "objects/s3/reader.h"
#include "objects/s3/upload.h"

namespace lateen::objects::s3 {
namespace {

// A range of a download. As many as there are transfers at once lie in memory whole: handing over
// smaller pieces as they come costs more in wake-ups than it saves.
constexpr ByteCount kDownloadRange = 8_MiB;

// A piece on its way to a file, of objects that are not worth ranges.
constexpr std::size_t kPiece = 1_MiB;

// DeleteObjects takes 1000 keys. Servers delete them one after the other, so that fewer at once,
// and several requests, are faster.
constexpr std::size_t kDeleteBatch = 250;

// An answer may also be a refusal, however few bytes were asked for.
constexpr ByteCount kForRefusals = 64_KiB;

Status write_at(int fd, BytesView bytes, ByteCount offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "writing a download");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<ByteCount>(written);
  }
  return {};
}

class S3Store final : public ObjectStore, public NewObjectStore {
 public:
  explicit S3Store(std::unique_ptr<S3Client> client) : client_(std::move(client)) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override;
  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override;
  Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                  std::stop_token stop) override;
  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override;
  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override;

  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(check_key(key));
    return put_object_if_absent(*client_, std::string(key), Bytes(bytes), std::move(stop));
  }

  Result<std::unique_ptr<Upload>> begin_upload(std::string_view key, std::stop_token stop) override;
  Status remove(std::string_view key, std::stop_token stop) override;
  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override;
  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override;
  Result<std::string> signed_url(std::string_view key, Duration ttl, std::stop_token stop) override;
  Status download(std::string_view key, int fd, std::stop_token stop) override;
  Status remove_below(std::string_view prefix, const std::stop_token& stop) override;

 private:
  Result<Bytes> version_range(std::string_view key,
                              const std::string& etag,
                              ByteCount offset,
                              ByteCount length,
                              std::stop_token stop);
  Result<Listing> list_page(net::QueryValues query, std::stop_token stop);
  Status remove_batch(std::span<const std::string> keys, std::stop_token stop);

  const std::unique_ptr<S3Client> client_;
};

Result<std::unique_ptr<ObjectReader>> S3Store::open_read(std::string_view key,
                                                         std::stop_token stop) {
  TRY(check_key(key));
  std::unique_ptr<ObjectReader> reader =
      TRY(S3Reader::open(*client_, std::string(key), std::move(stop)));
  return reader;
}

Result<Bytes> S3Store::get(std::string_view key, ByteCount max, std::stop_token stop) {
  const std::unique_ptr<ObjectReader> reader = TRY(open_read(key, std::move(stop)));
  if (reader->size() > max) {
    return Error(Code::InvalidArgument, "{} is {} bytes long, more than the {} that are taken",
                 client_->name_of(key), reader->size(), max);
  }
  Bytes bytes(static_cast<std::size_t>(reader->size()), '\0');
  TRY(read_fully(*reader, bytes));
  char end = 0;
  TRY(reader->read(std::span<char>(&end, 1)));  // holds it against its checksum
  return bytes;
}

Result<Bytes> S3Store::get_range(std::string_view key,
                                 ByteCount offset,
                                 ByteCount length,
                                 std::stop_token stop) {
  TRY(check_key(key));
  if (length == 0) {
    TRY(head(key, std::move(stop)));
    return Bytes();
  }
  S3Call call{.permission = "s3:GetObject",
              .key = std::string(key),
              .max_response = std::max(length, kForRefusals)};
  client_->add_customer_key(call.headers);
  const ByteCount last = length - 1 > ~offset ? ~ByteCount{0} >> 1U : offset + length - 1;
  call.headers.set("Range", fmt::format("bytes={}-{}", offset, last));
  net::aws::ServiceFault fault;
  call.fault = &fault;
  auto answer = client_->send(call, std::move(stop));
  if (!answer && fault.status == 416) return Bytes();  // behind the end
  net::HttpResponse response = TRY(std::move(answer));
  if (response.status == 206 || offset == 0) return std::move(response.body);
  return Error(Code::Unsupported, "{}: the server gives no ranges of objects",
               client_->name_of(key));
}

Result<ObjectInfo> S3Store::head(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  S3Call call{.permission = "s3:GetObject", .method = "HEAD", .key = std::string(key)};
  client_->add_customer_key(call.headers);
  const net::HttpResponse answer = TRY(client_->send(call, std::move(stop)));
  const auto size = parse_int(answer.headers.get("Content-Length"));
  const auto modified = net::parse_http_date(answer.headers.get("Last-Modified"));
  if (!size || *size < 0 || !modified) {
    return Error(Code::Corrupt, "{}: the answer has no Content-Length or Last-Modified",
                 client_->name_of(key));
  }
  return ObjectInfo{
      .key = std::string(key), .size = static_cast<ByteCount>(*size), .modified = *modified};
}

Status S3Store::put(std::string_view key, BytesView bytes, std::stop_token stop) {
  TRY(check_key(key));
  if (bytes.size() <= 2 * client_->config().part_size) {
    return put_object(*client_, std::string(key), Bytes(bytes), std::move(stop));
  }
  S3Upload upload(*client_, std::string(key), std::move(stop));
  TRY(upload.write(bytes));
  return upload.complete();
}

Result<std::unique_ptr<Upload>> S3Store::begin_upload(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  std::unique_ptr<Upload> upload =
      std::make_unique<S3Upload>(*client_, std::string(key), std::move(stop));
  return upload;
}

Status S3Store::remove(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  S3Call call{.permission = "s3:DeleteObject", .method = "DELETE", .key = std::string(key)};
  const auto answer = client_->send(call, std::move(stop));
  if (answer || answer.error().is(Code::NotFound)) return {};
  return answer.error();
}

Result<Listing> S3Store::list_page(net::QueryValues query, std::stop_token stop) {
  query.set("list-type", "2");
  query.set("encoding-type", "url");
  query.set("max-keys", fmt::to_string(client_->config().page_size));
  S3Call call{.permission = "s3:ListBucket", .query = std::move(query)};
  const net::HttpResponse answer = TRY(client_->send(call, std::move(stop)));
  return parse_listing(answer.body).wrap("listing {}", client_->name_of({}));
}

// Consoles make "folders" by objects whose keys end with a slash: no keys to us, but they must not
// end a listing.
Result<ListPage> S3Store::list(std::string_view prefix,
                               std::string_view after,
                               std::stop_token stop) {
  std::string from(after);
  for (;;) {
    net::QueryValues query{{"prefix", std::string(prefix)}};
    if (!from.empty()) query.set("start-after", from);
    Listing listing = TRY(list_page(std::move(query), stop));
    if (!listing.objects.empty()) from = listing.objects.back().key;
    ListPage page{.more = listing.truncated && !listing.objects.empty()};
    std::erase_if(listing.objects, [](const ObjectInfo& object) { return !check_key(object.key); });
    page.objects = std::move(listing.objects);
    if (!page.objects.empty() || !page.more) return page;
  }
}

Result<std::vector<std::string>> S3Store::list_prefixes(std::string_view prefix,
                                                        std::stop_token stop) {
  if (!prefix.empty() && !prefix.ends_with('/')) {
    return Error(Code::InvalidArgument, "prefix {} does not end with a slash", prefix);
  }
  std::vector<std::string> prefixes;
  std::string continuation;
  do {
    net::QueryValues query{{"prefix", std::string(prefix)}, {"delimiter", "/"}};
    if (!continuation.empty()) query.set("continuation-token", continuation);
    Listing listing = TRY(list_page(std::move(query), stop));
    std::ranges::move(listing.prefixes, std::back_inserter(prefixes));
    continuation = listing.truncated ? std::move(listing.continuation) : std::string();
  } while (!continuation.empty());
  std::ranges::sort(prefixes);
  const auto [first, last] = std::ranges::unique(prefixes);
  prefixes.erase(first, last);
  return prefixes;
}

Result<std::string> S3Store::signed_url(std::string_view key, Duration ttl, std::stop_token stop) {
  TRY(check_key(key));
  if (!client_->config().customer_key.empty()) {
    return Error(Code::Unsupported,
                 "objects that are encrypted with a customer's key have no signed URLs");
  }
  return client_->presign_get(key, ttl, std::move(stop));
}

// All of a range of the object that has this ETag.
Result<Bytes> S3Store::version_range(std::string_view key,
                                     const std::string& etag,
                                     ByteCount offset,
                                     ByteCount length,
                                     std::stop_token stop) {
  net::aws::ServiceFault fault;
  S3Call call{.permission = "s3:GetObject",
              .key = std::string(key),
              .max_response = std::max(length, kForRefusals),
              .fault = &fault};
  client_->add_customer_key(call.headers);
  call.headers.set("Range", fmt::format("bytes={}-{}", offset, offset + length - 1));
  if (!etag.empty()) call.headers.set("If-Match", etag);
  auto answer = client_->send(call, std::move(stop));
  if (!answer && fault.status == 412) {
    return Error(Code::Conflict, "{} was replaced while it was read", client_->name_of(key))
        .with_hint("Read it again.");
  }
  net::HttpResponse response = TRY(std::move(answer));
  if (response.status == 206 && response.body.size() == length) return std::move(response.body);
  return Error(Code::Corrupt, "{}: asked for {} bytes from {}, the server gave {}",
               client_->name_of(key), length, offset, response.body.size());
}

// The first connection says how large it is and which version; ranges of that go side by side.
Status S3Store::download(std::string_view key, int fd, std::stop_token stop) {
  TRY(check_key(key));
  const auto front = TRY(S3Reader::open(*client_, std::string(key), stop));
  const off_t start = ::lseek(fd, 0, SEEK_CUR);
  if (front->size() <= 2 * kDownloadRange || start < 0) {
    Bytes piece(static_cast<std::size_t>(std::min<ByteCount>(kPiece, front->size() + 1)), '\0');
    while (const std::size_t got = TRY(front->read(piece)))
      TRY(write_all(fd, BytesView(piece).substr(0, got)));
    return {};
  }
  const auto ranges =
      static_cast<std::size_t>((front->size() + kDownloadRange - 1) / kDownloadRange);
  const auto copy_range = [&](std::size_t i, std::stop_token inner) -> Status {
    const ByteCount from = i * kDownloadRange;
    const ByteCount length = std::min(kDownloadRange, front->size() - from);
    const Bytes bytes = TRY(version_range(key, front->etag(), from, length, std::move(inner)));
    return write_at(fd, bytes, from + static_cast<ByteCount>(start));
  };
  front->close();
  TRY(parallel_for(ranges, client_->config().parallel, copy_range, stop));
  if (::lseek(fd, start + static_cast<off_t>(front->size()), SEEK_SET) >= 0) return {};
  return errno_error(errno, "writing a download");
}

Status S3Store::remove_batch(std::span<const std::string> keys, std::stop_token stop) {
  S3Call call{.permission = "s3:DeleteObject",
              .method = "POST",
              .query = {{"delete", ""}},
              .headers = {{"Content-Type", "application/xml"}},
              .body = delete_document(keys)};
  call.headers.set("Content-MD5", md5_base64(call.body));  // S3 asks for it, whatever the config
  const net::HttpResponse answer = TRY(client_->send(call, std::move(stop)));
  for (const NotDeleted& failure :
       TRY(parse_delete_result(answer.body).wrap("deleting from {}", client_->name_of({})))) {
    if (failure.code == "NoSuchKey") continue;
    return net::aws::error_of_fault({.status = failure.code == "AccessDenied" ? 403 : 400,
                                     .code = failure.code,
                                     .message = failure.message},
                                    fmt::format("deleting {}", client_->name_of(failure.key)));
  }
  return {};
}

// "Folders" of consoles too: a prefix that still has one looks as if it weren't empty.
Status S3Store::remove_below(std::string_view prefix, const std::stop_token& stop) {
  std::string continuation;
  do {
    net::QueryValues query{{"prefix", std::string(prefix)}};
    if (!continuation.empty()) query.set("continuation-token", continuation);
    Listing listing = TRY(list_page(std::move(query), stop));
    std::vector<std::string> keys;
    for (ObjectInfo& object : listing.objects)
      keys.push_back(std::move(object.key));
    const auto remove_some = [&](std::size_t i, std::stop_token inner) -> Status {
      const std::span<const std::string> rest = std::span(keys).subspan(i * kDeleteBatch);
      return remove_batch(rest.first(std::min(kDeleteBatch, rest.size())), std::move(inner));
    };
    const std::size_t batches = (keys.size() + kDeleteBatch - 1) / kDeleteBatch;
    TRY(parallel_for(batches, client_->config().parallel, remove_some, stop));
    continuation = listing.truncated ? std::move(listing.continuation) : std::string();
  } while (!continuation.empty());
  return {};
}

// With what a location trusts besides: the system's authorities, since STS is AWS' own.
net::TlsOptions sts_trust(const S3Config& config) {
  if (config.tls.ca_pem.empty()) return {};
  constexpr ByteCount kLargestBundle = 16_MiB;
  const auto system = read_file("/etc/ssl/certs/ca-certificates.crt", kLargestBundle);
  return {.ca_pem = config.tls.ca_pem + "\n" + system.value_or("")};
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_s3_store(
    S3Config config, std::unique_ptr<net::aws::CredentialsProvider> credentials) {
  auto client = TRY(S3Client::open(std::move(config), std::move(credentials)));
  std::unique_ptr<ObjectStore> store = std::make_unique<S3Store>(std::move(client));
  return store;
}

Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Config config) {
  auto credentials = TRY(net::aws::make_credentials({.region = config.region,
                                                     .profile = config.profile,
                                                     .file = config.credential,
                                                     .file_path = config.credentials_file,
                                                     .tls = sts_trust(config),
                                                     .environment = config.environment,
                                                     .clock = config.clock}));
  return open_s3_store(std::move(config), std::move(credentials));
}

Result<std::unique_ptr<ObjectStore>> open_s3_location(const StoreOptions& options) {
  return open_s3_store(TRY(S3Config::from(options)));
}

}  // namespace lateen::objects::s3
