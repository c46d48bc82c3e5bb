// Packs being filled, finished and stored. Bytes are copied into an open pack at a place reserved
// for them, so that several threads copy at once; full packs go to threads that finish and store
// them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/thread.h"
#include "objects/object_store.h"
#include "repository/engine/content_index.h"
#include "repository/engine/content_writer.h"
#include "repository/engine/format.h"

namespace lateen::repository {

// A content that is sealed and verified.
struct SealedContent {
  ContentEntry entry = {};  // without pack and offset
  BytesView bytes = {};
};

// Thread-safe.
class PackQueue {
 public:
  // Called, by one thread at a time, with contents whose packs are stored.
  using Stored = std::function<Status(std::vector<ContentEntry> entries, std::stop_token stop)>;

  PackQueue(objects::ObjectStore& store,
            const ContentFormat& format,
            PackSession& session,
            PackTable& packs,
            const ContentWriterOptions& options,
            WriteCounters& counters,
            Stored stored);
  PackQueue(const PackQueue&) = delete;
  PackQueue& operator=(const PackQueue&) = delete;
  ~PackQueue();

  // Waits for room. Order is kept within one call as far as packs allow.
  Status append(PackKind kind, std::span<const SealedContent> contents);

  // A content in a pack that will not be stored before release(): its bytes are not verified yet.
  // Whoever holds some may not wait for more: nothing, if there is no room at once and `wait` is
  // false.
  class Hold;
  Result<std::optional<Hold>> append_held(PackKind kind, const SealedContent& content, bool wait);
  void release(const Hold& hold);

  // Nothing more is stored, and all calls return this. Before release(), when verifying failed.
  void fail(Error error);

  // Every content appended before is stored and was given to Stored, whatever is appended
  // meanwhile.
  Status drain(std::stop_token stop);

  // The first error of any pack; nothing more will be stored after it.
  std::optional<Error> failure() const;

 private:
  struct Pack {
    std::uint64_t number = 0;
    PackKind kind = PackKind::Data;
    Buffer bytes = {};
    std::vector<ContentEntry> entries = {};
    std::size_t copying = 0;  // threads that copy into it
    bool closed = false;
  };

  struct Place {
    Pack* pack;
    std::size_t offset;
  };

  Result<Place> reserve(PackKind kind, const SealedContent& content) LATEEN_REQUIRES(mu_);
  bool has_room(PackKind kind, std::size_t length) const LATEEN_REQUIRES(mu_);
  Status open_pack(PackKind kind, std::size_t first_length) LATEEN_REQUIRES(mu_);
  void close_pack(PackKind kind) LATEEN_REQUIRES(mu_);
  void enqueue_if_complete(Pack& pack) LATEEN_REQUIRES(mu_);
  void recycle(std::unique_ptr<Pack> pack);
  void run(std::stop_token stop);
  Status store(Pack& pack, Workspace& workspace, std::stop_token stop);

  objects::ObjectStore& store_;
  const ContentFormat& format_;
  PackSession& session_;
  PackTable& packs_;
  const ContentWriterOptions options_;
  WriteCounters& counters_;
  const Stored stored_;
  const std::size_t max_packs_;

  mutable Mutex mu_;
  Condition changed_;
  std::unique_ptr<Pack> open_[kPackKinds] LATEEN_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Pack>> closing_ LATEEN_GUARDED_BY(mu_);  // still copied into
  std::deque<std::unique_ptr<Pack>> full_ LATEEN_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Pack>> free_ LATEEN_GUARDED_BY(mu_);
  std::size_t in_use_ LATEEN_GUARDED_BY(mu_) = 0;
  std::uint64_t next_number_ LATEEN_GUARDED_BY(mu_) = 0;
  std::set<std::uint64_t> unstored_ LATEEN_GUARDED_BY(mu_);  // numbers of packs
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);

  Mutex session_mu_;  // one call of start() and of Stored at a time
  bool started_ LATEEN_GUARDED_BY(session_mu_) = false;

  std::vector<std::jthread> threads_;  // last: they use all of the above
};

class PackQueue::Hold {
 private:
  friend class PackQueue;

  explicit Hold(Pack* pack) : pack_(pack) {}

  Pack* pack_;
};

}  // namespace lateen::repository
