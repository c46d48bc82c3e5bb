// One state of one object, as it lies in the store and goes out on the wire: bytes that carry their
// own resourceVersion, so that a list is served without parsing anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "kube/selector.h"

namespace lateen::sandbox {

// Immutable once it is in the store; shared by its readers.
struct StoredObject {
  std::string ns = {};
  std::string name = {};
  std::string uid = {};
  std::uint64_t revision = 0;
  kube::Labels labels = {};
  // {"kind":...,"apiVersion":...,"metadata":...}; from `body` on it is `"metadata":...}`: items of
  // typed lists go without kind and apiVersion.
  Bytes bytes = {};
  std::size_t body = 0;
};

using StoredPtr = std::shared_ptr<const StoredObject>;

// An object on its way in: all but its revision, which the store puts between `head` and `tail`.
struct Draft {
  std::string ns = {};
  std::string name = {};
  std::string uid = {};
  kube::Labels labels = {};
  Bytes head = {};  // ends with `"resourceVersion":"`
  Bytes tail = {};  // begins with `"`
  std::size_t body = 0;
};

// The state that the draft becomes at that revision.
StoredPtr stamp(Draft draft, std::uint64_t revision);

}  // namespace lateen::sandbox
