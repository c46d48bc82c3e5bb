#include "repository/kopia/pack_session.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/pack.h"

namespace lateen::repository::kopia {
namespace {

// A run that is cut short loses no more than this; 200,000 entries are 7 MB of index.
constexpr std::size_t kIndexBatch = 200'000;
constexpr std::size_t kPackNameBytes = 16;
constexpr std::string_view kRecoveryKey = "kopia-repository";

constexpr std::chrono::sys_days kSessionEpoch =
    std::chrono::year(2000) / std::chrono::January / std::chrono::day(1);
constexpr std::chrono::days kSessionMonth(30);

}  // namespace

std::string new_session_id(Rng& rng, TimePoint now) {
  const auto months = std::max<std::int64_t>((now - kSessionEpoch) / kSessionMonth, 0);
  return fmt::format("s{:016x}{:x}", random_u64(rng), months);
}

std::string_view session_of(std::string_view blob) {
  const std::vector<std::string_view> parts = split(blob, '-');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].starts_with('s')) return parts[i];
  }
  return {};
}

std::string write_session_marker(const SessionMarker& marker) {
  JsonObject value;
  value["id"] = marker.id;
  value["startTime"] = format_go_time_json(marker.started);
  value["checkpointTime"] = format_go_time_json(marker.checkpoint);
  value["username"] = marker.user;
  value["hostname"] = marker.host;
  return write_json_unsorted(value);
}

Result<SessionMarker> parse_session_marker(BytesView json) {
  const Json value = TRY(parse_json(json));
  SessionMarker marker{.id = std::string(string_at(value, "id")),
                       .user = std::string(string_at(value, "username")),
                       .host = std::string(string_at(value, "hostname"))};
  marker.started = TRY(parse_go_time(string_at(value, "startTime")));
  marker.checkpoint = TRY(parse_go_time(string_at(value, "checkpointTime")));
  return marker;
}

KopiaPackSession::KopiaPackSession(objects::ObjectStore& store,
                                   IndexStore& indexes,
                                   const FormatParameters& format,
                                   const UnitCipher& cipher,
                                   const Clock& clock,
                                   Rng& rng,
                                   SessionOptions options)
    : store_(store),
      indexes_(indexes),
      format_(format),
      cipher_(cipher),
      clock_(clock),
      rng_(rng),
      options_(std::move(options)),
      id_(new_session_id(rng, clock.now())) {}

Status KopiaPackSession::start(std::stop_token stop) {
  const TimePoint now = clock_.now();
  const auto blob = cipher_.seal_blob("s",
                                      write_session_marker({.id = id_,
                                                            .started = now,
                                                            .checkpoint = now,
                                                            .user = options_.user,
                                                            .host = options_.host}),
                                      "-" + id_);
  TRY(store_.put(blob.name, blob.bytes, stop).wrap("writing the session's marker"));
  marker_ = blob.name;
  return {};
}

void KopiaPackSession::begin_pack(PackKind, Buffer& pack) {
  if (!options_.format_copy.empty()) {
    Bytes copy = options_.format_copy + [&] {
      Bytes mac(32, '\0');
      HmacSha256(kRecoveryKey)
          .compute(options_.format_copy, reinterpret_cast<std::uint8_t*>(mac.data()));
      return mac;
    }();
    const std::array<char, 2> length = {static_cast<char>(copy.size()),
                                        static_cast<char>(copy.size() >> 8U)};
    pack.append({length.data(), length.size()});
    pack.append(copy);
    pack.append({length.data(), length.size()});
  }
  append_preamble(pack, rng_);
}

Result<std::string> KopiaPackSession::finish_pack(PackKind kind,
                                                  Buffer& pack,
                                                  std::span<const ContentEntry> entries,
                                                  Workspace&) {
  Bytes random(kPackNameBytes, '\0');
  rng_.fill(std::as_writable_bytes(std::span(random)));
  std::string name =
      fmt::format("{}{}-{}", kind == PackKind::Data ? 'p' : 'q', hex_encode(random), id_);
  std::vector<ContentEntry> sorted(entries.begin(), entries.end());
  std::ranges::sort(sorted, {}, &ContentEntry::id);
  // Two threads may have added one content at once: either place is right.
  const auto [from, to] = std::ranges::unique(sorted, {}, &ContentEntry::id);
  sorted.erase(from, to);
  for (ContentEntry& entry : sorted)
    entry.pack = 0;
  const std::vector<std::string> names = {name};
  TRY(append_pack_end(pack, sorted, names, format_.index_version, cipher_, rng_));
  return name;
}

Status KopiaPackSession::store_index(std::span<const ContentEntry> entries,
                                     const PackTable& packs,
                                     std::stop_token stop) {
  {
    Lock lock(mu_);
    if (holding_) {
      held_.insert(held_.end(), entries.begin(), entries.end());
      return {};
    }
  }
  return indexes_.write({entries.begin(), entries.end()}, packs, id_, stop);
}

std::size_t KopiaPackSession::index_batch() const {
  return kIndexBatch;
}

std::uint32_t KopiaPackSession::entry_time(const ContentEntry* replaced) {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch();
  const auto time = static_cast<std::uint32_t>(std::max<std::int64_t>(now.count(), 0));
  if (replaced == nullptr) return time;
  // A content that only moves must not look newer than a mark of deletion that somebody else may
  // be putting on it now. One that comes back must.
  return replaced->deleted ? std::max(time, replaced->time + 1) : replaced->time + 1;
}

void KopiaPackSession::hold() {
  Lock lock(mu_);
  holding_ = true;
}

Status KopiaPackSession::commit(const PackTable& packs, std::stop_token stop) {
  std::vector<ContentEntry> held;
  {
    Lock lock(mu_);
    holding_ = false;
    held.swap(held_);
  }
  return indexes_.write(std::move(held), packs, id_, stop);
}

Status KopiaPackSession::finish(std::stop_token stop) {
  if (marker_.empty()) return {};
  TRY(store_.remove(marker_, stop).wrap("removing the session's marker"));
  marker_.clear();
  return {};
}

}  // namespace lateen::repository::kopia
