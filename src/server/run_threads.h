// Backups or restores that go on in threads of their own, while their controller looks at the rest.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

namespace lateen::server {

// Not thread-safe: its controller's alone.
class RunThreads {
 public:
  RunThreads() = default;
  RunThreads(const RunThreads&) = delete;
  RunThreads& operator=(const RunThreads&) = delete;
  ~RunThreads();  // asks all to stop, and waits for them

  // `key` tells the runs apart (a UID); one of that key must not be at work. The run is asked to
  // stop when the server is.
  void start(const std::string& key,
             std::function<void(std::stop_token)> run,
             std::stop_token server_stop);

  bool is_at_work(const std::string& key);

  // How many are.
  std::size_t count();

  // For all of them.
  void wait();

 private:
  struct Run {
    std::stop_source stop = {};
    std::atomic<bool> ended = false;
    std::jthread thread = {};
  };

  void clear_ended();

  std::map<std::string, std::unique_ptr<Run>> runs_;
};

}  // namespace lateen::server
