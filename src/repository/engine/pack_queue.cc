#include "repository/engine/pack_queue.h"

#include <algorithm>
#include <cstring>

namespace lateen::repository {

namespace {

// Beside the bytes at which a pack is closed: room for a content that crosses that line by so much
// (another begins the next pack), and for what the format puts at the end of most packs.
constexpr std::size_t kMargin = 1_MiB;

}  // namespace

PackQueue::PackQueue(objects::ObjectStore& store,
                     const ContentFormat& format,
                     PackSession& session,
                     PackTable& packs,
                     const ContentWriterOptions& options,
                     WriteCounters& counters,
                     Stored stored)
    : store_(store),
      format_(format),
      session_(session),
      packs_(packs),
      options_(options),
      counters_(counters),
      stored_(std::move(stored)),
      // One open of each kind, and at least one being stored.
      max_packs_(std::max<std::size_t>(3, options.pack_memory / (format.pack_size() + kMargin))) {
  const std::size_t threads = std::clamp<std::size_t>(options.uploads, 1, max_packs_);
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

PackQueue::~PackQueue() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
  threads_.clear();
}

std::optional<Error> PackQueue::failure() const {
  Lock lock(mu_);
  return failure_;
}

void PackQueue::fail(Error error) {
  Lock lock(mu_);
  if (!failure_) failure_ = std::move(error);
  changed_.notify_all();
}

Status PackQueue::open_pack(PackKind kind, std::size_t first_length) {
  const auto ready = [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return failure_ || in_use_ < max_packs_;
  };
  auto& slot = open_[static_cast<std::size_t>(kind)];
  changed_.wait(mu_, Deadline::never(), {},
                [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return slot != nullptr || ready(); });
  if (failure_) return *failure_;
  if (slot != nullptr) return {};  // another thread was quicker
  std::unique_ptr<Pack> pack;
  if (free_.empty()) {
    pack = std::make_unique<Pack>();
  } else {
    pack = std::move(free_.back());
    free_.pop_back();
  }
  ++in_use_;
  pack->number = next_number_++;
  unstored_.insert(unstored_.end(), pack->number);
  pack->kind = kind;
  pack->bytes.reserve(format_.pack_size() + std::max(kMargin, first_length + 1_MiB));
  session_.begin_pack(kind, pack->bytes);
  slot = std::move(pack);
  return {};
}

void PackQueue::enqueue_if_complete(Pack& pack) {
  if (!pack.closed || pack.copying > 0) return;
  const auto found = std::find_if(closing_.begin(), closing_.end(),
                                  [&pack](const auto& p) { return p.get() == &pack; });
  full_.push_back(std::move(*found));
  closing_.erase(found);
  changed_.notify_all();
}

void PackQueue::close_pack(PackKind kind) {
  auto& slot = open_[static_cast<std::size_t>(kind)];
  Pack& pack = *slot;
  pack.closed = true;
  closing_.push_back(std::move(slot));
  enqueue_if_complete(pack);
}

Result<PackQueue::Place> PackQueue::reserve(PackKind kind, const SealedContent& content) {
  if (failure_) return *failure_;
  const auto k = static_cast<std::size_t>(kind);
  const std::size_t length = content.bytes.size();
  while (true) {
    if (open_[k] == nullptr) TRY(open_pack(kind, length));
    const Buffer& bytes = open_[k]->bytes;
    // Growing would move bytes that others copy to.
    if (bytes.capacity() - bytes.size() >= length) break;
    close_pack(kind);
  }
  Pack& pack = *open_[k];
  const std::size_t offset = pack.bytes.size();
  pack.bytes.resize(offset + length);
  ContentEntry entry = content.entry;
  entry.offset = static_cast<std::uint32_t>(offset);
  pack.entries.push_back(entry);
  ++pack.copying;
  const bool full = pack.bytes.size() >= format_.pack_size() ||
                    pack.entries.size() >= format_.max_pack_contents();
  if (full) close_pack(kind);
  return Place{.pack = &pack, .offset = offset};
}

// Nobody waits for a pack while others wait for him to copy: each content is copied before the next
// place is asked for.
Status PackQueue::append(PackKind kind, std::span<const SealedContent> contents) {
  for (const SealedContent& content : contents) {
    Place place{};
    {
      Lock lock(mu_);
      place = TRY(reserve(kind, content));
    }
    std::memcpy(place.pack->bytes.data() + place.offset, content.bytes.data(),
                content.bytes.size());
    Lock lock(mu_);
    --place.pack->copying;
    enqueue_if_complete(*place.pack);
  }
  return {};
}

bool PackQueue::has_room(PackKind kind, std::size_t length) const {
  const auto& slot = open_[static_cast<std::size_t>(kind)];
  if (failure_ || in_use_ < max_packs_) return true;
  return slot != nullptr && slot->bytes.capacity() - slot->bytes.size() >= length;
}

Result<std::optional<PackQueue::Hold>> PackQueue::append_held(PackKind kind,
                                                              const SealedContent& content,
                                                              bool wait) {
  Place place{};
  {
    Lock lock(mu_);
    if (!wait && !has_room(kind, content.bytes.size())) return std::optional<Hold>();
    place = TRY(reserve(kind, content));
  }
  std::memcpy(place.pack->bytes.data() + place.offset, content.bytes.data(), content.bytes.size());
  return std::optional<Hold>(Hold(place.pack));
}

void PackQueue::release(const Hold& hold) {
  Lock lock(mu_);
  --hold.pack_->copying;
  enqueue_if_complete(*hold.pack_);
}

void PackQueue::recycle(std::unique_ptr<Pack> pack) {
  pack->bytes.clear();
  pack->entries.clear();
  pack->closed = false;
  Lock lock(mu_);
  unstored_.erase(pack->number);
  free_.push_back(std::move(pack));
  --in_use_;
  changed_.notify_all();
}

Status PackQueue::store(Pack& pack, Workspace& workspace, std::stop_token stop) {
  std::string name = "dry run";
  if (!options_.dry_run) {
    {
      Lock lock(session_mu_);
      if (!started_) TRY(session_.start(stop));
      started_ = true;
    }
    name = TRY(session_.finish_pack(pack.kind, pack.bytes, pack.entries, workspace));
    TRY(store_.put(format_.pack_key(name), pack.bytes.view(), stop).wrap("storing pack {}", name));
  }
  counters_.stored_bytes += pack.bytes.size();
  ++counters_.packs;
  const std::uint32_t number = packs_.intern(name);
  for (ContentEntry& entry : pack.entries)
    entry.pack = number;
  Lock lock(session_mu_);
  return stored_(std::move(pack.entries), stop);
}

void PackQueue::run(std::stop_token stop) {
  Workspace workspace;
  while (true) {
    std::unique_ptr<Pack> pack;
    {
      Lock lock(mu_);
      const bool ready =
          changed_.wait(mu_, Deadline::never(), stop,
                        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !full_.empty(); });
      if (!ready) return;
      pack = std::move(full_.front());
      full_.pop_front();
    }
    if (!failure()) {
      Status stored = store(*pack, workspace, stop);
      if (!stored) fail(std::move(stored).error());
    }
    recycle(std::move(pack));
  }
}

Status PackQueue::drain(std::stop_token stop) {
  Lock lock(mu_);
  for (const PackKind kind : {PackKind::Data, PackKind::Metadata}) {
    if (open_[static_cast<std::size_t>(kind)] != nullptr) close_pack(kind);
  }
  const std::uint64_t limit = next_number_;
  const bool done =
      changed_.wait(mu_, Deadline::never(), stop, [this, limit]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
        return failure_ || unstored_.empty() || *unstored_.begin() >= limit;
      });
  if (failure_) return *failure_;
  if (!done) return Error(Code::Canceled, "told to stop while packs were being stored");
  return {};
}

}  // namespace lateen::repository
