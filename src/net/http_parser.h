// HTTP messages taken apart as their bytes come: the only door to Boost.Beast, whose headers cost
// seconds. For net/'s own sources.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http.h"

namespace lateen::net {

struct ParserLimits {
  std::size_t header = 64 * 1024;
  ByteCount body = 16_MiB;
};

// One request. Not thread-safe.
class RequestParser {
 public:
  explicit RequestParser(ParserLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes from the front of `bytes`, and says how many. What it leaves must be given again, with
  // more after it. An error is a request that must be refused with error_status().
  Result<std::size_t> put(BytesView bytes);

  bool header_done() const;
  bool done() const;

  int error_status() const { return error_status_; }

  // Once the header is done.
  std::string method() const;
  std::string target() const;

  const Headers& headers() const { return headers_; }

  bool keep_alive() const;
  bool is_http_1_0() const;
  bool expects_continue() const;

  // Once done.
  Bytes take_body();

 private:
  struct State;
  void collect_headers();

  std::unique_ptr<State> state_;
  Headers headers_;
  bool collected_ = false;
  int error_status_ = 400;
};

// The answer to an Upgrade. Nothing until all of its head is in `bytes`; then also how long the
// head was.
struct ResponseHead {
  int status = 0;
  Headers headers = {};
  std::size_t length = 0;
};

Result<std::optional<ResponseHead>> parse_response_head(BytesView bytes);

}  // namespace lateen::net
