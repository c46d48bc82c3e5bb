#include "agent/work_board.h"

namespace lateen::agent {

WorkBoard::~WorkBoard() {
  std::map<std::string, std::unique_ptr<Work>> works;
  {
    const Lock lock(mu_);
    works.swap(works_);
  }
  for (const auto& [name, work] : works)
    work->thread.request_stop();
}

// Those that are done: their threads end at once.
void WorkBoard::sweep() {
  std::erase_if(works_, [](const auto& entry) { return entry.second->done.load(); });
}

bool WorkBoard::start(const std::string& name, std::function<void(std::stop_token)> work) {
  const Lock lock(mu_);
  sweep();
  if (works_.size() >= limit_ || works_.contains(name)) return false;
  auto made = std::make_unique<Work>();
  made->thread =
      std::jthread([this, one = made.get(), work = std::move(work)](std::stop_token stop) {
        work(std::move(stop));
        one->done = true;
        if (ended_) ended_();
      });
  works_.emplace(name, std::move(made));
  return true;
}

bool WorkBoard::has(const std::string& name) const {
  const Lock lock(mu_);
  const auto found = works_.find(name);
  return found != works_.end() && !found->second->done;
}

void WorkBoard::stop(const std::string& name) {
  const Lock lock(mu_);
  const auto found = works_.find(name);
  if (found != works_.end()) found->second->thread.request_stop();
}

}  // namespace lateen::agent
