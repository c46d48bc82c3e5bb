#include "objects/s3/reader.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::objects::s3 {
namespace {

S3Call get_call(S3Client& client, const std::string& key) {
  S3Call call{.permission = "s3:GetObject", .key = key};
  client.add_customer_key(call.headers);
  return call;
}

}  // namespace

Result<std::unique_ptr<S3Reader>> S3Reader::open(S3Client& client,
                                                 std::string key,
                                                 std::stop_token stop) {
  S3Call call = get_call(client, key);
  if (client.config().write.checksum != Checksum::None) {
    call.headers.set("x-amz-checksum-mode", "ENABLED");
  }
  auto stream = TRY(client.open_stream(call, stop));
  const auto size = parse_int(stream->headers().get("Content-Length"));
  if (!size || *size < 0) {
    return Error(Code::Corrupt, "{}: the answer has no Content-Length", client.name_of(key));
  }
  auto reader =
      std::make_unique<S3Reader>(client, std::move(key), std::string(stream->headers().get("ETag")),
                                 0, static_cast<ByteCount>(*size), std::move(stop));
  reader->expected_ = whole_checksum(stream->headers());
  if (reader->expected_) reader->checksummer_.emplace(reader->expected_->kind);
  reader->stream_ = std::move(stream);
  return reader;
}

S3Reader::S3Reader(S3Client& client,
                   std::string key,
                   std::string etag,
                   ByteCount offset,
                   ByteCount end,
                   std::stop_token stop)
    : client_(client),
      key_(std::move(key)),
      etag_(std::move(etag)),
      at_(offset),
      end_(end),
      stop_(std::move(stop)) {}

Status S3Reader::connect() {
  S3Call call = get_call(client_, key_);
  call.headers.set("Range", fmt::format("bytes={}-{}", at_, end_ - 1));
  if (!etag_.empty()) call.headers.set("If-Match", etag_);
  net::aws::ServiceFault fault;
  call.fault = &fault;
  auto stream = client_.open_stream(call, stop_);
  if (!stream && fault.status == 412) {
    return Error(Code::Conflict, "{} was replaced while it was read", client_.name_of(key_))
        .with_hint("Read it again.");
  }
  stream_ = TRY(std::move(stream));
  // A server that knows no ranges begins at the front.
  if (stream_->status() != 206 && at_ != 0) {
    return Error(Code::Unsupported, "{}: the server gives no ranges of objects",
                 client_.name_of(key_));
  }
  return {};
}

Status S3Reader::connection_lost(Error why) {
  stream_.reset();
  if (stop_.stop_requested()) return why;
  if (++failures_ >= client_.config().attempts) {
    return std::move(why).wrap("{}: given up after {} of {} bytes", client_.name_of(key_), at_,
                               end_);
  }
  if (!client_.pause(failures_, stop_)) {
    return Error(Code::Canceled, "reading {} was stopped", client_.name_of(key_));
  }
  return {};
}

// Makes chunk_ hold something, or finds out why it can't.
Status S3Reader::next_chunk() {
  while (taken_ == chunk_.size()) {
    if (!stream_) TRY(connect());
    auto part = stream_->read(Deadline::after(client_.config().stall_timeout), stop_);
    if (!part) {
      TRY(connection_lost(std::move(part).error()));
      continue;
    }
    if (!*part) {
      TRY(connection_lost(Error(Code::Unavailable, "the connection ended early")));
      continue;
    }
    chunk_ = std::move(**part);
    taken_ = 0;
    failures_ = 0;
  }
  return {};
}

Status S3Reader::check_end() {
  stream_.reset();
  if (!checksummer_) return {};
  const std::string actual = checksummer_->finish_base64();
  checksummer_.reset();
  if (actual == expected_->base64) return {};
  return Error(Code::Corrupt, "{} is damaged: its {} is {}, but {} was kept with it",
               client_.name_of(key_), checksum_name(expected_->kind), actual, expected_->base64)
      .with_hint("Read it again; if that gives the same, take another backup or version of it.");
}

Result<std::size_t> S3Reader::read(std::span<char> room) {
  if (at_ >= end_) {
    TRY(check_end());
    return std::size_t{0};
  }
  if (room.empty()) return std::size_t{0};
  TRY(next_chunk());
  const auto left =
      static_cast<std::size_t>(std::min<ByteCount>(chunk_.size() - taken_, end_ - at_));
  const std::size_t count = std::min(room.size(), left);
  std::copy_n(chunk_.data() + taken_, count, room.begin());
  if (checksummer_) checksummer_->update(BytesView(chunk_).substr(taken_, count));
  taken_ += count;
  at_ += count;
  return count;
}

}  // namespace lateen::objects::s3
