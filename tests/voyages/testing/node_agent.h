// `lateen node-agent server` for the sandbox's node, its log in a file.
#pragma once

#include <memory>
#include <string>

#include "base/process.h"
#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// The process is gone after the destructor. Not thread-safe.
class NodeAgent {
 public:
  // Returns once it says that it has started (which is a while after one that was killed); null and
  // a failure of the test when it does not.
  static std::unique_ptr<NodeAgent> start(const Harbour& harbour);

  NodeAgent(Child child, FilePath log)
      : child_(std::move(child)), log_(std::move(log)) {}  // for start() alone

  ~NodeAgent();
  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  void kill9();

  std::string log() const;

  bool runs() { return !child_.poll().has_value(); }

 private:
  Child child_;
  FilePath log_;
};

// The folder of the volume that a claim is bound to, in the sandbox's storage.
FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim);

}  // namespace lateen::voyages
