// The memory in which large files are read: a few windows, each larger than a piece can be, used
// over and over. Having none to spare is what holds readers back.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/thread.h"
#include "repository/buffer.h"
#include "repository/engine/workspace.h"

namespace lateen::repository {

// Thread-safe.
class WindowPool {
 public:
  WindowPool(std::size_t windows, std::size_t size) : size_(size), left_(windows) {}

  std::size_t size() const { return size_; }

  // An empty buffer of that capacity; nothing if none is free now.
  std::optional<Buffer> try_acquire();

  // Waits until some window has come back, or a moment has passed.
  void wait(const std::stop_token& stop);

  void give_back(Buffer window);

 private:
  const std::size_t size_;
  Mutex mu_;
  Condition changed_;
  std::size_t left_ LATEEN_GUARDED_BY(mu_);  // not made yet
  std::vector<Buffer> free_ LATEEN_GUARDED_BY(mu_);
};

// What storing the pieces of a window takes beside it: as many as there are cores to work with, and
// not one for each thread that ever does so. Thread-safe.
class WorkspacePool {
 public:
  explicit WorkspacePool(std::size_t count) : workspaces_(count) {
    for (Workspace& workspace : workspaces_)
      free_.push_back(&workspace);
  }

  // Waits for one; whoever has one waits for nothing but packs.
  Workspace& acquire();
  void give_back(Workspace& workspace);

 private:
  std::vector<Workspace> workspaces_;
  Mutex mu_;
  Condition changed_;
  std::vector<Workspace*> free_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository
