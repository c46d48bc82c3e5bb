// The sandbox's etcd: objects by resource, namespace and name, one revision counter over all of
// them, the recent past for watches and for paged lists, and everything that was acknowledged on
// the disk.
//
//   auto store = TRY(Store::open(dir + "/state.db"));
//   StoredPtr pod = TRY(store->create("pods", draft));            // returns once it is durable
//   Page page = TRY(store->list("pods", {.ns = "shop", .limit = 500}));
//
// Writers that come together share one commit: the first makes all their changes durable, the
// others wait for it. Readers see only what is durable.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"
#include "sandbox/store/disk.h"
#include "sandbox/store/stored_object.h"

namespace lateen::sandbox {

struct StoreOptions {
  std::string path = {};
  // How much of the past is kept: beyond either bound the oldest is forgotten, and who asks for it
  // hears Gone.
  std::size_t history_events = 100'000;
  ByteCount history_bytes = 64_MiB;
};

struct ListRange {
  std::string ns = {};         // empty: all
  std::uint64_t revision = 0;  // as of then; 0: now
  std::string after = {};      // the key of the last object of the page before
  std::size_t limit = 0;       // 0: all
  // How many there are after `after` at that revision, when the page before has told: counting them
  // for each page would make long lists quadratic. 0: not known.
  std::size_t left = 0;
  bool counts = true;  // whether `remaining` is wanted
};

struct StorePage {
  std::vector<StoredPtr> objects = {};  // by namespace, then name
  std::uint64_t revision = 0;
  std::string last_key = {};  // for the next page's `after`
  std::size_t remaining = 0;
  bool more = false;  // there are objects after these
};

struct StoreEvent {
  enum class Kind { Created, Updated, Deleted };
  Kind kind;
  std::uint64_t revision;
  StoredPtr object;    // of a Deleted: the last state, with the deletion's revision
  StoredPtr previous;  // null for Created
};

struct StoreEvents {
  std::vector<StoreEvent> events = {};
  std::uint64_t revision = 0;  // all events up to here are in
};

// Thread-safe.
class Store {
 public:
  static Result<std::unique_ptr<Store>> open(StoreOptions options);

  class Private;  // only open() makes one
  Store(const Private&, StoreOptions options, Disk disk);

  // AlreadyExists.
  Result<StoredPtr> create(std::string_view resource, Draft draft);
  // NotFound; Conflict when the object's newest revision is another one.
  Result<StoredPtr> replace(std::string_view resource,
                            Draft draft,
                            std::uint64_t expected_revision);
  // As replace(); the draft is the last state that watchers see.
  Result<StoredPtr> remove(std::string_view resource, Draft draft, std::uint64_t expected_revision);

  // Null when there is none.
  StoredPtr find(std::string_view resource, std::string_view ns, std::string_view name) const;
  // What the next replace() must name. Waits until it is durable, as create() and its like do
  // before they refuse: what a client is told of, it can read.
  StoredPtr find_newest(std::string_view resource,
                        std::string_view ns,
                        std::string_view name) const;

  // Gone when range.revision is forgotten, InvalidArgument when it is still to come.
  Result<StorePage> list(std::string_view resource, const ListRange& range) const;

  // Up to `max` events after `revision`; waits for the first. Empty when the deadline passes or on
  // a stop. Gone when events after `revision` are forgotten.
  Result<StoreEvents> events_after(std::string_view resource,
                                   std::uint64_t revision,
                                   std::size_t max,
                                   Deadline deadline,
                                   std::stop_token stop) const;
  // The check of events_after() alone.
  Status check_watchable(std::string_view resource, std::uint64_t revision) const;

  std::uint64_t revision() const;
  std::size_t count(std::string_view resource) const;
  // count() == 0, at once.
  bool is_empty(std::string_view resource) const;

  // Forgets the past up to now, as etcd's compaction.
  void compact();

 private:
  struct Version {
    std::uint64_t revision;
    StoredPtr object;
    bool deleted;
  };

  struct Chain {
    std::vector<Version> versions;  // oldest first, never empty

    const Version* at(std::uint64_t revision) const;
  };

  struct Shelf {  // one resource
    std::map<std::string, Chain, std::less<>> chains;
    std::deque<StoreEvent> events;
    std::uint64_t forgotten = 0;  // the newest event that is gone
    mutable Condition changed;
  };

  // What a waiting writer is to be told; lives on its stack.
  struct Outcome {
    bool done = false;
    std::optional<Error> error;
  };

  struct Pending {
    Shelf* shelf;
    std::string key;
    DiskChange change;
    StoreEvent::Kind kind;
    StoredPtr previous;
    Outcome* outcome;
  };

  struct TextHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Status load();
  Shelf& shelf(std::string_view resource) const LATEEN_REQUIRES(mu_);
  const Version* newest(Shelf& shelf, std::string_view key) const LATEEN_REQUIRES(mu_);
  // The newest, once it is durable or undone.
  const Version* settled(Shelf& shelf, std::string_view key) const LATEEN_REQUIRES(mu_);
  std::size_t remaining_after(const Shelf& shelf,
                              const std::string& key,
                              std::string_view prefix,
                              std::uint64_t revision) const LATEEN_REQUIRES(mu_);
  Result<StoredPtr> write(std::string_view resource,
                          Draft draft,
                          StoreEvent::Kind kind,
                          std::uint64_t expected_revision);
  void make_durable(const Outcome& outcome) LATEEN_REQUIRES(mu_);
  void publish(const std::vector<Pending>& batch) LATEEN_REQUIRES(mu_);
  void undo(std::vector<Pending> batch, const Error& why) LATEEN_REQUIRES(mu_);
  void trim_history() LATEEN_REQUIRES(mu_);
  void forget_oldest() LATEEN_REQUIRES(mu_);

  const StoreOptions options_;
  mutable Mutex mu_;
  mutable Condition committed_changed_;
  mutable std::unordered_map<std::string, std::unique_ptr<Shelf>, TextHash, std::equal_to<>>
      shelves_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t assigned_ LATEEN_GUARDED_BY(mu_) = 0;   // the newest revision given out
  std::uint64_t committed_ LATEEN_GUARDED_BY(mu_) = 0;  // the newest that is durable
  std::vector<Pending> pending_ LATEEN_GUARDED_BY(mu_);
  bool committing_ LATEEN_GUARDED_BY(mu_) = false;
  std::deque<Shelf*> history_ LATEEN_GUARDED_BY(mu_);  // whose event is the next to be forgotten
  ByteCount history_bytes_ LATEEN_GUARDED_BY(mu_) = 0;
  std::uint64_t floor_ LATEEN_GUARDED_BY(mu_) =
      0;       // nothing before it is known: where this run began
  Disk disk_;  // used by whoever set committing_
};

}  // namespace lateen::sandbox
