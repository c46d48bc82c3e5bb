#include "repository/tree/tree_warming.h"

#include <algorithm>
#include <thread>

#include <sys/resource.h>

#include "base/thread.h"
#include "repository/tree/directory_reader.h"

namespace lateen::repository {

class TreeWarming::Walk {
 public:
  explicit Walk(Options options) : options_(std::move(options)) {
    // The disk can fetch for several at once.
    constexpr std::size_t kThreads = 3;
    if (hardware_threads() < 2) return;
    for (const FilePath& given : options_.paths) {
      FilePath path = given.lexically_normal();
      if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
      const auto entry = stat_path(path, true, false);
      if (entry && entry->type == EntryType::Directory) {
        folders_.push_back({.path = path.native(), .device = entry->device});
      }
    }
    if (folders_.empty()) return;
    for (std::size_t i = 0; i < kThreads; ++i)  // the first may be at work already
      threads_.emplace_back([this](const std::stop_token& told) { walk(told); });
  }

  void stop() {
    for (std::jthread& thread : threads_)
      thread.request_stop();
  }

 private:
  struct Folder {
    std::string path;
    std::uint64_t device;
  };

  // The latest found first: few wait.
  std::optional<Folder> take(const std::stop_token& told) {
    Lock lock(mu_);
    const bool more = changed_.wait(
        mu_, Deadline::never(), told,
        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !folders_.empty() || walking_ == 0; });
    if (!more || folders_.empty()) return std::nullopt;
    Folder folder = std::move(folders_.back());
    folders_.pop_back();
    ++walking_;
    return folder;
  }

  void look_into(const Folder& folder) {
    const auto fd = open_directory(FilePath(folder.path));
    if (!fd) return;
    const auto listing = read_directory(fd->get(), folder.path, false);
    if (!listing) return;
    std::vector<Folder> below;
    for (const Entry& entry : listing->entries) {
      std::string path = (folder.path == "/" ? "" : folder.path) + "/" + entry.name;
      const bool elsewhere = options_.one_file_system && entry.device != folder.device;
      if (entry.type != EntryType::Directory || elsewhere) continue;
      if (options_.exclude && options_.exclude(path, entry)) continue;
      below.push_back({.path = std::move(path), .device = entry.device});
    }
    Lock lock(mu_);
    std::move(below.begin(), below.end(), std::back_inserter(folders_));
  }

  void walk(const std::stop_token& told) {
    // Of use while the disk is waited for; what the others compute goes first.
    (void)::setpriority(PRIO_PROCESS, 0, 19);
    while (const auto folder = take(told)) {
      look_into(*folder);
      Lock lock(mu_);
      --walking_;
      changed_.notify_all();
    }
  }

  const Options options_;
  Mutex mu_;
  Condition changed_;
  std::vector<Folder> folders_ LATEEN_GUARDED_BY(mu_);
  std::size_t walking_ LATEEN_GUARDED_BY(mu_) = 0;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

TreeWarming::TreeWarming(Options options) : walk_(std::make_unique<Walk>(std::move(options))) {}

TreeWarming::~TreeWarming() {
  stop();
}

void TreeWarming::stop() {
  walk_->stop();
}

}  // namespace lateen::repository
