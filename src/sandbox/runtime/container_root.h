// The file system that a container sees: the machine's own root, read-only in effect (writes land
// in a tmpfs layer that goes with the container), with private /tmp, /run and /dev, a fresh /proc,
// and the pod's volumes where the pod wants them. Called in a process of its own, already in new
// pid, mount, UTS and IPC namespaces; there is no way back.
//
//        /  (of the machine)  ── lower ─┐
//        tmpfs <scratch>/upper ─ upper ─┴─ overlay ─ pivot_root ─ /  (of the container)
//
// Where overlayfs is refused, or where we are not root, the root is a skeleton (mount_tree.h): what
// is ours to write to is then /, /tmp, /run and the volumes.
#pragma once

#include "base/result.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

Status enter_container_root(const ContainerSpec& spec);

}  // namespace lateen::sandbox
