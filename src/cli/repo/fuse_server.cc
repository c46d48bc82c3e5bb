#include "cli/repo/fuse_server.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/wake.h"
#include "cli/repo/fuse_wire.h"

namespace lateen::cli::repo {
namespace {

using repository::EntryType;
using repository::ExtendedAttribute;
using repository::Workspace;

// Nothing is ever written: requests are short, and this is more than the kernel asks for.
constexpr std::size_t kRequestSize = std::size_t{128} << 10U;
constexpr std::uint32_t kMaxWrite = 4096;
constexpr std::uint16_t kMaxPages = 256;
constexpr std::uint32_t kMinor = 31;
constexpr std::uint32_t kLongestRead = kMaxPages * 4096U;
constexpr std::uint64_t kValidSeconds = 3600;  // nothing changes
constexpr std::uint32_t kBlockSize = 4096;

int errno_of(const Error& error) {
  switch (error.code()) {
    case Code::NotFound:
      return ENOENT;
    case Code::InvalidArgument:
      return EINVAL;
    case Code::Unsupported:
      return ENOSYS;
    default:
      return EIO;
  }
}

// Room is asked for first: with none, how much is needed.
FuseAnswer xattr_answer(BytesView value, std::uint32_t room) {
  if (room == 0) {
    return {.body = bytes_of(
                fuse_getxattr_out{.size = static_cast<std::uint32_t>(value.size()), .padding = 0})};
  }
  if (value.size() > room) return {.error = ERANGE};
  return {.body = Bytes(value)};
}

}  // namespace

struct FuseServer::Request {
  fuse_in_header header = {};
  BytesView body = {};
};

Result<FuseAnswer> FuseServer::init(const Request& request) {
  const auto in = TRY(struct_at<fuse_init_in>(
      request.body.size() < sizeof(fuse_init_in)
          ? BytesView(Bytes(request.body) + Bytes(sizeof(fuse_init_in), '\0'))
          : request.body));
  if (in.major < FUSE_KERNEL_VERSION)
    return Error(Code::Unsupported, "the kernel's FUSE is too old");
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = std::min(in.minor, kMinor);
  // A newer major: the kernel asks again with ours.
  if (in.major > FUSE_KERNEL_VERSION) return FuseAnswer{.body = bytes_of(out)};
  constexpr std::uint32_t kWanted =
      FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS;
  out.max_readahead = in.max_readahead;
  out.flags = in.flags & kWanted;
  out.max_background = 16;
  out.congestion_threshold = 12;
  out.max_write = kMaxWrite;
  out.time_gran = 1;
  out.max_pages = kMaxPages;
  return FuseAnswer{.body = bytes_of(out)};
}

Result<FuseAnswer> FuseServer::look_up(const Request& request, Workspace& workspace) {
  const Bytes name = TRY(fuse_name_at(request.body));
  const MountNode node = TRY(tree_.look_up(request.header.nodeid, name, workspace));
  fuse_entry_out out{};
  out.nodeid = node.number;
  out.generation = 1;
  out.entry_valid = kValidSeconds;
  out.attr_valid = kValidSeconds;
  out.attr = fuse_attributes_of(node);
  return FuseAnswer{.body = bytes_of(out)};
}

Result<FuseAnswer> FuseServer::get_attributes(const Request& request) {
  const MountNode node = TRY(tree_.node(request.header.nodeid));
  fuse_attr_out out{};
  out.attr_valid = kValidSeconds;
  out.attr = fuse_attributes_of(node);
  return FuseAnswer{.body = bytes_of(out)};
}

Result<FuseAnswer> FuseServer::open(const Request& request, Workspace& workspace) {
  fuse_open_out out{};
  if (request.header.opcode == FUSE_OPENDIR) {
    out.open_flags = FOPEN_CACHE_DIR;
    return FuseAnswer{.body = bytes_of(out)};
  }
  const auto in = TRY(struct_at<fuse_open_in>(request.body));
  if ((in.flags & O_ACCMODE) != O_RDONLY) return FuseAnswer{.error = EROFS};
  out.fh = TRY(tree_.open(request.header.nodeid, workspace));
  out.open_flags = FOPEN_KEEP_CACHE;
  return FuseAnswer{.body = bytes_of(out)};
}

Result<FuseAnswer> FuseServer::read(const Request& request, Workspace& workspace) {
  const auto in = TRY(struct_at<fuse_read_in>(request.body));
  const std::size_t length = std::min(in.size, kLongestRead);
  return FuseAnswer{.body = TRY(tree_.read(in.fh, in.offset, length, workspace))};
}

// "." and ".." first; an offset is the number of names before.
Result<FuseAnswer> FuseServer::read_folder(const Request& request, Workspace& workspace) {
  const auto in = TRY(struct_at<fuse_read_in>(request.body));
  const auto listing = TRY(tree_.list(request.header.nodeid, workspace));
  const std::size_t room = std::min(in.size, kLongestRead);
  constexpr std::array<BytesView, 2> kDots = {".", ".."};
  Bytes out;
  for (std::uint64_t i = in.offset; i < listing->names.size() + kDots.size(); ++i) {
    Bytes one;
    if (i < kDots.size()) {
      append_fuse_name(one, listing->inode, i + 1, EntryType::Directory, kDots.at(i));
    } else {
      const MountListing::Name& name = listing->names[i - kDots.size()];
      append_fuse_name(one, name.inode, i + 1, name.type, name.name);
    }
    if (out.size() + one.size() > room) break;
    out += one;
  }
  return FuseAnswer{.body = std::move(out)};
}

Result<FuseAnswer> FuseServer::get_xattr(const Request& request) {
  const auto in = TRY(struct_at<fuse_getxattr_in>(request.body));
  const Bytes wanted = TRY(fuse_name_at(request.body.substr(sizeof in)));
  for (const ExtendedAttribute& attribute : TRY(tree_.attributes(request.header.nodeid))) {
    if (attribute.name == wanted) return xattr_answer(attribute.value, in.size);
  }
  return FuseAnswer{.error = ENODATA};
}

Result<FuseAnswer> FuseServer::list_xattrs(const Request& request) {
  const auto in = TRY(struct_at<fuse_getxattr_in>(request.body));
  Bytes names;
  for (const ExtendedAttribute& attribute : TRY(tree_.attributes(request.header.nodeid)))
    names += attribute.name + '\0';
  return xattr_answer(names, in.size);
}

void FuseServer::forget(const Request& request) {
  if (request.header.opcode == FUSE_FORGET) {
    const auto in = struct_at<fuse_forget_in>(request.body);
    if (in) tree_.forget(request.header.nodeid, in->nlookup);
    return;
  }
  const auto in = struct_at<fuse_batch_forget_in>(request.body);
  if (!in) return;
  BytesView rest = request.body.substr(sizeof *in);
  for (std::uint32_t i = 0; i < in->count; ++i) {
    const auto one = struct_at<fuse_forget_one>(rest);
    if (!one) return;
    tree_.forget(one->nodeid, one->nlookup);
    rest.remove_prefix(sizeof *one);
  }
}

Result<FuseAnswer> FuseServer::dispatch(const Request& request, Workspace& workspace) {
  switch (request.header.opcode) {
    case FUSE_INIT:
      return init(request);
    case FUSE_LOOKUP:
      return look_up(request, workspace);
    case FUSE_GETATTR:
      return get_attributes(request);
    case FUSE_READLINK:
      return FuseAnswer{.body = TRY(tree_.link_target(request.header.nodeid, workspace))};
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      return open(request, workspace);
    case FUSE_READ:
      return read(request, workspace);
    case FUSE_READDIR:
      return read_folder(request, workspace);
    case FUSE_GETXATTR:
      return get_xattr(request);
    case FUSE_LISTXATTR:
      return list_xattrs(request);
    case FUSE_RELEASE: {
      const auto in = TRY(struct_at<fuse_release_in>(request.body));
      tree_.close(in.fh);
      return FuseAnswer();
    }
    case FUSE_RELEASEDIR:
    case FUSE_DESTROY:
      return FuseAnswer();
    case FUSE_STATFS: {
      fuse_statfs_out out{};
      out.st.bsize = kBlockSize;
      out.st.frsize = kBlockSize;
      out.st.namelen = 255;
      return FuseAnswer{.body = bytes_of(out)};
    }
    case FUSE_SETATTR:
    case FUSE_SYMLINK:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_LINK:
    case FUSE_WRITE:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_CREATE:
      return FuseAnswer{.error = EROFS};
    default:
      return Error(Code::Unsupported, "request {} is not known", request.header.opcode);
  }
}

FuseReply FuseServer::answer(BytesView bytes, Workspace& workspace) {
  const auto header = struct_at<fuse_in_header>(bytes);
  if (!header) return {.expected = false};
  const Request request{.header = *header, .body = bytes.substr(sizeof *header)};
  switch (header->opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
      forget(request);
      return {.expected = false};
    case FUSE_INTERRUPT:  // what it is about is answered all the same
      return {.expected = false};
    default:
      break;
  }
  auto answered = dispatch(request, workspace);
  FuseAnswer answer;
  if (answered) {
    answer = std::move(*answered);
  } else {
    answer.error = errno_of(answered.error());
    if (answer.error == EIO) failed_(answered.error());
  }
  fuse_out_header out{};
  out.unique = header->unique;
  out.error = -answer.error;
  out.len = static_cast<std::uint32_t>(sizeof out + answer.body.size());
  return {.bytes = bytes_of(out) + answer.body};
}

Result<bool> FuseServer::serve(int fd, std::size_t threads, std::stop_token stop) {
  const auto stopped = TRY(StopFd::create(stop));
  std::atomic<bool> unmounted = false;
  const auto work = [&](std::size_t /*worker*/, const std::stop_token& told) -> Status {
    Workspace workspace;
    std::vector<char> room(kRequestSize);
    std::array<pollfd, 2> waiting = {{{.fd = fd, .events = POLLIN, .revents = 0},
                                      {.fd = stopped->get(), .events = POLLIN, .revents = 0}}};
    while (!told.stop_requested() && !unmounted) {
      (void)TRY(poll_until(waiting, Deadline::after(std::chrono::seconds(1))));
      const ssize_t length = ::read(fd, room.data(), room.size());
      if (length < 0) {
        if (errno == ENODEV) unmounted = true;
        // Somebody else had it; it was taken back; a signal came.
        if (errno == EAGAIN || errno == ENOENT || errno == EINTR || errno == ENODEV) continue;
        return errno_error(errno, "reading the kernel's requests");
      }
      const FuseReply reply =
          answer(BytesView(room.data(), static_cast<std::size_t>(length)), workspace);
      if (!reply.expected) continue;
      // One write is one answer. ENOENT: nobody waits for it any more.
      const ssize_t written = ::write(fd, reply.bytes.data(), reply.bytes.size());
      if (written < 0 && errno == ENODEV) unmounted = true;
      if (written < 0 && errno != ENOENT && errno != ENODEV) {
        return errno_error(errno, "answering the kernel");
      }
    }
    return {};
  };
  const Status served = parallel_for(threads, threads, work, stop);
  if (!served && !stop.stop_requested()) return served.error();
  return unmounted.load();
}

}  // namespace lateen::cli::repo
