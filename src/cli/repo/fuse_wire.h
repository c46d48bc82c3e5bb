// The kernel's FUSE structures, and what of ours goes into them.
#pragma once

#include <cstdint>
#include <cstring>

#include <linux/fuse.h>

#include "base/result.h"
#include "cli/repo/mount_tree.h"

namespace lateen::cli::repo {

template <typename Struct>
Bytes bytes_of(const Struct& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// InvalidArgument if there are too few bytes.
template <typename Struct>
Result<Struct> struct_at(BytesView bytes) {
  if (bytes.size() < sizeof(Struct)) return Error(Code::InvalidArgument, "a request is cut off");
  Struct value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// A name that ends with a zero byte.
Result<Bytes> fuse_name_at(BytesView bytes);

fuse_attr fuse_attributes_of(const MountNode& node);

// A row of a folder's listing. `next` is where the listing goes on after it.
void append_fuse_name(Bytes& out,
                      std::uint64_t inode,
                      std::uint64_t next,
                      repository::EntryType type,
                      BytesView name);

}  // namespace lateen::cli::repo
