// A mount point of the kernel's FUSE, made without libfuse: by mount(2) for root, by fusermount3
// for everybody else. Its descriptor carries the kernel's requests and their answers.
#pragma once

#include <stop_token>

#include "base/file.h"
#include "base/result.h"

namespace lateen::cli::repo {

struct FuseMountOptions {
  bool allow_other = false;
  bool default_permissions = true;  // the kernel checks modes and owners
};

// Unmounted by its destructor. Not thread-safe.
class FuseMount {
 public:
  // Read-only. Unsupported, with what to do, where there is no FUSE or it is not allowed.
  static Result<FuseMount> create(const FilePath& path,
                                  const FuseMountOptions& options,
                                  const std::stop_token& stop);
  FuseMount(FuseMount&& other) noexcept;
  FuseMount& operator=(FuseMount&& other) = delete;
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;
  ~FuseMount();

  int fd() const { return fd_.get(); }

  // Somebody else has unmounted it: nothing is left to do.
  void forget() { path_.clear(); }

 private:
  FuseMount(FilePath path, UniqueFd fd, bool by_helper)
      : path_(std::move(path)), fd_(std::move(fd)), by_helper_(by_helper) {}

  FilePath path_;
  UniqueFd fd_;
  bool by_helper_;
};

}  // namespace lateen::cli::repo
