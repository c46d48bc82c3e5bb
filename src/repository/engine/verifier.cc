#include "repository/engine/verifier.h"

#include <algorithm>

#include "objects/range_reader.h"
#include "repository/engine/work_queue.h"

namespace lateen::repository {

namespace {

// Contents are opened together until they are so much, and hashed in lanes.
constexpr std::size_t kVerifiedTogether = 1_MiB;
constexpr std::size_t kGroupContents = 64;

struct Counters {
  std::atomic<std::uint64_t> packs = 0;
  std::atomic<std::uint64_t> contents = 0;
  std::atomic<ByteCount> bytes = 0;
  std::atomic<std::uint64_t> missing = 0;
  std::atomic<std::uint64_t> damaged = 0;
};

// Opens the contents of a stretch of a pack and hands over those that are what they should be.
class StretchReader {
 public:
  using Good = std::function<Status(const ContentEntry&, BytesView, Workspace&)>;
  using Bad = std::function<void(const ContentEntry&, const Error&)>;

  StretchReader(const ContentFormat& format, const Good& good, const Bad& bad)
      : format_(format), good_(good), bad_(bad) {}

  // `entries` lie, in order, in `stretch`, which begins at `start` of the pack. What is not
  // compressed is opened where it lies: `stretch` is written to.
  Status read(std::span<const ContentEntry> entries,
              std::span<char> stretch,
              std::uint64_t start,
              Worker& worker) {
    plain_ = &worker.opened;
    plain_->clear();
    std::uint64_t behind = 0;  // what was opened so far
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const ContentEntry& entry = entries[i];
      const std::uint64_t at = entry.offset - start;
      const std::uint64_t end = at + entry.packed_length;
      if (end > stretch.size()) {
        bad_(entry, Error(Code::Corrupt, "the pack ends before it"));
        continue;
      }
      // Two rows for the same bytes: the second one needs them as they were.
      const bool shared =
          at < behind || (i + 1 < entries.size() && entries[i + 1].offset - start < end);
      behind = std::max(behind, end);
      open(entry, stretch.subspan(at, entry.packed_length), shared, worker);
      if (is_enough()) TRY(finish(worker));
    }
    return finish(worker);
  }

 private:
  struct Opened {
    const ContentEntry* entry;
    const char* in_place;  // or null: in plain_
    std::size_t start;
    std::size_t length;
  };

  void open(const ContentEntry& entry, std::span<char> stored, bool shared, Worker& worker) {
    const BytesView bytes(stored.data(), stored.size());
    const std::size_t body = format_.body_offset();
    if (entry.codec == 0 && !shared && stored.size() > body) {
      Buffer place = Buffer::over(stored.subspan(body));
      const Status opened = format_.open(entry, bytes, worker.workspace, place);
      if (!opened) return bad_(entry, opened.error());
      LATEEN_ASSERT(place.data() == stored.data() + body, "opening makes no content longer");
      in_place_ += place.size();
      group_.push_back({&entry, place.data(), 0, place.size()});
      return;
    }
    const std::size_t before = plain_->size();
    const Status opened = format_.open(entry, bytes, worker.workspace, *plain_);
    if (!opened) {
      plain_->resize(before);
      return bad_(entry, opened.error());
    }
    group_.push_back({&entry, nullptr, before, plain_->size() - before});
  }

  // As many as fill the lanes; or as much as memory is there for.
  bool is_enough() const {
    if (plain_->size() >= kVerifiedTogether || group_.size() >= kGroupContents) return true;
    return in_place_ >= kVerifiedTogether && group_.size() >= format_.hash().lanes();
  }

