// A small S3 in this process, with ways to it that spoil what goes through: for as many schedules
// as moto and the fault proxy would take days for. What S3 is, moto says; this is no more than
// quick.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread.h"
#include "net/http_server.h"

namespace lateen::objects::s3 {

// Objects whole, listings by prefix, no uploads in parts. Thread-safe.
class MemoryBuckets {
 public:
  net::HttpResponse answer(const net::ServerRequest& request);

 private:
  struct Object {
    Bytes bytes = {};
    net::Headers kept = {};  // ETag, Last-Modified, its checksum
  };

  using Bucket = std::map<std::string, Object, std::less<>>;

  static net::HttpResponse list(const Bucket& bucket, const net::QueryValues& query);
  static net::HttpResponse get(const Bucket& bucket,
                               const std::string& key,
                               const net::ServerRequest& request);
  net::HttpResponse put(Bucket& bucket, const std::string& key, const net::ServerRequest& request)
      LATEEN_REQUIRES(mu_);
  static net::HttpResponse remove_all(Bucket& bucket, BytesView document);

  Mutex mu_;
  std::map<std::string, Bucket, std::less<>> buckets_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t writes_ LATEEN_GUARDED_BY(mu_) = 0;
};

// A way to them, which takes the fault proxy's rules: "skip", "times" and "do" of 500, 503, reset,
// lost, truncate, flip. Thread-safe.
class MemoryWay final : public net::HttpHandler {
 public:
  // The buckets outlive it.
  static Result<std::unique_ptr<MemoryWay>> open(MemoryBuckets& buckets);

  explicit MemoryWay(MemoryBuckets& buckets) : buckets_(buckets) {}

  ~MemoryWay() override { server_.reset(); }

  const std::string& url() const { return url_; }

  // {"rules": [ … ]}, as the fault proxy takes them; InvalidArgument for others.
  Status spoil(std::string_view rules);

  void serve(net::ServerExchange& exchange) override;

 private:
  struct Rule {
    std::int64_t skip = 0;
    std::int64_t left = 1;
    bool always = false;
    std::string what = {};
  };

  std::string next_fault();

  MemoryBuckets& buckets_;
  Mutex mu_;
  std::vector<Rule> rules_ LATEEN_GUARDED_BY(mu_);
  std::string url_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace lateen::objects::s3
