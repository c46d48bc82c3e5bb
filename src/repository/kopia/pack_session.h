// One writer's session: its marker blob, which keeps others' maintenance from taking its packs for
// garbage; the frames of its packs; its index blobs.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"
#include "objects/object_store.h"
#include "repository/engine/format.h"
#include "repository/kopia/index_store.h"

namespace lateen::repository::kopia {

// "s", 16 random hex digits, the number of the month since 2000 in hex.
std::string new_session_id(Rng& rng, TimePoint now);

// The session in the name of a pack, an index or a marker; empty if there is none.
std::string_view session_of(std::string_view blob);

struct SessionMarker {
  std::string id = {};
  TimePoint started = {};
  TimePoint checkpoint = {};
  std::string user = {};
  std::string host = {};
};

std::string write_session_marker(const SessionMarker& marker);
Result<SessionMarker> parse_session_marker(BytesView json);

struct SessionOptions {
  std::string user = {};
  std::string host = {};
  // Version 1 packs begin with a copy of kopia.repository: its bytes, empty for later versions.
  Bytes format_copy = {};
};

// As PackSession says.
class KopiaPackSession final : public PackSession {
 public:
  // References outlive it.
  KopiaPackSession(objects::ObjectStore& store,
                   IndexStore& indexes,
                   const FormatParameters& format,
                   const UnitCipher& cipher,
                   const Clock& clock,
                   Rng& rng,
                   SessionOptions options);

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

  // From here on store_index() keeps entries until commit(), which makes them findable at once: a
  // snapshot's manifest together with the last of what it refers to.
  void hold();
  Status commit(const PackTable& packs, std::stop_token stop);

  // Everything is indexed: takes the marker away.
  Status finish(std::stop_token stop);

  const std::string& id() const { return id_; }

 private:
  objects::ObjectStore& store_;
  IndexStore& indexes_;
  const FormatParameters& format_;
  const UnitCipher& cipher_;
  const Clock& clock_;
  Rng& rng_;
  const SessionOptions options_;
  const std::string id_;
  std::string marker_;  // its name, once written
  Mutex mu_;
  bool holding_ LATEEN_GUARDED_BY(mu_) = false;
  std::vector<ContentEntry> held_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository::kopia
