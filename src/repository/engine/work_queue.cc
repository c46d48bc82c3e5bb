#include "repository/engine/work_queue.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace lateen::repository {

void WorkQueue::push(Rank rank, Task task) {
  Lock lock(mu_);
  queued_[static_cast<std::size_t>(rank)].push_back(std::move(task));
  ++unfinished_;
  changed_.notify_one();
}

bool WorkQueue::help(Worker& worker) {
  Task task;
  {
    Lock lock(mu_);
    auto& pieces = queued_[static_cast<std::size_t>(Rank::Piece)];
    if (pieces.empty()) return false;
    task = std::move(pieces.front());
    pieces.pop_front();
  }
  task(worker);
  task = nullptr;
  Lock lock(mu_);
  if (--unfinished_ == 0) changed_.notify_all();
  return true;
}

void WorkQueue::fail(Error error) {
  {
    Lock lock(mu_);
    if (!failure_) failure_ = std::move(error);
  }
  source_.request_stop();
}

bool WorkQueue::has_task() const {
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    if (queued_[rank].empty()) continue;
    if (static_cast<Rank>(rank) != Rank::LargeFile || large_ < max_large_) return true;
  }
  return false;
}

WorkQueue::Task WorkQueue::take(Rank& rank) {
  for (std::size_t r = 0; r < kRanks; ++r) {
    auto& queue = queued_[r];
    rank = static_cast<Rank>(r);
    if (queue.empty() || (rank == Rank::LargeFile && large_ >= max_large_)) continue;
    const bool latest = rank == Rank::Directory;
    Task task = std::move(latest ? queue.back() : queue.front());
    if (latest) {
      queue.pop_back();
    } else {
      queue.pop_front();
    }
    if (rank == Rank::LargeFile) ++large_;
    return task;
  }
  return {};
}

void WorkQueue::keep_pace() const {
  if (pace_ != nullptr) pace_->wait(source_.get_token());
}

void WorkQueue::work() {
  Worker worker;
  const std::stop_token stop = source_.get_token();
  while (true) {
    Task task;
    Rank rank = Rank::Piece;
    {
      Lock lock(mu_);
      changed_.wait(mu_, Deadline::never(), stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
        return unfinished_ == 0 || has_task();
      });
      if (stop.stop_requested() || unfinished_ == 0) return;
      task = take(rank);
    }
    keep_pace();
    task(worker);
    task = nullptr;  // what it holds goes before it counts as done
    Lock lock(mu_);
    --unfinished_;
    if (rank == Rank::LargeFile) --large_;
    if (unfinished_ == 0 || rank == Rank::LargeFile) changed_.notify_all();
  }
}

Status WorkQueue::run(std::size_t threads, std::stop_token stop) {
  const std::stop_callback on_stop(stop, [this] { source_.request_stop(); });
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < threads; ++i)
      workers.emplace_back([this] { work(); });
    work();
  }
  Lock lock(mu_);
  for (auto& queue : queued_)
    queue.clear();
  if (failure_) return *failure_;
  if (stop.stop_requested()) return Error(Code::Canceled, "told to stop");
  return {};
}

std::size_t engine_threads(std::size_t asked) {
  return asked != 0 ? asked : std::clamp<std::size_t>(2 * hardware_threads(), 4, 64);
}

}  // namespace lateen::repository
