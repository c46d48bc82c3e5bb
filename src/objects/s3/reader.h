// An object, or a part of one, read from the front; a connection that breaks, stalls or ends too
// early is followed by another from where it was. For s3/'s own sources.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "objects/object_store.h"
#include "objects/s3/checksum.h"
#include "objects/s3/client.h"

namespace lateen::objects::s3 {

// Not thread-safe.
class S3Reader final : public ObjectReader {
 public:
  // The whole object. Its bytes are held against its checksum, where S3 has one.
  static Result<std::unique_ptr<S3Reader>> open(S3Client& client,
                                                std::string key,
                                                std::stop_token stop);

  // [offset, end) of the object that has this ETag; not asked for before the first read.
  S3Reader(S3Client& client,
           std::string key,
           std::string etag,
           ByteCount offset,
           ByteCount end,
           std::stop_token stop);

  ByteCount size() const override { return end_; }

  const std::string& etag() const { return etag_; }

  Result<std::size_t> read(std::span<char> room) override;

  // Ends the connection; size() and etag() stay.
  void close() { stream_.reset(); }

 private:
  Status connect();
  Status next_chunk();
  Status connection_lost(Error why);
  Status check_end();

  S3Client& client_;
  const std::string key_;
  std::string etag_;
  ByteCount at_;   // of the next byte to give
  ByteCount end_;  // the object's size, unless it is a range
  const std::stop_token stop_;
  std::unique_ptr<net::HttpStream> stream_;
  Bytes chunk_;
  std::size_t taken_ = 0;  // of chunk_
  int failures_ = 0;       // since bytes last came
  std::optional<WholeChecksum> expected_;
  std::optional<Checksummer> checksummer_;
};

}  // namespace lateen::objects::s3
