#include "sandbox/faults/fault_book.h"

#include <algorithm>

#include <fmt/format.h>

namespace lateen::sandbox {

namespace {

// How many keys one fault remembers: far more than a sandbox has volumes. Beyond, answers are not
// kept.
constexpr std::size_t kMostRemembered = 100'000;

// splitmix64: every bit of the input reaches every bit of the output.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// FNV-1a: the same on every machine, which std::hash does not promise.
std::uint64_t number_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

double to_unit(std::uint64_t bits) {
  constexpr int kFraction = 53;
  return static_cast<double>(bits >> (64 - kFraction)) /
         static_cast<double>(std::uint64_t{1} << kFraction);
}

bool is_one_of(FaultKind kind, std::span<const FaultKind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

std::string FaultBook::fresh_name(FaultKind kind) {
  std::string name;
  do {
    name = fmt::format("{}-{}", to_string(kind), ++named_);
  } while (std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.record.fault->name == name; }));
  return name;
}

Result<FaultPtr> FaultBook::add(Fault fault) {
  FaultPtr added;
  {
    const Lock lock(mu_);
    if (fault.name.empty()) fault.name = fresh_name(fault.kind);
    for (const Entry& entry : entries_) {
      if (entry.record.fault->name != fault.name) continue;
      return Error(Code::AlreadyExists, "there is a fault {} already", fault.name)
          .with_hint("Clear it first, or give this one another name.");
    }
    added = std::make_shared<const Fault>(std::move(fault));
    entries_.push_back({.record = {.fault = added}});
    size_ = entries_.size();
  }
  tell();
  return added;
}

std::vector<FaultRecord> FaultBook::list() const {
  const Lock lock(mu_);
  std::vector<FaultRecord> records;
  for (const Entry& entry : entries_)
    records.push_back(entry.record);
  return records;
}

Result<std::size_t> FaultBook::clear(std::string_view name) {
  std::size_t gone = 0;
  {
    const Lock lock(mu_);
    gone = std::erase_if(entries_, [name](const Entry& entry) {
      return name.empty() || entry.record.fault->name == name;
    });
    size_ = entries_.size();
  }
  if (gone == 0 && !name.empty()) return Error(Code::NotFound, "there is no fault {}", name);
  tell();
  return gone;
}

// The draw of what just matched, if it is struck.
std::optional<double> FaultBook::decide(Entry& entry) {
  const Fault& fault = *entry.record.fault;
  const std::uint64_t ordinal = ++entry.record.matched;
  if (ordinal <= fault.skip) return std::nullopt;
  if ((ordinal - fault.skip) % fault.every != 0) return std::nullopt;
  if (fault.count && entry.record.struck >= *fault.count) return std::nullopt;
  const std::uint64_t root = mixed(fault.seed.value_or(seed_) ^ number_of(fault.name));
  if (to_unit(mixed(root + 2 * ordinal)) >= fault.probability) return std::nullopt;
  ++entry.record.struck;
  return to_unit(mixed(root + 2 * ordinal + 1));
}

std::vector<Strike> FaultBook::strike_all(std::span<const FaultKind> kinds,
                                          std::span<const FaultKind> last,
                                          const FaultSubject& subject) {
  std::vector<Strike> strikes;
  const Lock lock(mu_);
  for (Entry& entry : entries_) {
    const Fault& fault = *entry.record.fault;
    if (!is_one_of(fault.kind, kinds) || !fits(fault.target, subject)) continue;
    const auto draw = decide(entry);
    if (!draw) continue;
    strikes.push_back({.fault = entry.record.fault, .draw = *draw});
    if (is_one_of(fault.kind, last)) break;
  }
  return strikes;
}

std::optional<Strike> FaultBook::strike(FaultKind kind,
                                        const FaultSubject& subject,
                                        const std::string& key) {
  if (empty()) return std::nullopt;
  const Lock lock(mu_);
  for (Entry& entry : entries_) {
    if (entry.record.fault->kind != kind || !fits(entry.record.fault->target, subject)) continue;
    const auto known = entry.remembered.find(key);
    const bool fresh = key.empty() || known == entry.remembered.end();
    const std::optional<double> draw = fresh ? decide(entry) : known->second;
    if (fresh && !key.empty() && entry.remembered.size() < kMostRemembered)
      entry.remembered.emplace(key, draw);
    if (draw) return Strike{.fault = entry.record.fault, .draw = *draw};
  }
  return std::nullopt;
}

void FaultBook::on_change(std::function<void()> listener) {
  const Lock lock(listener_mu_);
  listener_ = std::move(listener);
}

void FaultBook::tell() {
  const Lock lock(listener_mu_);
  if (listener_) listener_();
}

}  // namespace lateen::sandbox
