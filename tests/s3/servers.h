// Object stores that we did not write, started for the tests of this program, and a proxy that
// spoils what goes to them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "net/aws/sigv4.h"
#include "objects/s3/config.h"
#include "objects/s3/s3_store.h"

namespace lateen::objects::s3 {

// A program of tests/tools that prints its URL and serves until its input ends.
class ServerProgram {
 public:
  static Result<std::unique_ptr<ServerProgram>> start(std::vector<std::string> argv);

  ServerProgram(Child child, std::string url) : child_(std::move(child)), url_(std::move(url)) {}

  const std::string& url() const { return url_; }

  // One line there, one line back.
  Result<std::string> ask(std::string_view line);

 private:
  Child child_;
  std::string url_;
};

// AWS' APIs by moto. Started once; checks no signatures.
const std::string& moto_url();

// Swift's S3 API, which checks them. Started once.
const std::string& swift_url();

std::unique_ptr<ServerProgram> start_fault_proxy(const std::string& upstream);

// The interpreter of tests/tools/python-env.sh.
std::string test_python();
std::string tool_path(std::string_view name);

// What Swift knows; moto takes any.
net::aws::Credentials test_credentials();

// One signed request, for what no product of ours does: making buckets, looking behind the scenes.
Result<net::HttpResponse> ask_s3(const std::string& url,
                                 std::string_view method,
                                 const std::string& path_and_query,
                                 Bytes body = {},
                                 net::Headers headers = {});

// A new bucket there. Its name.
std::string make_bucket(const std::string& url);

// For a bucket there, with waits as tests can bear them.
S3Config test_config(const std::string& url, const std::string& bucket);

// Uploads that were begun and neither completed nor aborted.
std::size_t unfinished_uploads(const std::string& url, const std::string& bucket);

}  // namespace lateen::objects::s3