  Status finish(Worker& worker) {
    std::vector<BytesView> texts;
    for (const Opened& o : group_) {
      texts.push_back(o.in_place != nullptr ? BytesView(o.in_place, o.length)
                                            : plain_->view(o.start, o.length));
    }
    std::vector<HashBytes> hashes(group_.size());
    format_.hash().hash_many(texts, hashes);
    for (std::size_t i = 0; i < group_.size(); ++i) {
      const ContentId& id = group_[i].entry->id;
      if (ContentId::of(id.prefix, hashes[i], id.size) == id) {
        TRY(good_(*group_[i].entry, texts[i], worker.workspace));
      } else {
        bad_(*group_[i].entry, Error(Code::Corrupt, "its bytes are not what its ID says"));
      }
    }
    group_.clear();
    plain_->clear();
    in_place_ = 0;
    return {};
  }

  const ContentFormat& format_;
  const Good good_;
  const Bad bad_;
  Buffer* plain_ = nullptr;
  std::size_t in_place_ = 0;
  std::vector<Opened> group_;
};

// An object, or a part of it, into the worker's memory.
Result<std::span<char>> fetch(objects::ObjectStore& store,
                              std::string_view key,
                              ByteCount offset,
                              ByteCount length,
                              Worker& worker,
                              const std::stop_token& stop) {
  worker.bytes.clear();
  worker.bytes.resize(objects::range_room(length));
  const std::span<char> room(worker.bytes.data(), worker.bytes.size());
  const BytesView got = TRY(objects::read_range(store, key, offset, length, room, stop));
  return room.subspan(static_cast<std::size_t>(got.data() - room.data()), got.size());
}

std::uint64_t end_of(const ContentEntry& entry) {
  return std::uint64_t{entry.offset} + entry.packed_length;
}

// What the index has in a pack.
struct PackOfIndex {
  std::uint64_t contents = 0;
  std::uint64_t end = 0;
  const ListedPack* listed = nullptr;
};

std::vector<PackOfIndex> packs_of_index(const ContentIndex& index,
                                        bool include_deleted,
                                        std::span<const ListedPack> listed) {
  std::vector<PackOfIndex> packs(index.packs().size());
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (entry.deleted && !include_deleted) continue;
    PackOfIndex& pack = packs[entry.pack];
    ++pack.contents;
    pack.end = std::max(pack.end, end_of(entry));
  }
  for (const ListedPack& one : listed) {
    const auto number = index.packs().find(one.name);
    if (number && *number < packs.size()) packs[*number].listed = &one;
  }
  return packs;
}

// The entries of some packs, in the order of the packs and where they lie in them.
std::vector<ContentEntry> entries_of(const ContentIndex& index,
                                     bool include_deleted,
                                     std::span<const std::uint32_t> packs) {
  std::vector<bool> wanted(index.packs().size());
  for (const std::uint32_t pack : packs)
    wanted[pack] = true;
  std::vector<ContentEntry> entries;
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if ((!entry.deleted || include_deleted) && wanted[entry.pack]) entries.push_back(entry);
  }
  std::ranges::sort(entries, {}, [](const ContentEntry& entry) {
    return std::uint64_t{entry.pack} << 32U | entry.offset;
  });
  return entries;
}

class PackVerifier {
 public:
  PackVerifier(const VerifyOptions& options,
               ContentReader& reader,
               const std::function<void(const ContentEntry&)>& damaged,
               Progress& progress)
      : options_(options), reader_(reader), damaged_(damaged), progress_(progress) {}

  // Whether a pack is there and as long as it should be; true if its contents are to be gone
  // through, to be read or named.
  bool look(std::string_view name, const PackOfIndex& pack) {
    ++counters_.packs;
    if (pack.listed == nullptr) {
      ++counters_.missing;
      progress_.problems.add(fmt::format("pack {}", name),
                             Error(Code::NotFound, "is named by the index but not there"));
      return true;
    }
    if (pack.listed->size < pack.end) {
      progress_.problems.add(fmt::format("pack {}", name),
                             Error(Code::Corrupt, "is {} bytes long, and the index names {} in it",
                                   pack.listed->size, pack.end));
      return true;
    }
    return is_chosen(name);
  }

  void verify(std::string_view name,
              const ListedPack* listed,
              std::span<const ContentEntry> entries,
              Worker& worker,
              const std::stop_token& stop) {
    if (listed != nullptr && is_chosen(name)) return read(name, *listed, entries, worker, stop);
    for (const ContentEntry& entry : entries) {
      if (listed == nullptr || end_of(entry) > listed->size) bad(name, entry, {});
    }
  }

