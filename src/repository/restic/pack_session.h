// One writer's packs and index files.
#pragma once

#include <functional>
#include <string>

#include "repository/engine/format.h"
#include "repository/restic/content_format.h"
#include "repository/restic/files.h"
#include "repository/restic/index_file.h"

namespace lateen::repository::restic {

// As PackSession says.
class ResticPackSession final : public PackSession {
 public:
  // `may_write` is asked before an index file is stored: whether the lock is still ours. Files
  // outlive it.
  ResticPackSession(const Files& files, std::function<Status()> may_write)
      : files_(files), may_write_(std::move(may_write)) {}

  Status start(std::stop_token stop) override;
  void begin_pack(PackKind kind, Buffer& pack) override;
  Result<std::string> finish_pack(PackKind kind,
                                  Buffer& pack,
                                  std::span<const ContentEntry> entries,
                                  Workspace& workspace) override;
  Status store_index(std::span<const ContentEntry> entries,
                     const PackTable& packs,
                     std::stop_token stop) override;
  std::size_t index_batch() const override;
  std::uint32_t entry_time(const ContentEntry* replaced) override;

 private:
  const Files& files_;
  const std::function<Status()> may_write_;
};

}  // namespace lateen::repository::restic
