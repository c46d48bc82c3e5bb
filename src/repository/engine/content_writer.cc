#include "repository/engine/content_writer.h"

#include <array>
#include <set>
#include <unordered_set>

#include "base/thread.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/pack_queue.h"

namespace lateen::repository {

namespace {

// Contents that are on their way into a pack. Thread-safe.
class PendingSet {
 public:
  // False if it was there.
  bool insert(const ContentId& id) {
    Shard& shard = shards_[id.hash[1] % kShards];
    Lock lock(shard.mu);
    return shard.ids.insert(id).second;
  }

  void erase(const ContentId& id) {
    Shard& shard = shards_[id.hash[1] % kShards];
    Lock lock(shard.mu);
    shard.ids.erase(id);
  }

 private:
  static constexpr std::size_t kShards = 16;

  struct Shard {
    Mutex mu;
    std::unordered_set<ContentId, ContentIdHash> ids LATEEN_GUARDED_BY(mu);
  };

  std::array<Shard, kShards> shards_;
};

// The calls that are adding something. A content may be on its way by one call while another is
// told that it is known: whoever must have it stored waits for both. Thread-safe.
class OpenCalls {
 public:
  class Call {
   public:
    explicit Call(OpenCalls& calls) : calls_(calls), number_(calls.begin()) {}

    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    ~Call() { calls_.end(number_); }

   private:
    OpenCalls& calls_;
    const std::uint64_t number_;
  };

  // All that have begun by now have ended when this is true; it was told to stop otherwise.
  bool wait(std::stop_token stop) {
    Lock lock(mu_);
    const std::uint64_t limit = next_;
    return changed_.wait(mu_, Deadline::never(), std::move(stop),
                         [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
                           return open_.empty() || *open_.begin() >= limit;
                         });
  }

 private:
  std::uint64_t begin() {
    Lock lock(mu_);
    open_.insert(open_.end(), next_);
    return next_++;
  }

  void end(std::uint64_t number) {
    Lock lock(mu_);
    open_.erase(number);
    changed_.notify_all();
  }

  Mutex mu_;
  Condition changed_;
  std::uint64_t next_ LATEEN_GUARDED_BY(mu_) = 0;
  std::set<std::uint64_t> open_ LATEEN_GUARDED_BY(mu_);
};

// Contents sealed and verified together: many small ones, or one large.
constexpr std::size_t kGroupBytes = 1_MiB;

}  // namespace

class ContentWriter::Packing {
 public:
  Packing(objects::ObjectStore& store,
          const ContentFormat& format,
          PackSession& session,
          ContentIndex& index,
          const ContentWriterOptions& options)
      : format_(format),
        session_(session),
        index_(index),
        options_(options),
        queue_(store,
               format,
               session,
               index.packs(),
               options_,
               counters_,
               [this](std::vector<ContentEntry> entries, std::stop_token stop) {
                 return on_stored(std::move(entries), std::move(stop));
               }) {}

  struct New {
    std::size_t which;  // of the texts
    ContentEntry entry;
    std::size_t sealed_at = 0;
  };

  Status add_many(std::uint8_t prefix,
                  std::span<const BytesView> plain,
                  std::span<ContentId> ids,
                  const Codec* codec,
                  Workspace& workspace) {
    const OpenCalls::Call call(calls_);
    const std::size_t hash_size = format_.hash().size();
    if (plain.size() == 1) {
      ids[0] = ContentId::of(prefix, format_.hash().hash(plain[0]), hash_size);
    } else {
      std::vector<HashBytes> hashes(plain.size());
      format_.hash().hash_many(plain, hashes);
      for (std::size_t i = 0; i < plain.size(); ++i) {
        ids[i] = ContentId::of(prefix, hashes[i], hash_size);
      }
    }
    if (const auto failure = queue_.failure()) return *failure;
    std::vector<New> group;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      auto fresh = claim(ids[i]);
      if (!fresh) continue;
      fresh->which = i;
      fresh->entry.length = static_cast<std::uint32_t>(plain[i].size());
      group.push_back(*fresh);
      bytes += plain[i].size();
      if (bytes >= kGroupBytes) {
        TRY(store_group(group, plain, codec, workspace));
        group.clear();
        bytes = 0;
      }
    }
    return store_group(group, plain, codec, workspace);
  }

