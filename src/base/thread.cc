#include "base/thread.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace lateen {

Status parallel_for(std::size_t count,
                    std::size_t threads,
                    const std::function<Status(std::size_t, std::stop_token)>& work,
                    std::stop_token stop) {
  if (count == 0) return {};
  std::stop_source failed;
  const std::stop_callback outer(stop, [&failed] { failed.request_stop(); });
  std::atomic<std::size_t> next{0};
  Mutex mu;
  std::optional<Error> first;

  auto run = [&] {
    while (!failed.stop_requested()) {
      const std::size_t i = next.fetch_add(1);
      if (i >= count) return;
      Status done = work(i, failed.get_token());
      if (done) continue;
      const Lock lock(mu);
      if (!first) first = std::move(done).error();
      failed.request_stop();
    }
  };
  {
    std::vector<std::jthread> pool;
    const std::size_t extra = std::min(std::max<std::size_t>(threads, 1), count) - 1;
    pool.reserve(extra);
    for (std::size_t i = 0; i < extra; ++i)
      pool.emplace_back(run);
    run();
  }
  if (first) return std::move(*first);
  if (stop.stop_requested()) return Error(Code::Canceled, "stopped");
  return {};
}

std::size_t hardware_threads() {
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace lateen
