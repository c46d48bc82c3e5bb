// What a node is doing: so many things at once, each on a thread of its own, under a name.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/thread.h"

namespace lateen::agent {

// Thread-safe. The destructor stops all work and waits for it.
class WorkBoard {
 public:
  explicit WorkBoard(std::size_t limit) : limit_(limit) {}

  WorkBoard(const WorkBoard&) = delete;
  WorkBoard& operator=(const WorkBoard&) = delete;
  ~WorkBoard();

  // False, and nothing is begun, when as much is done as may be, or this is done already. `ended`
  // is called on the work's thread when its place is free.
  bool start(const std::string& name, std::function<void(std::stop_token)> work);

  void on_end(std::function<void()> ended) { ended_ = std::move(ended); }

  bool has(const std::string& name) const;

  // Asks it to end; it goes on until it has heard.
  void stop(const std::string& name);

 private:
  struct Work {
    std::atomic<bool> done = false;
    std::jthread thread;
  };

  void sweep() LATEEN_REQUIRES(mu_);

  const std::size_t limit_;
  std::function<void()> ended_;
  mutable Mutex mu_;
  std::map<std::string, std::unique_ptr<Work>> works_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::agent
