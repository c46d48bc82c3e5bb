// Folders below a bucket's root, walked by descriptors and without following symbolic links:
// however the tree is changed meanwhile, the walk cannot leave it. Only this room's .cc files
// include it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/file.h"
#include "base/result.h"
#include "objects/object_store.h"

namespace lateen::objects::fs {

// At the root; what is being written lies there. Listings pass it over, keys below it are refused.
inline constexpr std::string_view kTemporaryDir = ".lateen-tmp";

// Folders that become empty are removed by others at any moment, also between our making and our
// opening them. Each try makes them again; more than a few in a row is not a race any more.
inline constexpr int kRaces = 16;

enum class IfAbsent { Fail, Create };

// NotFound if there is none; Forbidden if a symbolic link stands there.
Result<UniqueFd> open_dir(int parent, const std::string& name, IfAbsent if_absent = IfAbsent::Fail);

// A key's folders, outermost first, and its last segment.
struct KeyPath {
  std::vector<UniqueFd> folders = {};  // empty for a key without '/'
  std::vector<std::string> names = {};
  std::string leaf = {};

  int parent(int root) const { return folders.empty() ? root : folders.back().get(); }
};

Result<KeyPath> open_key_path(int root, std::string_view key, IfAbsent if_absent);

struct Entry {
  std::string name = {};  // a folder's ends with '/': byte order is then that of the keys below it
  bool is_folder = false;
};

// Files and folders, sorted; neither links, devices nor kTemporaryDir.
Result<std::vector<Entry>> read_dir(int folder);

ObjectInfo object_info(std::string key, const struct stat& status);

}  // namespace lateen::objects::fs
