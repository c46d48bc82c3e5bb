#include "repository/engine/content_reader.h"

#include <list>
#include <map>

#include "base/thread.h"

namespace lateen::repository {

// Aligned pieces of metadata packs, the least recently used of which go first. A piece that is
// being fetched is waited for, not fetched twice. Thread-safe.
class ContentReader::Windows {
 public:
  Windows(objects::ObjectStore& store, const ContentReaderOptions& options)
      : store_(options.metadata != nullptr ? *options.metadata : store),
        size_(std::max<ByteCount>(options.window, 4096)),
        max_(std::max<std::size_t>(2, options.window_memory / size_)) {}

  // Appends `length` bytes from `offset` of the object; fewer if it ends before.
  Status read(const std::string& key,
              std::uint32_t pack,
              ByteCount offset,
              ByteCount length,
              Buffer& out,
              const std::stop_token& stop) {
    const ByteCount end = offset + length;
    for (ByteCount at = offset / size_ * size_; at < end; at += size_) {
      const std::shared_ptr<const Bytes> piece = TRY(window(key, {pack, at}, stop));
      const ByteCount from = std::max(offset, at) - at;
      const ByteCount to = std::min<ByteCount>(std::min(end, at + size_) - at, piece->size());
      if (from < to) out.append(BytesView(*piece).substr(from, to - from));
    }
    return {};
  }

 private:
  using Place = std::pair<std::uint32_t, ByteCount>;

  struct Window {
    std::shared_ptr<const Bytes> bytes = {};  // none while it is being fetched
    std::list<Place>::iterator used = {};
  };

  Result<std::shared_ptr<const Bytes>> window(const std::string& key,
                                              Place place,
                                              const std::stop_token& stop) {
    {
      Lock lock(mu_);
      if (auto bytes = wait_for(place, stop)) return bytes;
      if (stop.stop_requested()) return Error(Code::Canceled, "told to stop");
      windows_[place] = {};
    }
    auto fetched = store_.get_range(key, place.second, size_, stop);
    Lock lock(mu_);
    changed_.notify_all();
    if (!fetched) {
      windows_.erase(place);
      return std::move(fetched).error();
    }
    auto bytes = std::make_shared<const Bytes>(std::move(*fetched));
    used_.push_front(place);
    windows_[place] = {.bytes = bytes, .used = used_.begin()};
    while (used_.size() > max_) {
      windows_.erase(used_.back());
      used_.pop_back();
    }
    return std::shared_ptr<const Bytes>(std::move(bytes));
  }

  // What is there, or is on its way; nothing if the caller is to fetch it.
  std::shared_ptr<const Bytes> wait_for(Place place, const std::stop_token& stop)
      LATEEN_REQUIRES(mu_) {
    changed_.wait(mu_, Deadline::never(), stop, [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
      const auto found = windows_.find(place);
      return found == windows_.end() || found->second.bytes != nullptr;
    });
    const auto found = windows_.find(place);
    if (found == windows_.end() || found->second.bytes == nullptr) return nullptr;
    used_.splice(used_.begin(), used_, found->second.used);
    return found->second.bytes;
  }

  objects::ObjectStore& store_;
  const ByteCount size_;
  const std::size_t max_;
  Mutex mu_;
  Condition changed_;
  std::map<Place, Window> windows_ LATEEN_GUARDED_BY(mu_);
  std::list<Place> used_ LATEEN_GUARDED_BY(mu_);
};

ContentReader::ContentReader(objects::ObjectStore& store,
                             const ContentFormat& format,
                             const ContentIndex& index,
                             const ContentReaderOptions& options)
    : store_(store),
      format_(format),
      index_(index),
      windows_(std::make_unique<Windows>(store, options)) {}

ContentReader::~ContentReader() = default;

Status ContentReader::read(const ContentId& id,
                           Workspace& workspace,
                           Buffer& out,
                           std::stop_token stop) {
  const auto entry = index_.find(id);
  if (!entry) return Error(Code::NotFound, "content {} is in no index", id.text());
  const std::string_view pack = index_.packs().name(entry->pack);
  const std::string key = format_.pack_key(pack);
  if (format_.kind_of(id) == PackKind::Data) {
    const Bytes stored =
        TRY(store_.get_range(key, entry->offset, entry->packed_length, std::move(stop))
                .wrap("reading content {} of pack {}", id.text(), pack));
    return open_content(format_, *entry, pack, stored, workspace, out);
  }
  Buffer stored;
  TRY(windows_->read(key, entry->pack, entry->offset, entry->packed_length, stored, stop)
          .wrap("reading content {} of pack {}", id.text(), pack));
  return open_content(format_, *entry, pack, stored.view(), workspace, out);
}

Result<Bytes> ContentReader::read(const ContentId& id, Workspace& workspace, std::stop_token stop) {
  Buffer out;
  TRY(read(id, workspace, out, std::move(stop)));
  return Bytes(out.view());
}

Status open_content(const ContentFormat& format,
                    const ContentEntry& entry,
                    std::string_view pack_name,
                    BytesView stored,
                    Workspace& workspace,
                    Buffer& out) {
  const std::size_t start = out.size();
  const auto damaged = [&](std::string_view why) {
    out.resize(start);
    return Error(Code::Corrupt, "content {} at offset {} of pack {}: {}", entry.id.text(),
                 entry.offset, pack_name, why);
  };
  if (stored.size() != entry.packed_length) return damaged("the pack ends before it");
  const Status opened = format.open(entry, stored, workspace, out);
  if (!opened) return damaged(opened.error().message());
  const BytesView plain = out.view(start, out.size() - start);
  const ContentId id =
      ContentId::of(entry.id.prefix, format.hash().hash(plain), format.hash().size());
  if (id != entry.id) return damaged("its bytes are not what its ID says");
  return {};
}

}  // namespace lateen::repository
