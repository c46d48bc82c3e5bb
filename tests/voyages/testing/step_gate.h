// A gate between a server and all that it can change (tests/tools/step_gate.py): so that it can be
// killed at its n-th change, before or after that was done.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "s3/servers.h"
#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// One change of a server's, and on which side of it the server dies.
struct Step {
  int number = 0;
  std::string side = "before";  // or "after"
};

// Not thread-safe.
class StepGate {
 public:
  // In front of the harbour's API server and of the bucket at that S3. Null, and a failure of the
  // test, when it does not come up.
  static std::unique_ptr<StepGate> start(const Harbour& harbour,
                                         const std::string& s3,
                                         const std::string& bucket);

  StepGate(std::unique_ptr<objects::s3::ServerProgram> program, FilePath kubeconfig)
      : program_(std::move(program)), kubeconfig_(std::move(kubeconfig)) {}

  const std::string& url() const { return program_->url(); }

  // Of whoever is to go through the gate.
  const FilePath& kubeconfig() const { return kubeconfig_; }

  // Counts anew, and shuts at the step.
  void shut_at(const Step& step);
  // Counts anew. What was held is lost.
  void open();

  int count();
  // The change that is held: "PUT /…"; "" while none is.
  std::string held();

 private:
  Json state();

  std::unique_ptr<objects::s3::ServerProgram> program_;
  const FilePath kubeconfig_;
};

// How many snapshots the sandbox's storage has.
std::size_t stored_snapshots(const Harbour& harbour);

}  // namespace lateen::voyages
