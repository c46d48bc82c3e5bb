#include "server/run_threads.h"

#include "base/result.h"

namespace lateen::server {

RunThreads::~RunThreads() {
  for (const auto& [key, run] : runs_)
    run->stop.request_stop();
}

void RunThreads::start(const std::string& key,
                       std::function<void(std::stop_token)> run,
                       std::stop_token server_stop) {
  clear_ended();
  std::unique_ptr<Run>& one = runs_[key];
  LATEEN_ASSERT(one == nullptr, "two runs of one key would write one status");
  one = std::make_unique<Run>();
  one->thread = std::jthread([at = one.get(), work = std::move(run), server_stop] {
    {
      const std::stop_callback forward(server_stop, [at] { at->stop.request_stop(); });
      work(at->stop.get_token());
    }
    at->ended = true;
  });
}

bool RunThreads::is_at_work(const std::string& key) {
  clear_ended();
  return runs_.count(key) > 0;
}

std::size_t RunThreads::count() {
  clear_ended();
  return runs_.size();
}

void RunThreads::wait() {
  for (const auto& [key, run] : runs_)
    run->thread.join();
  runs_.clear();
}

void RunThreads::clear_ended() {
  std::erase_if(runs_, [](const auto& run) { return run.second->ended.load(); });
}

}  // namespace lateen::server
