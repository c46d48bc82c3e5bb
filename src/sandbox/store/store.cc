#include "sandbox/store/store.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lateen::sandbox {

namespace {

std::string key_of(std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(ns.size() + 1 + name.size());
  key.append(ns).append("/").append(name);
  return key;
}

}  // namespace

StoredPtr stamp(Draft draft, std::uint64_t revision) {
  Bytes bytes = std::move(draft.head);
  const std::string number = std::to_string(revision);
  bytes.reserve(bytes.size() + number.size() + draft.tail.size());
  bytes.append(number).append(draft.tail);
  return std::make_shared<const StoredObject>(StoredObject{.ns = std::move(draft.ns),
                                                           .name = std::move(draft.name),
                                                           .uid = std::move(draft.uid),
                                                           .revision = revision,
                                                           .labels = std::move(draft.labels),
                                                           .bytes = std::move(bytes),
                                                           .body = draft.body});
}

class Store::Private {};

Store::Store(const Private& /*ours*/, StoreOptions options, Disk disk)
    : options_(std::move(options)), disk_(std::move(disk)) {}

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  Disk disk = TRY(Disk::open(options.path));
  auto store = std::make_unique<Store>(Private{}, std::move(options), std::move(disk));
  TRY(store->load());
  return store;
}

Status Store::load() {
  const Lock lock(mu_);
  const auto keep = [this](std::string_view resource,
                           StoredPtr object) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    auto& chains = shelf(resource).chains;
    std::string key = key_of(object->ns, object->name);
    const std::uint64_t revision = object->revision;
    Chain chain{
        .versions = {{.revision = revision, .object = std::move(object), .deleted = false}}};
    chains.emplace_hint(chains.end(), std::move(key), std::move(chain));
  };
  committed_ = TRY(disk_.load(keep));
  // Clients take resourceVersion 0 for "any": a fresh store begins at 1.
  committed_ = std::max<std::uint64_t>(committed_, 1);
  assigned_ = committed_;
  floor_ = committed_;
  return {};
}

const Store::Version* Store::Chain::at(std::uint64_t revision) const {
  const auto later = std::find_if(versions.rbegin(), versions.rend(),
                                  [revision](const Version& v) { return v.revision <= revision; });
  return later == versions.rend() ? nullptr : &*later;
}

Store::Shelf& Store::shelf(std::string_view resource) const {
  const auto found = shelves_.find(resource);
  if (found != shelves_.end()) return *found->second;
  return *shelves_.emplace(std::string(resource), std::make_unique<Shelf>()).first->second;
}

const Store::Version* Store::newest(Shelf& shelf, std::string_view key) const {
  const auto found = shelf.chains.find(key);
  return found == shelf.chains.end() ? nullptr : &found->second.versions.back();
}

const Store::Version* Store::settled(Shelf& shelf, std::string_view key) const {
  const auto is_settled = [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    const Version* last = newest(shelf, key);
    return last == nullptr || last->revision <= committed_;
  };
  committed_changed_.wait(mu_, Deadline::never(), {}, is_settled);
  return newest(shelf, key);
}

Result<StoredPtr> Store::create(std::string_view resource, Draft draft) {
  return write(resource, std::move(draft), StoreEvent::Kind::Created, 0);
}

Result<StoredPtr> Store::replace(std::string_view resource,
                                 Draft draft,
                                 std::uint64_t expected_revision) {
  return write(resource, std::move(draft), StoreEvent::Kind::Updated, expected_revision);
}

Result<StoredPtr> Store::remove(std::string_view resource,
                                Draft draft,
                                std::uint64_t expected_revision) {
  return write(resource, std::move(draft), StoreEvent::Kind::Deleted, expected_revision);
}

