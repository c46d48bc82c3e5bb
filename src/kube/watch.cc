#include "kube/watch.h"

#include "base/text.h"
#include "kube/object.h"

namespace lateen::kube {
namespace {

// No object may be larger than etcd's 1.5 MiB; managedFields and escapes are generously within
// this.
constexpr std::size_t kMaxEventSize = 64_MiB;

Result<EventType> parse_event_type(std::string_view word) {
  if (word == "ADDED") return EventType::Added;
  if (word == "MODIFIED") return EventType::Modified;
  if (word == "DELETED") return EventType::Deleted;
  if (word == "BOOKMARK") return EventType::Bookmark;
  return Error(Code::Corrupt, "a watch event of unknown type \"{}\"", word);
}

}  // namespace

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::Added:
      return "ADDED";
    case EventType::Modified:
      return "MODIFIED";
    case EventType::Deleted:
      return "DELETED";
    case EventType::Bookmark:
      return "BOOKMARK";
  }
  return "";
}

Watch::Watch(Key, std::unique_ptr<net::HttpStream> stream, std::string resource_version)
    : stream_(std::move(stream)), resource_version_(std::move(resource_version)) {}

Result<std::unique_ptr<Watch>> Watch::open(Client& client,
                                           const ObjectPath& collection,
                                           const WatchOptions& options,
                                           std::stop_token stop) {
  GetOptions get;
  get.query.emplace_back("watch", "true");
  if (options.bookmarks) get.query.emplace_back("allowWatchBookmarks", "true");
  if (!options.label_selector.empty())
    get.query.emplace_back("labelSelector", options.label_selector);
  if (!options.field_selector.empty())
    get.query.emplace_back("fieldSelector", options.field_selector);
  get.query.emplace_back("timeoutSeconds", std::to_string(options.timeout.count()));
  get.resource_version = options.resource_version;
  get.deadline = options.connect_deadline;
  auto stream = client.open_stream(collection.collection().url_path(), get, stop);
  if (!stream) return std::move(stream).error().wrap("watching {}", collection.describe());
  return std::make_unique<Watch>(Key{}, *std::move(stream), options.resource_version);
}

Result<std::optional<WatchEvent>> Watch::next(Deadline deadline, std::stop_token stop) {
  while (true) {
    const std::size_t newline = buffer_.find('\n', scanned_);
    if (newline != std::string::npos) {
      const std::string_view line =
          trim(std::string_view(buffer_).substr(consumed_, newline - consumed_));
      consumed_ = newline + 1;
      scanned_ = consumed_;
      if (line.empty()) continue;
      return parse_line(line);
    }
    scanned_ = buffer_.size();
    if (ended_) break;
    TRY(read_more(deadline, stop));
  }
  if (!trim(std::string_view(buffer_).substr(consumed_)).empty()) {
    return Error(Code::Unavailable, "the watch broke off in the middle of an event")
        .with_retryable(true);
  }
  return std::optional<WatchEvent>();
}

Status Watch::read_more(Deadline deadline, std::stop_token stop) {
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    scanned_ -= consumed_;
    consumed_ = 0;
  }
  if (buffer_.size() > kMaxEventSize) {
    return Error(Code::Corrupt, "a watch event is longer than {} bytes", kMaxEventSize);
  }
  std::optional<Bytes> part = TRY(stream_->read(deadline, stop));
  if (!part) {
    ended_ = true;
  } else {
    buffer_ += *part;
  }
  return {};
}

Result<std::optional<WatchEvent>> Watch::parse_line(std::string_view line) {
  auto parsed = parse_json(line);
  if (!parsed)
    return std::move(parsed).error().wrap("reading a watch event").with_code(Code::Corrupt);
  Json* object = parsed->is_object() ? parsed->as_object().if_contains("object") : nullptr;
  if (object == nullptr) return Error(Code::Corrupt, "a watch event has no object");
  const std::string_view type = string_at(*parsed, "type");
  if (type == "ERROR") return to_error(parse_status(*object));
  WatchEvent event;
  event.type = TRY(parse_event_type(type));
  event.object = std::move(*object);
  if (const std::string_view version = resource_version_of(event.object); !version.empty()) {
    resource_version_ = version;
  }
  return std::optional<WatchEvent>(std::move(event));
}

}  // namespace lateen::kube
