// The file system that a container sees: the machine's own root, read-only in effect (writes land
// in a tmpfs layer that goes with the container), with private /tmp, /run and /dev, a fresh /proc,
// and the pod's volumes where the pod wants them. Called in a process of its own, already in new
// pid, mount, UTS and IPC namespaces; there is no way back.
//
//        /  (of the machine)  ── lower ─┐
//        tmpfs <scratch>/upper ─ upper ─┴─ overlay ─ pivot_root ─ /  (of the container)
//
// Where overlayfs is refused, the root is a read-only bind mount, and mount paths must exist on the
// machine.
#pragma once

#include "base/result.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

Status enter_container_root(const ContainerSpec& spec);

}  // namespace lateen::sandbox