Result<StoredPtr> Store::write(std::string_view resource,
                               Draft draft,
                               StoreEvent::Kind kind,
                               std::uint64_t expected_revision) {
  const Lock lock(mu_);
  Shelf& on = shelf(resource);
  std::string key = key_of(draft.ns, draft.name);
  const Version* last = settled(on, key);
  const bool exists = last != nullptr && !last->deleted;
  if (kind == StoreEvent::Kind::Created) {
    if (exists) return Error(Code::AlreadyExists, "{} {} already exists", resource, key);
  } else {
    if (!exists) return Error(Code::NotFound, "{} {} not found", resource, key);
    if (last->revision != expected_revision) {
      return Error(Code::Conflict, "{} {} is at revision {}, not {}", resource, key, last->revision,
                   expected_revision);
    }
  }
  StoredPtr previous = exists ? last->object : nullptr;
  const bool deleted = kind == StoreEvent::Kind::Deleted;
  StoredPtr object = stamp(std::move(draft), ++assigned_);
  on.chains[key].versions.push_back({.revision = assigned_, .object = object, .deleted = deleted});
  Outcome outcome;
  pending_.push_back(
      {.shelf = &on,
       .key = std::move(key),
       .change = {.resource = std::string(resource), .object = object, .deleted = deleted},
       .kind = kind,
       .previous = std::move(previous),
       .outcome = &outcome});
  make_durable(outcome);
  if (outcome.error) return std::move(*outcome.error);
  return object;
}

// Group commit. Whoever finds no commit under way takes everything that waits, writes it without
// the lock, and tells the others; meanwhile the next group gathers.
void Store::make_durable(const Outcome& outcome) {
  while (!outcome.done) {
    if (committing_) {
      committed_changed_.wait(mu_, Deadline::never(), {}, [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
        return outcome.done || !committing_;
      });
      continue;
    }
    committing_ = true;
    std::vector<Pending> batch = std::exchange(pending_, {});
    std::vector<DiskChange> changes;
    changes.reserve(batch.size());
    for (Pending& pending : batch)
      changes.push_back(std::move(pending.change));
    mu_.unlock();
    Status done = disk_.commit(changes);
    mu_.lock();
    for (std::size_t i = 0; i < batch.size(); ++i)
      batch[i].change = std::move(changes[i]);
    committing_ = false;
    if (done) {
      publish(batch);
    } else {
      // What came after was checked against changes that are now undone.
      std::move(pending_.begin(), pending_.end(), std::back_inserter(batch));
      pending_.clear();
      undo(std::move(batch), done.error());
    }
    committed_changed_.notify_all();
  }
}

void Store::publish(const std::vector<Pending>& batch) {
  for (const Pending& pending : batch) {
    committed_ = pending.change.object->revision;
    if (pending.previous) history_bytes_ += pending.previous->bytes.size();
    pending.shelf->events.push_back({.kind = pending.kind,
                                     .revision = committed_,
                                     .object = pending.change.object,
                                     .previous = pending.previous});
    history_.push_back(pending.shelf);
    pending.outcome->done = true;
  }
  for (const Pending& pending : batch)
    pending.shelf->changed.notify_all();
  trim_history();
}

void Store::undo(std::vector<Pending> batch, const Error& why) {
  for (auto pending = batch.rbegin(); pending != batch.rend(); ++pending) {
    const auto found = pending->shelf->chains.find(pending->key);
    found->second.versions.pop_back();
    if (found->second.versions.empty()) pending->shelf->chains.erase(found);
    pending->outcome->error = why;
    pending->outcome->done = true;
  }
}

void Store::trim_history() {
  while (history_.size() > options_.history_events || history_bytes_ > options_.history_bytes)
    forget_oldest();
}

void Store::forget_oldest() {
  Shelf& on = *history_.front();
  history_.pop_front();
  const StoreEvent event = std::move(on.events.front());
  on.events.pop_front();
  on.forgotten = event.revision;
  if (event.previous) history_bytes_ -= event.previous->bytes.size();
  const auto found = on.chains.find(key_of(event.object->ns, event.object->name));
  if (found == on.chains.end()) return;
  auto& versions = found->second.versions;
  const auto keep = std::find_if(versions.begin(), versions.end(), [&event](const Version& v) {
    return v.revision >= event.revision;
  });
  versions.erase(versions.begin(), keep);
  const bool gone = versions.size() == 1 && versions.front().deleted &&
                    versions.front().revision == event.revision;
  if (gone || versions.empty()) on.chains.erase(found);
}

void Store::compact() {
  const Lock lock(mu_);
  while (!history_.empty())
    forget_oldest();
}

StoredPtr Store::find(std::string_view resource, std::string_view ns, std::string_view name) const {
  const Lock lock(mu_);
  const Shelf& on = shelf(resource);
  const auto found = on.chains.find(key_of(ns, name));
  if (found == on.chains.end()) return nullptr;
  const Version* version = found->second.at(committed_);
  return version == nullptr || version->deleted ? nullptr : version->object;
}

