// Compresses blocks on several threads and hands them on in order. Inner header of archive/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/index_lines.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen::archive {

// One gzip member on its way. Written by one thread at a time: who fills it, then a compressor,
// then the writer.
struct Member {
  Bytes raw;
  IndexLines index_lines;  // of the objects in it
  std::shared_ptr<const Member>
      same;  // instead of `raw`: a member before this one, which is written again
  Bytes packed;
  ByteCount unpacked_size = 0;
};

// Holds up to 2 × threads + 2 members. Thread-safe, but the order is that of the calls to push.
class MemberPipeline {
 public:
  using Write = std::function<Status(const Member&)>;

  // `write` is called from one thread, in order.
  MemberPipeline(std::size_t threads, Write write);
  MemberPipeline(const MemberPipeline&) = delete;
  MemberPipeline& operator=(const MemberPipeline&) = delete;
  ~MemberPipeline();

  // An empty text for a member's `raw`, with the room that an earlier one had: taking new memory
  // for each costs as much as packing it.
  Bytes spare_room();

  // Waits for room. An error of `write` comes back from the next push and from finish.
  Status push(std::shared_ptr<Member> member, std::stop_token stop);

  // Waits until all is written. Nothing may be pushed after it.
  Status finish(std::stop_token stop);

 private:
  struct Slot {
    std::shared_ptr<Member> member;
    bool packed = false;
  };

  void compress_all(std::stop_token stop);
  void write_all_in_order(std::stop_token stop);
  Status wait_and_write(const std::shared_ptr<Slot>& slot, std::stop_token stop);
  Error failure_or_canceled();
  void keep_room(Bytes room) LATEEN_REQUIRES(mu_);

  const Write write_;
  const std::size_t max_spare_;
  Channel<std::shared_ptr<Slot>> to_compress_;
  Channel<std::shared_ptr<Slot>> in_order_;
  Mutex mu_;
  Condition changed_;
  std::vector<Bytes> spare_ LATEEN_GUARDED_BY(mu_);  // at most 2 × threads + 2
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);
  bool all_written_ LATEEN_GUARDED_BY(mu_) = false;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace lateen::archive
