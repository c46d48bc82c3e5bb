// An object that is written as it is made: one PUT when it is small, else parts that go up side by
// side. For s3/'s own sources.
//
// Memory: parts in flight and the one being filled, (parallel + 1) × part_size: 40 MiB by default.
// A part's size doubles every thousand parts, so that 10,000 of them hold S3's 5 TiB; from 8 GiB on
// that is more memory, and less of it in flight at once.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "objects/object_store.h"
#include "objects/s3/client.h"

namespace lateen::objects::s3 {

// Of the part with this number, from 1 on.
ByteCount part_size_of(std::size_t number, ByteCount first);

// Headers of what is asked for every new object: encryption, class, tags, lock.
net::Headers write_headers(const S3Client& client);

// One PUT, unless there is an object: AlreadyExists. Unsupported where the server says that it does
// not know the condition.
Status put_object_if_absent(S3Client& client, std::string key, Bytes body, std::stop_token stop);

// One PUT.
Status put_object(S3Client& client, std::string key, Bytes body, std::stop_token stop);

// Not thread-safe.
class S3Upload final : public Upload {
 public:
  S3Upload(S3Client& client, std::string key, std::stop_token stop);
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;
  // Aborts what was not completed.
  ~S3Upload() override;

  Status write(BytesView bytes) override;
  Status complete() override;

 private:
  struct Part {
    std::size_t number;
    Bytes bytes;
  };

  struct Sent {
    std::string etag = {};
    std::string checksum = {};
  };

  Status hand_over();
  Status begin();
  void abort_lost_beginnings(TimePoint since);
  void send_parts(const std::stop_token& stop);
  Result<Sent> send_part(Part& part, std::stop_token stop);
  Status wait_for_parts();
  Status finish();
  bool finished_all_the_same(TimePoint since);
  std::string expected_etag();
  void abort();
  Status failed();

  S3Client& client_;
  const std::string key_;
  const std::stop_token stop_;
  Bytes filling_;
  std::size_t next_number_ = 1;
  ByteCount total_ = 0;
  std::string upload_id_;  // empty until there are parts
  bool done_ = false;      // completed or aborted
  std::stop_source halt_;  // of the senders

  Mutex mu_;
  Condition changed_;
  std::deque<Part> waiting_ LATEEN_GUARDED_BY(mu_);
  std::vector<Sent> sent_ LATEEN_GUARDED_BY(mu_);  // by number less 1
  std::vector<Bytes> spare_ LATEEN_GUARDED_BY(mu_);
  ByteCount in_flight_ LATEEN_GUARDED_BY(mu_) = 0;  // waiting ones too
  bool no_more_ LATEEN_GUARDED_BY(mu_) = false;
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);

  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  std::vector<std::jthread> senders_;  // last: they use all of the above
};

}  // namespace lateen::objects::s3