StoredPtr Store::find_newest(std::string_view resource,
                             std::string_view ns,
                             std::string_view name) const {
  const Lock lock(mu_);
  const Version* version = settled(shelf(resource), key_of(ns, name));
  return version == nullptr || version->deleted ? nullptr : version->object;
}

Result<StorePage> Store::list(std::string_view resource, const ListRange& range) const {
  const Lock lock(mu_);
  const Shelf& on = shelf(resource);
  const std::uint64_t revision = range.revision == 0 ? committed_ : range.revision;
  if (revision > committed_)
    return Error(Code::InvalidArgument, "revision {} is still to come", revision);
  if (revision < std::max(floor_, on.forgotten))
    return Error(Code::Gone, "revision {} is forgotten", revision);

  const std::string prefix = range.ns.empty() ? std::string() : range.ns + "/";
  StorePage page{.revision = revision};
  auto at =
      range.after.empty() ? on.chains.lower_bound(prefix) : on.chains.upper_bound(range.after);
  for (; at != on.chains.end() && at->first.starts_with(prefix); ++at) {
    const Version* version = at->second.at(revision);
    if (version == nullptr || version->deleted) continue;
    if (range.limit != 0 && page.objects.size() == range.limit) {
      page.more = true;
      if (!range.counts) return page;
      page.remaining = range.left > range.limit
                           ? range.left - range.limit
                           : remaining_after(on, page.last_key, prefix, revision);
      return page;
    }
    page.objects.push_back(version->object);
    page.last_key = at->first;
  }
  return page;
}

std::size_t Store::remaining_after(const Shelf& shelf,
                                   const std::string& key,
                                   std::string_view prefix,
                                   std::uint64_t revision) const {
  std::size_t count = 0;
  for (auto at = shelf.chains.upper_bound(key);
       at != shelf.chains.end() && at->first.starts_with(prefix); ++at) {
    const Version* version = at->second.at(revision);
    if (version != nullptr && !version->deleted) ++count;
  }
  return count;
}

Status Store::check_watchable(std::string_view resource, std::uint64_t revision) const {
  const Lock lock(mu_);
  if (revision < std::max(floor_, shelf(resource).forgotten)) {
    return Error(Code::Gone, "too old resource version: {} ({})", revision, committed_);
  }
  return {};
}

Result<StoreEvents> Store::events_after(std::string_view resource,
                                        std::uint64_t revision,
                                        std::size_t max,
                                        Deadline deadline,
                                        std::stop_token stop) const {
  const Lock lock(mu_);
  const Shelf& on = shelf(resource);
  if (revision < std::max(floor_, on.forgotten)) {
    return Error(Code::Gone, "too old resource version: {} ({})", revision, committed_);
  }
  const auto has_newer = [&on, revision] {
    return on.forgotten > revision || (!on.events.empty() && on.events.back().revision > revision);
  };
  on.changed.wait(mu_, deadline, stop, has_newer);
  if (on.forgotten > revision) {
    return Error(Code::Gone, "too old resource version: {} ({})", revision, committed_);
  }
  const auto first =
      std::upper_bound(on.events.begin(), on.events.end(), revision,
                       [](std::uint64_t r, const StoreEvent& e) { return r < e.revision; });
  const auto count = std::min<std::size_t>(max, static_cast<std::size_t>(on.events.end() - first));
  const auto last = first + static_cast<std::ptrdiff_t>(count);
  StoreEvents answer{.events = {first, last}, .revision = committed_};
  if (last != on.events.end()) answer.revision = answer.events.back().revision;
  return answer;
}

std::uint64_t Store::revision() const {
  const Lock lock(mu_);
  return committed_;
}

std::size_t Store::count(std::string_view resource) const {
  const Lock lock(mu_);
  const Shelf& on = shelf(resource);
  return static_cast<std::size_t>(
      std::count_if(on.chains.begin(), on.chains.end(),
                    [this](const auto& entry) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
                      const Version* version = entry.second.at(committed_);
                      return version != nullptr && !version->deleted;
                    }));
}

bool Store::is_empty(std::string_view resource) const {
  const Lock lock(mu_);
  const Shelf& on = shelf(resource);
  return std::none_of(on.chains.begin(), on.chains.end(),
                      [this](const auto& entry) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
                        const Version* version = entry.second.at(committed_);
                        return version != nullptr && !version->deleted;
                      });
}

}  // namespace lateen::sandbox