  VerifyStats stats() const {
    return {.packs = counters_.packs,
            .contents = counters_.contents,
            .bytes = counters_.bytes,
            .missing_packs = counters_.missing,
            .damaged_contents = counters_.damaged};
  }

 private:
  bool is_chosen(std::string_view name) const {
    return options_.read_data && (!options_.choose || options_.choose(name));
  }

  void whole_pack(std::string_view name, std::span<const ContentEntry> entries, Error error) {
    progress_.problems.add(fmt::format("pack {}", name), std::move(error));
    for (const ContentEntry& entry : entries)
      bad(name, entry, {});
  }

  void bad(std::string_view name, const ContentEntry& entry, const std::optional<Error>& error) {
    ++counters_.damaged;
    if (error) {
      progress_.problems.add(
          fmt::format("pack {}", name),
          Error(*error).wrap("content {} at offset {}", entry.id.text(), entry.offset));
    }
    if (damaged_) damaged_(entry);
  }

  void read(std::string_view name,
            const ListedPack& listed,
            std::span<const ContentEntry> entries,
            Worker& worker,
            const std::stop_token& stop) {
    auto pack =
        fetch(reader_.store(), reader_.format().pack_key(name), 0, listed.size, worker, stop);
    if (!pack) {
      if (stop.stop_requested()) return;
      return whole_pack(name, entries, std::move(pack).error());
    }
    const StretchReader::Good good = [this](const ContentEntry& /*entry*/, BytesView plain,
                                            Workspace&) {
      ++counters_.contents;
      progress_.done_bytes += plain.size();
      return Status();
    };
    const StretchReader::Bad broken = [&](const ContentEntry& entry, const Error& error) {
      bad(name, entry, error);
    };
    // First, since contents are opened where they lie.
    std::vector<Error> wrong;
    reader_.format().check_pack(name, {pack->data(), pack->size()}, entries, worker.workspace,
                                wrong);
    // Good never fails.
    (void)StretchReader(reader_.format(), good, broken).read(entries, *pack, 0, worker);
    for (Error& error : wrong)
      progress_.problems.add(fmt::format("pack {}", name), std::move(error));
    counters_.bytes += pack->size();
  }

  const VerifyOptions& options_;
  ContentReader& reader_;
  const std::function<void(const ContentEntry&)>& damaged_;
  Progress& progress_;
  Counters counters_;
};

// `count` jobs on `threads` threads, each with a Worker, in order of their numbers.
Status for_each_job(
    std::size_t count,
    std::size_t threads,
    std::stop_token stop,
    const std::function<Status(std::size_t, Worker&, const std::stop_token&)>& job) {
  WorkQueue queue(threads);
  std::atomic<std::size_t> next = 0;
  for (std::size_t i = 0; i < std::min(threads, count); ++i) {
    queue.push(WorkQueue::Rank::File, [&](Worker& worker) {
      const std::stop_token stopping = queue.stop_token();
      while (!stopping.stop_requested()) {
        const std::size_t mine = next.fetch_add(1);
        if (mine >= count) return;
        Status done = job(mine, worker, stopping);
        if (!done) return queue.fail(std::move(done).error());
      }
    });
  }
  return queue.run(threads, std::move(stop));
}

// As many threads as whole packs and what is opened of them fit into the memory.
std::size_t threads_for(std::size_t asked, ByteCount memory, ByteCount each) {
  return std::clamp<std::size_t>(memory / std::max<ByteCount>(each, 1), 1, engine_threads(asked));
}

}  // namespace

