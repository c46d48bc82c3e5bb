#include "cli/repo/fuse_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/process.h"
#include "base/text.h"

namespace lateen::cli::repo {
namespace {

using std::chrono::seconds;

constexpr const char* kDevice = "/dev/fuse";
constexpr const char* kHelper = "fusermount3";
constexpr const char* kType = "fuse.lateen";
constexpr Duration kHelperTime = seconds(30);

std::string options_text(const FuseMountOptions& options) {
  std::string text;
  if (options.default_permissions) text += ",default_permissions";
  if (options.allow_other) text += ",allow_other";
  return text;
}

Error no_fuse(Error error) {
  return Error(Code::Unsupported, "FUSE cannot be used here: {}", error.message())
      .with_hint(
          "Mounting needs /dev/fuse, and root or the package fuse3. `restore` and `dump` do "
          "without.");
}

// Linux makes every folder's mode part of the mount.
Result<UniqueFd> mount_as_root(const FilePath& path, const FuseMountOptions& options) {
  UniqueFd fd(::open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return no_fuse(errno_error(errno, "opening /dev/fuse"));
  const std::string data = fmt::format("fd={},rootmode=40000,user_id={},group_id={}{}", fd.get(),
                                       ::getuid(), ::getgid(), options_text(options));
  if (::mount("lateen", path.c_str(), kType, MS_RDONLY | MS_NOSUID | MS_NODEV, data.c_str()) == 0) {
    return fd;
  }
  return no_fuse(errno_error(errno, fmt::format("mounting at {}", path.string())));
}

// The descriptor that the helper sends over its socket.
Result<UniqueFd> receive_descriptor(int socket) {
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0) {
    return Error(Code::Io, "fusermount3 sent no descriptor");
  }
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    return Error(Code::Io, "fusermount3 sent no descriptor");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

std::vector<std::string> environment_with(std::string variable) {
  std::vector<std::string> variables = {std::move(variable)};
  variables.push_back("PATH=" + env("PATH").value_or("/usr/bin:/bin"));
  return variables;
}

// It is setuid root, and mounts what its user may mount. Its socket is its standard input.
Result<UniqueFd> mount_by_helper(const FilePath& path,
                                 const FuseMountOptions& options,
                                 const std::stop_token& stop) {
  std::array<int, 2> pair = {};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return errno_error(errno, "making a socket pair");
  }
  const UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  auto child = Child::spawn(
      {.argv = {kHelper, "-o", "ro,fsname=lateen,subtype=lateen" + options_text(options), "--",
                path.string()},
       .env = environment_with("_FUSE_COMMFD=0"),
       .in = Stdio::to(theirs.get()),
       .err = Stdio::inherit()});
  if (!child) return no_fuse(std::move(child).error());
  const ProcessEnd end = TRY(child->wait(Deadline::after(kHelperTime), stop));
  if (!end.ok()) {
    return no_fuse(Error(Code::Io, "fusermount3 failed: {}", end.describe_end()));
  }
  UniqueFd fd = TRY(receive_descriptor(ours.get()));
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "preparing FUSE");
  return fd;
}

}  // namespace

Result<FuseMount> FuseMount::create(const FilePath& path,
                                    const FuseMountOptions& options,
                                    const std::stop_token& stop) {
  const auto info = TRY(file_info(path).wrap("the mount point"));
  if (info.kind != FileKind::Directory) {
    return Error(Code::InvalidArgument, "the mount point {} is no folder", path.string());
  }
  const bool by_helper = ::geteuid() != 0;
  UniqueFd fd =
      TRY(by_helper ? mount_by_helper(path, options, stop) : mount_as_root(path, options));
  return FuseMount(path, std::move(fd), by_helper);
}

FuseMount::FuseMount(FuseMount&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      fd_(std::move(other.fd_)),
      by_helper_(other.by_helper_) {}

// Lazily where somebody is in it: with our descriptor closed, what they do next fails.
FuseMount::~FuseMount() {
  if (path_.empty()) return;
  if (by_helper_) {
    (void)run_process({.argv = {kHelper, "-u", "-q", "-z", "--", path_.string()}},
                      Deadline::after(kHelperTime), {});
  } else if (::umount2(path_.c_str(), UMOUNT_NOFOLLOW) != 0) {
    (void)::umount2(path_.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH);
  }
}

}  // namespace lateen::cli::repo
