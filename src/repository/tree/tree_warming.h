// Looks at a tree of files while whoever will walk it waits for something else: a key being derived
// from a password, a store that is far away. What it looked at the kernel then has in memory. It
// keeps nothing, and says nothing of what fails.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "repository/tree/entry.h"

namespace lateen::repository {

// Thread-safe.
class TreeWarming {
 public:
  struct Options {
    std::vector<FilePath> paths = {};
    // As in UploadOptions: what is left out may be a disk that does not answer.
    std::function<bool(const std::string& path, const Entry& entry)> exclude = {};
    bool one_file_system = false;
  };

  // Where there is only one core it would only take it from the others, and does nothing.
  explicit TreeWarming(Options options);
  TreeWarming(const TreeWarming&) = delete;
  TreeWarming& operator=(const TreeWarming&) = delete;
  ~TreeWarming();

  // Tells it to end, and does not wait: the destructor does.
  void stop();

 private:
  class Walk;
  const std::unique_ptr<Walk> walk_;
};

}  // namespace lateen::repository
