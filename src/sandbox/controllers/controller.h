// A controller: a queue of keys, threads that reconcile them one by one, and caches whose changes
// fill the queue. What it does is found from what there is, every time: a restart in the middle of
// anything only means looking again.
#pragma once

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "sandbox/api/api.h"
#include "sandbox/cluster_caches.h"
#include "sandbox/event_recorder.h"
#include "sandbox/faults/fault_book.h"
#include "sandbox/work_queue.h"

namespace lateen::sandbox {

// What all controllers share. Outlives them.
struct ControllerContext {
  Api& api;
  ClusterCaches& caches;
  const Clock& clock;
  Log log;
  FaultBook* faults = nullptr;  // none: nothing fails on request
};

// When to look again although nothing has changed; nothing: not before something does.
using LookAgain = std::optional<Duration>;

// Thread-safe once started. Subscriptions are made in constructors, before the caches start.
class Controller {
 public:
  // `name` is how it signs: its field manager, and the source of its events.
  Controller(ControllerContext& context, std::string name, int threads = 1);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  virtual ~Controller();

  void start();
  // Must be called before a derived class's members go.
  void stop();

 protected:
  // An error is looked at again after a growing pause; Conflict and NotFound are ordinary (the
  // cache was behind).
  virtual Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) = 0;

  Api& api() { return context_.api; }

  ClusterCaches& caches() { return context_.caches; }

  TimePoint now() const { return context_.clock.now(); }

  const Log& log() const { return context_.log; }

  const std::string& name() const { return name_; }

  EventRecorder& events() { return events_; }

  WorkQueue& queue() { return queue_; }

  // Whether a fault on request strikes (FaultBook::strike).
  std::optional<Strike> strike(FaultKind kind,
                               const FaultSubject& subject,
                               const std::string& key = {});

  // Every object of the cache is reconciled when it changes, under "ns/name".
  void follow(ObjectCache& cache);

  // When an object changes whose controller is of `kind`, that one is reconciled.
  void follow_owners(ObjectCache& cache, std::string_view kind);

 private:
  void work(std::stop_token stop);

  ControllerContext& context_;
  const std::string name_;
  const int thread_count_;
  EventRecorder events_;
  WorkQueue queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace lateen::sandbox
