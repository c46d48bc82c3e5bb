// The files of a sandbox's folder.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process_identity.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/tls.h"

namespace lateen::sandbox {

// What sandbox.json says.
struct SandboxRecord {
  pid_t pid = 0;
  std::uint64_t started =
      0;  // of the process, in ticks since boot: tells it from another of the same pid
  std::uint16_t port = 0;
  bool ready = false;
  std::string runtime = {};
};

// Paths and their content. Not thread-safe.
class SandboxFiles {
 public:
  explicit SandboxFiles(FilePath dir) : dir_(std::move(dir)) {}

  const FilePath& dir() const { return dir_; }

  FilePath state() const { return dir_ / "state.db"; }

  FilePath lock() const { return dir_ / "sandbox.lock"; }

  FilePath record() const { return dir_ / "sandbox.json"; }

  FilePath kubeconfig() const { return dir_ / "kubeconfig"; }

  FilePath log() const { return dir_ / "sandbox.log"; }

  FilePath ca_certificate() const { return dir_ / "ca.crt"; }

  // Whether the folder was made by us.
  bool is_sandbox() const;

  // Makes the folder, private. InvalidArgument when there is one with other things in it.
  Status create() const;

  Result<SandboxRecord> read_record() const;  // NotFound when there is none
  Status write_record(const SandboxRecord& record) const;

  // Made when they are first asked for.
  Result<net::CertificatePair> certificate_authority(const Clock& clock) const;
  Result<Secret> token_key(Rng& rng) const;

  // For the cluster's administrator (group system:masters).
  Status write_kubeconfig(const net::CertificatePair& authority,
                          std::uint16_t port,
                          const Clock& clock) const;

 private:
  FilePath dir_;
};

}  // namespace lateen::sandbox
