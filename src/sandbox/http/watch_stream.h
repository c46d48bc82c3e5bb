// A watch going out: one JSON line an event, several in one write when they come together.
#pragma once

#include <cstdint>

#include "net/http_server.h"
#include "sandbox/api/reader.h"
#include "sandbox/http/table.h"

namespace lateen::sandbox {

// One request's. Not thread-safe.
class WatchStream {
 public:
  WatchStream(net::ServerExchange& exchange, const AnswerPrinter& printer)
      : exchange_(exchange), printer_(printer) {}

  // Until the client goes, the server stops, or `timeout_seconds` (0: about an hour) are over.
  void run(StoredWatch& events, std::int64_t timeout_seconds);

  // A stream of one line: the error, as {"type":"ERROR","object":{Status}}.
  void fail(const ApiError& error);

 private:
  bool begin();
  Bytes line(const StoredEvent& event) const;

  net::ServerExchange& exchange_;
  const AnswerPrinter& printer_;
};

}  // namespace lateen::sandbox