  // Sealed one after the other, each into its pack at once, where it is held until all have been
  // opened and hashed again.
  Status add_pieces(std::uint8_t prefix,
                    std::span<const std::span<char>> pieces,
                    std::span<ContentId> ids,
                    Workspace& workspace) {
    const OpenCalls::Call call(calls_);
    std::vector<BytesView> texts;
    for (const auto& piece : pieces)
      texts.emplace_back(piece.data(), piece.size());
    std::vector<HashBytes> hashes(pieces.size());
    format_.hash().hash_many(texts, hashes);
    if (const auto failure = queue_.failure()) return *failure;
    HeldPieces held;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ids[i] = ContentId::of(prefix, hashes[i], format_.hash().size());
      const auto fresh = claim(ids[i]);
      if (!fresh) continue;
      New content = *fresh;
      content.which = i;
      content.entry.length = static_cast<std::uint32_t>(pieces[i].size());
      Status added = add_held(content, pieces[i], held, workspace);
      if (!added) return fail_held(held, std::move(added).error());
    }
    return release_held(held);
  }

  Status add_again(const ContentEntry& entry, BytesView plain, Workspace& workspace) {
    const OpenCalls::Call call(calls_);
    const HashBytes hash = format_.hash().hash(plain);
    if (ContentId::of(entry.id.prefix, hash, format_.hash().size()) != entry.id) {
      return Error(Code::Corrupt, "content {} is not what its ID says", entry.id.text());
    }
    if (!pending_.insert(entry.id)) return {};
    std::vector<New> group(1);
    group[0].entry.id = entry.id;
    group[0].entry.length = static_cast<std::uint32_t>(plain.size());
    group[0].entry.time = session_.entry_time(&entry);
    return store_group(group, {&plain, 1}, nullptr, workspace);
  }

  Status add_entry(const ContentEntry& entry) {
    {
      Lock lock(mu_);
      unindexed_.push_back(entry);
    }
    index_.add({&entry, 1});
    return {};
  }

  Status flush(std::stop_token stop) {
    if (!calls_.wait(stop)) return Error(Code::Canceled, "told to stop");
    TRY(queue_.drain(stop));
    if (auto failure = queue_.failure()) return std::move(*failure);
    Lock storing(index_mu_);
    return store_index(0, std::move(stop));
  }

  const WriteCounters& counters() const { return counters_; }

 private:
  // Pieces in packs that wait for being verified.
  struct HeldPieces {
    std::vector<New> contents = {};
    std::vector<BytesView> opened = {};
    std::vector<PackQueue::Hold> holds = {};
  };

  Status add_held(New content, std::span<char> piece, HeldPieces& held, Workspace& workspace) {
    const PackKind kind = format_.kind_of(content.entry.id);
    const BytesView plain(piece.data(), piece.size());
    workspace.sealed.clear();
    const SealedForm form =
        TRY(format_.seal(content.entry.id, plain,
                         kind == PackKind::Data ? options_.data_codec : options_.metadata_codec,
                         workspace, workspace.sealed));
    content.entry.codec = form.codec;
    content.entry.version = form.version;
    content.entry.packed_length = static_cast<std::uint32_t>(workspace.sealed.size());
    if (options_.verify) {
      Buffer opened = Buffer::over(piece);
      TRY(format_.open(content.entry, workspace.sealed.view(), workspace, opened)
              .wrap("opening what was just sealed as {}", content.entry.id.text()));
      const bool in_place = opened.data() == piece.data() && opened.size() == piece.size();
      if (!in_place) return faulty(content.entry.id);
    }
    const SealedContent sealed{.entry = content.entry, .bytes = workspace.sealed.view()};
    auto hold = TRY(queue_.append_held(kind, sealed, held.holds.empty()));
    if (!hold) {
      TRY(release_held(held));
      hold = TRY(queue_.append_held(kind, sealed, true));
    }
    held.holds.push_back(*hold);
    held.contents.push_back(content);
    held.opened.push_back(plain);
    count(kind, {&content, 1});
    return {};
  }

  // Their packs may go if every one is what its ID says; otherwise none ever will.
  Status release_held(HeldPieces& held) {
    if (options_.verify) {
      std::vector<HashBytes> hashes(held.opened.size());
      format_.hash().hash_many(held.opened, hashes);
      for (std::size_t i = 0; i < hashes.size(); ++i) {
        const ContentId& id = held.contents[i].entry.id;
        if (ContentId::of(id.prefix, hashes[i], id.size) != id) return fail_held(held, faulty(id));
      }
    }
    for (const PackQueue::Hold& hold : held.holds)
      queue_.release(hold);
    held = {};
    return {};
  }

  Error fail_held(HeldPieces& held, Error error) {
    queue_.fail(error);
    for (const PackQueue::Hold& hold : held.holds)
      queue_.release(hold);
    held = {};
    return error;
  }

  // A content that is neither stored nor on its way is ours to store.
  std::optional<New> claim(const ContentId& id) {
    const auto known = index_.find(id);
    if (known && !known->deleted) return std::nullopt;
    if (!pending_.insert(id)) return std::nullopt;
    // Another thread may have stored it between the two questions.
    const auto again = known ? index_.find(id) : std::optional<ContentEntry>();
    if (!known && index_.has_live(id)) {
      pending_.erase(id);
      return std::nullopt;
    }
    New fresh{.which = 0, .entry = {.id = id}};
    fresh.entry.time = session_.entry_time(again ? &*again : nullptr);
    return fresh;
  }

  // What was claimed and cannot be stored must not be taken for stored by others: nothing goes on.
  Status store_group(std::span<New> group,
                     std::span<const BytesView> plain,
                     const Codec* codec,
                     Workspace& workspace) {
    Status stored = seal_and_pack(group, plain, codec, workspace);
    if (!stored) queue_.fail(stored.error());
    return stored;
  }

  // Seals all, opens what was sealed, hashes that, and only then packs it.
  Status seal_and_pack(std::span<New> group,
                       std::span<const BytesView> plain,
                       const Codec* codec,
                       Workspace& workspace) {
    if (group.empty()) return {};
    const PackKind kind = format_.kind_of(group[0].entry.id);
    const Codec chosen = codec != nullptr         ? *codec
                         : kind == PackKind::Data ? options_.data_codec
                                                  : options_.metadata_codec;
    workspace.sealed.clear();
    for (New& content : group) {
      content.sealed_at = workspace.sealed.size();
      const SealedForm form = TRY(format_.seal(content.entry.id, plain[content.which], chosen,
                                               workspace, workspace.sealed));
      content.entry.codec = form.codec;
      content.entry.version = form.version;
      content.entry.packed_length =
          static_cast<std::uint32_t>(workspace.sealed.size() - content.sealed_at);
    }
    if (options_.verify) TRY(verify(group, workspace));
    std::vector<SealedContent> sealed;
    sealed.reserve(group.size());
    for (const New& content : group) {
      sealed.push_back(
          {.entry = content.entry,
           .bytes = workspace.sealed.view(content.sealed_at, content.entry.packed_length)});
    }
    TRY(queue_.append(kind, sealed));
    count(kind, group);
    return {};
  }

  Status verify(std::span<const New> group, Workspace& workspace) const {
    workspace.plain.clear();
    for (const New& content : group) {
      const BytesView stored =
          workspace.sealed.view(content.sealed_at, content.entry.packed_length);
      TRY(format_.open(content.entry, stored, workspace, workspace.plain)
              .wrap("opening what was just sealed as {}", content.entry.id.text()));
    }
    std::vector<BytesView> opened;
    std::size_t at = 0;
    for (const New& content : group) {
      if (at + content.entry.length > workspace.plain.size()) return faulty(content.entry.id);
      opened.push_back(workspace.plain.view(at, content.entry.length));
      at += content.entry.length;
    }
    std::vector<HashBytes> hashes(group.size());
    format_.hash().hash_many(opened, hashes);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const ContentId& id = group[i].entry.id;
      if (ContentId::of(id.prefix, hashes[i], id.size) != id) return faulty(id);
    }
    return {};
  }

  static Error faulty(const ContentId& id) {
    return Error(Code::Internal, "content {} came out of encryption as something else", id.text())
        .with_hint("Memory or processor of this machine are faulty; nothing wrong was stored.");
  }

  void count(PackKind kind, std::span<const New> group) {
    for (const New& content : group) {
      counters_.packed_bytes += content.entry.packed_length;
      if (kind == PackKind::Data) {
        ++counters_.data_contents;
        counters_.data_bytes += content.entry.length;
      } else {
        ++counters_.metadata_contents;
        counters_.metadata_bytes += content.entry.length;
      }
    }
  }

  Status on_stored(std::vector<ContentEntry> entries, std::stop_token stop) {
    index_.add(entries);
    for (const ContentEntry& entry : entries)
      pending_.erase(entry.id);
    {
      Lock lock(mu_);
      unindexed_.insert(unindexed_.end(), entries.begin(), entries.end());
    }
    Lock storing(index_mu_);
    return store_index(session_.index_batch(), std::move(stop));
  }

  // Hands over what waits, if it is at least so many.
  Status store_index(std::size_t at_least, std::stop_token stop) LATEEN_REQUIRES(index_mu_) {
    std::vector<ContentEntry> batch;
    {
      Lock lock(mu_);
      if (unindexed_.empty() || unindexed_.size() < at_least) return {};
      batch.swap(unindexed_);
    }
    if (options_.dry_run) return {};
    Status stored = session_.store_index(batch, index_.packs(), std::move(stop));
    if (!stored) {
      // They still wait: a later flush() that succeeds has indexed everything.
      Lock lock(mu_);
      unindexed_.insert(unindexed_.end(), batch.begin(), batch.end());
    }
    return stored;
  }

  const ContentFormat& format_;
  PackSession& session_;
  ContentIndex& index_;
  const ContentWriterOptions options_;
  WriteCounters counters_;
  PendingSet pending_;
  OpenCalls calls_;
  Mutex mu_;
  std::vector<ContentEntry> unindexed_ LATEEN_GUARDED_BY(mu_);
  Mutex index_mu_;   // one store_index() at a time
  PackQueue queue_;  // last: its threads use all of the above
};

