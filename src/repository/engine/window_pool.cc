#include "repository/engine/window_pool.h"

namespace lateen::repository {

std::optional<Buffer> WindowPool::try_acquire() {
  Lock lock(mu_);
  if (!free_.empty()) {
    Buffer window = std::move(free_.back());
    free_.pop_back();
    return window;
  }
  if (left_ == 0) return std::nullopt;
  --left_;
  return Buffer(size_);
}

void WindowPool::wait(const std::stop_token& stop) {
  Lock lock(mu_);
  changed_.wait(mu_, Deadline::after(std::chrono::milliseconds(20)), stop,
                [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !free_.empty() || left_ > 0; });
}

Workspace& WorkspacePool::acquire() {
  Lock lock(mu_);
  changed_.wait(mu_, Deadline::never(), {},
                [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !free_.empty(); });
  Workspace& workspace = *free_.back();
  free_.pop_back();
  return workspace;
}

void WorkspacePool::give_back(Workspace& workspace) {
  Lock lock(mu_);
  free_.push_back(&workspace);
  changed_.notify_one();
}

void WindowPool::give_back(Buffer window) {
  window.clear();
  Lock lock(mu_);
  free_.push_back(std::move(window));
  changed_.notify_all();
}

}  // namespace lateen::repository
