// Answers the kernel's FUSE requests (protocol 7) from a MountTree.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "cli/repo/mount_tree.h"

namespace lateen::cli::repo {

// One request's answer: its bytes, or nothing where the kernel expects none.
struct FuseReply {
  bool expected = true;
  Bytes bytes = {};
};

// What an answer says: an errno, or bytes.
struct FuseAnswer {
  int error = 0;
  Bytes body = {};
};

// Thread-safe; a workspace belongs to one thread.
class FuseServer {
 public:
  // `failed` hears what could not be read of the repository, from several threads; the kernel hears
  // only EIO.
  FuseServer(MountTree& tree, std::function<void(const Error&)> failed)
      : tree_(tree), failed_(std::move(failed)) {}

  // Reads requests from `fd`, on several threads, until the stop or until it is unmounted. True if
  // it was unmounted.
  Result<bool> serve(int fd, std::size_t threads, std::stop_token stop);

  // The answer to one request as it came from the kernel, with its header.
  FuseReply answer(BytesView request, repository::Workspace& workspace);

 private:
  struct Request;

  Result<FuseAnswer> dispatch(const Request& request, repository::Workspace& workspace);
  Result<FuseAnswer> init(const Request& request);
  Result<FuseAnswer> look_up(const Request& request, repository::Workspace& workspace);
  Result<FuseAnswer> get_attributes(const Request& request);
  Result<FuseAnswer> open(const Request& request, repository::Workspace& workspace);
  Result<FuseAnswer> read(const Request& request, repository::Workspace& workspace);
  Result<FuseAnswer> read_folder(const Request& request, repository::Workspace& workspace);
  Result<FuseAnswer> get_xattr(const Request& request);
  Result<FuseAnswer> list_xattrs(const Request& request);
  void forget(const Request& request);

  MountTree& tree_;
  const std::function<void(const Error&)> failed_;
};

}  // namespace lateen::cli::repo
