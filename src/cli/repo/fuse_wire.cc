#include "cli/repo/fuse_wire.h"

#include <algorithm>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace lateen::cli::repo {
namespace {

using repository::Entry;
using repository::EntryType;
using repository::type_bits;

constexpr std::uint32_t kBlock = 4096;

void set_time(TimePoint time, std::uint64_t& seconds, std::uint32_t& nanoseconds) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  seconds = static_cast<std::uint64_t>(whole.time_since_epoch().count());
  nanoseconds = static_cast<std::uint32_t>((time - whole).count());
}

}  // namespace

Result<Bytes> fuse_name_at(BytesView bytes) {
  const std::size_t end = bytes.find('\0');
  if (end == BytesView::npos) return Error(Code::InvalidArgument, "a name does not end");
  return Bytes(bytes.substr(0, end));
}

fuse_attr fuse_attributes_of(const MountNode& node) {
  const Entry& entry = node.entry;
  fuse_attr out{};
  out.ino = node.inode;
  out.size = entry.type == EntryType::Directory ? 0 : entry.size;
  out.blocks = (out.size + 511) / 512;
  set_time(entry.atime, out.atime, out.atimensec);
  set_time(entry.mtime, out.mtime, out.mtimensec);
  set_time(entry.ctime, out.ctime, out.ctimensec);
  out.mode = type_bits(entry.type) | entry.mode;
  out.nlink = entry.type == EntryType::Directory
                  ? 2
                  : static_cast<std::uint32_t>(std::max<std::uint64_t>(entry.links, 1));
  out.uid = entry.uid;
  out.gid = entry.gid;
  // The kernel's own packing of device numbers.
  const unsigned int minor_number = minor(entry.rdevice);
  out.rdev =
      (minor_number & 0xffU) | (major(entry.rdevice) << 8U) | ((minor_number & ~0xffU) << 12U);
  out.blksize = kBlock;
  return out;
}

void append_fuse_name(
    Bytes& out, std::uint64_t inode, std::uint64_t next, EntryType type, BytesView name) {
  fuse_dirent entry{};
  entry.ino = inode;
  entry.off = next;
  entry.namelen = static_cast<std::uint32_t>(name.size());
  entry.type = type_bits(type) >> 12U;
  out.append(reinterpret_cast<const char*>(&entry), FUSE_NAME_OFFSET);
  out += name;
  out.append((8 - name.size() % 8) % 8, '\0');
}

}  // namespace lateen::cli::repo
