// zlib streams that both ends start with the same dictionary, flushed message by message: SPDY's
// header blocks.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen {

// Not thread-safe.
class DictionaryDeflater {
 public:
  explicit DictionaryDeflater(BytesView dictionary);
  DictionaryDeflater(const DictionaryDeflater&) = delete;
  DictionaryDeflater& operator=(const DictionaryDeflater&) = delete;
  ~DictionaryDeflater();

  // The next message, complete for the other end.
  Bytes deflate(BytesView message);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

// Not thread-safe.
class DictionaryInflater {
 public:
  explicit DictionaryInflater(BytesView dictionary);
  DictionaryInflater(const DictionaryInflater&) = delete;
  DictionaryInflater& operator=(const DictionaryInflater&) = delete;
  ~DictionaryInflater();

  // Corrupt for what is no zlib stream, needs another dictionary, or unpacks to more than
  // `max_size`.
  Result<Bytes> inflate(BytesView message, std::size_t max_size);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  Bytes dictionary_;
};

}  // namespace lateen
