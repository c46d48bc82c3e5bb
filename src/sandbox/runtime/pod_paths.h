// Where a pod's things lie on the machine:
//
//   <dir>/pods/<uid>/volumes/<plugin>/<name>/   as kubelet has it: kubernetes.io~empty-dir,
//                 ~configmap, …; of claims kubernetes.io~csi/<volume>/mount leads to the
//                 VolumeStore
//   <dir>/pods/<uid>/etc/{hosts,hostname,resolv.conf}
//   <dir>/pods/<uid>/containers/<name>/<restart>.log, pid, root/
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"

namespace lateen::sandbox {

// Immutable.
class PodPaths {
 public:
  PodPaths(const FilePath& dir, std::string_view uid) : dir_(dir / "pods" / uid) {}

  const FilePath& dir() const { return dir_; }

  FilePath volume(std::string_view plugin, std::string_view name) const {
    return dir_ / "volumes" / fmt::format("kubernetes.io~{}", plugin) / name;
  }

  FilePath etc(std::string_view name) const { return dir_ / "etc" / name; }

  FilePath container(std::string_view name) const { return dir_ / "containers" / name; }

  FilePath log(std::string_view name, int restart) const {
    return container(name) / fmt::format("{}.log", restart);
  }

  FilePath pid_file(std::string_view name) const { return container(name) / "pid"; }

  FilePath scratch(std::string_view name) const { return container(name) / "root"; }

  // Written at the start of the container, read for nothing: made again at each start.
  FilePath termination_log(std::string_view name) const {
    return container(name) / "termination-log";
  }

 private:
  FilePath dir_;
};

}  // namespace lateen::sandbox