ContentWriter::ContentWriter(objects::ObjectStore& store,
                             const ContentFormat& format,
                             PackSession& session,
                             ContentIndex& index,
                             const ContentWriterOptions& options)
    : packing_(std::make_unique<Packing>(store, format, session, index, options)) {}

ContentWriter::~ContentWriter() = default;

Result<ContentId> ContentWriter::add(std::uint8_t prefix, BytesView plain, Workspace& workspace) {
  ContentId id;
  TRY(packing_->add_many(prefix, {&plain, 1}, {&id, 1}, nullptr, workspace));
  return id;
}

Status ContentWriter::add_many(std::uint8_t prefix,
                               std::span<const BytesView> plain,
                               std::span<ContentId> ids,
                               Workspace& workspace) {
  return packing_->add_many(prefix, plain, ids, nullptr, workspace);
}

Status ContentWriter::add_pieces(std::uint8_t prefix,
                                 std::span<const std::span<char>> pieces,
                                 std::span<ContentId> ids,
                                 Workspace& workspace) {
  return packing_->add_pieces(prefix, pieces, ids, workspace);
}

Result<ContentId> ContentWriter::add_with(std::uint8_t prefix,
                                          BytesView plain,
                                          Codec codec,
                                          Workspace& workspace) {
  ContentId id;
  TRY(packing_->add_many(prefix, {&plain, 1}, {&id, 1}, &codec, workspace));
  return id;
}

Status ContentWriter::add_again(const ContentEntry& entry, BytesView plain, Workspace& workspace) {
  return packing_->add_again(entry, plain, workspace);
}

Status ContentWriter::add_entry(const ContentEntry& entry) {
  return packing_->add_entry(entry);
}

Status ContentWriter::flush(std::stop_token stop) {
  return packing_->flush(std::move(stop));
}

Status ContentWriter::checkpoint(std::stop_token stop) {
  return packing_->flush(std::move(stop));
}

const WriteCounters& ContentWriter::counters() const {
  return packing_->counters();
}

}  // namespace lateen::repository
