// The kernel's calls for detached mounts, by number: glibc has functions for them from 2.36 on, and
// the program also runs on systems with an older one.
#pragma once

#include <cstddef>

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lateen::sandbox {

// open_tree(2)
inline int call_open_tree(int directory, const char* path, unsigned int flags) {
  return static_cast<int>(::syscall(SYS_open_tree, directory, path, flags));
}

// move_mount(2), of a detached tree that `tree` is open at.
inline int call_move_mount(int tree, int to_directory, const char* to_path, unsigned int flags) {
  return static_cast<int>(::syscall(SYS_move_mount, tree, "", to_directory, to_path, flags));
}

// mount_setattr(2)
inline int call_mount_setattr(int directory,
                              const char* path,
                              unsigned int flags,
                              mount_attr& attributes) {
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, directory, path, flags, &attributes, sizeof attributes));
}

}  // namespace lateen::sandbox