Result<VerifyStats> verify_packs(const VerifyOptions& options,
                                 std::span<const ListedPack> listed,
                                 ContentReader& reader,
                                 const std::function<void(const ContentEntry&)>& damaged,
                                 Progress& progress,
                                 std::stop_token stop) {
  // The index is gone through for every so many contents, 30 MB of entries.
  constexpr std::uint64_t kContentsAtOnce = 500'000;
  const ContentIndex& index = reader.index();
  const auto packs = packs_of_index(index, options.include_deleted, listed);
  PackVerifier verifier(options, reader, damaged, progress);
  const std::size_t threads =
      threads_for(options.threads, options.memory, reader.format().pack_size());
  std::vector<std::uint32_t> chosen;
  std::uint64_t contents = 0;
  const auto verify_chosen = [&]() -> Status {
    const std::vector<ContentEntry> entries = entries_of(index, options.include_deleted, chosen);
    const auto job = [&](std::size_t i, Worker& worker, const std::stop_token& stopping) {
      const std::uint32_t pack = chosen[i];
      const auto own = std::ranges::equal_range(entries, pack, {}, &ContentEntry::pack);
      verifier.verify(index.packs().name(pack), packs[pack].listed, own, worker, stopping);
      return Status();
    };
    TRY(for_each_job(chosen.size(), threads, stop, job));
    chosen.clear();
    contents = 0;
    return {};
  };
  for (std::uint32_t pack = 0; pack < packs.size(); ++pack) {
    if (packs[pack].contents == 0 || !verifier.look(index.packs().name(pack), packs[pack]))
      continue;
    chosen.push_back(pack);
    contents += packs[pack].contents;
    if (contents >= kContentsAtOnce) TRY(verify_chosen());
  }
  TRY(verify_chosen());
  return verifier.stats();
}

Status read_contents(std::vector<ContentEntry> wanted,
                     ContentReader& reader,
                     const std::function<Status(const ContentEntry&, BytesView, Workspace&)>& use,
                     Progress& progress,
                     std::stop_token stop,
                     std::size_t threads,
                     ByteCount memory) {
  std::sort(wanted.begin(), wanted.end(), [](const ContentEntry& a, const ContentEntry& b) {
    return std::pair(a.pack, a.offset) < std::pair(b.pack, b.offset);
  });
  constexpr std::uint64_t kMaxGap = 256 * 1024;
  constexpr std::uint64_t kMaxStretch = 8 * 1024 * 1024;
  std::vector<std::pair<std::size_t, std::size_t>> stretches;
  for (std::size_t first = 0; first < wanted.size();) {
    std::uint64_t end = std::uint64_t{wanted[first].offset} + wanted[first].packed_length;
    std::size_t last = first + 1;
    for (; last < wanted.size() && wanted[last].pack == wanted[first].pack; ++last) {
      const std::uint64_t next = std::uint64_t{wanted[last].offset} + wanted[last].packed_length;
      if (wanted[last].offset > end + kMaxGap || next - wanted[first].offset > kMaxStretch) break;
      end = std::max(end, next);
    }
    stretches.emplace_back(first, last);
    first = last;
  }
  return for_each_job(
      stretches.size(), threads_for(threads, memory, 2 * kMaxStretch), std::move(stop),
      [&](std::size_t i, Worker& worker, const std::stop_token& stopping) -> Status {
        const auto [first, last] = stretches[i];
        const std::span<const ContentEntry> entries(wanted.data() + first, last - first);
        const std::string_view name = reader.index().packs().name(entries[0].pack);
        std::uint64_t end = 0;
        for (const ContentEntry& entry : entries) {
          end = std::max(end, std::uint64_t{entry.offset} + entry.packed_length);
        }
        const auto bad = [&](const ContentEntry& entry, const Error& error) {
          progress.problems.add(fmt::format("pack {}", name),
                                Error(error).wrap("content {}", entry.id.text()));
        };
        auto bytes = fetch(reader.store(), reader.format().pack_key(name), entries[0].offset,
                           end - entries[0].offset, worker, stopping);
        if (!bytes) {
          if (stopping.stop_requested()) return {};
          for (const ContentEntry& entry : entries)
            bad(entry, bytes.error());
          return {};
        }
        return StretchReader(reader.format(), use, bad)
            .read(entries, *bytes, entries[0].offset, worker);
      });
}

}  // namespace lateen::repository
