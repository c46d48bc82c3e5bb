#include "sandbox/api/reader.h"

#include <charconv>
#include <chrono>
#include <utility>

#include "kube/object.h"
#include "sandbox/api/continue_token.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

namespace {

constexpr auto kBookmarkInterval = std::chrono::seconds(60);
constexpr std::size_t kEventsAtOnce = 256;
constexpr std::size_t kLookedAtOnce = 2000;

// An object that left the selector, told as deleted: its old state, at the revision of the change.
StoredPtr restamped(const StoredObject& object, std::uint64_t revision) {
  auto tree = parse_stored(object);
  if (!tree) return std::make_shared<const StoredObject>(object);
  return stamp(make_draft(*tree), revision);
}

constexpr std::string_view kContinueTooOld =
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder "
    "of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were "
    "created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list.";

ApiResult<StorePage> all_of(Result<StorePage> page) {
  if (!page) return std::move(page.error());
  return std::move(*page);
}

ApiError invalid_list_option(std::string_view kind, std::string_view why) {
  return invalid("meta.k8s.io", "ListOptions", "",
                 {{.reason = "FieldValueForbidden",
                   .message = "Forbidden: " + std::string(why),
                   .field = std::string(kind)}});
}

ApiStatus check_match(const ListOptions& options) {
  if (options.resource_version_match.empty()) return {};
  if (options.resource_version.empty()) {
    return invalid_list_option(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (!options.continue_token.empty()) {
    return invalid_list_option("resourceVersionMatch",
                               "resourceVersionMatch is forbidden when continue is provided");
  }
  const bool exact = options.resource_version_match == "Exact";
  if (exact && options.resource_version == "0") {
    return invalid_list_option(
        "resourceVersionMatch",
        "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"");
  }
  if (!exact && options.resource_version_match != "NotOlderThan") {
    return invalid("meta.k8s.io", "ListOptions", "",
                   {{.reason = "FieldValueNotSupported",
                     .message = fmt::format(
                         "Unsupported value: \"{}\": supported values: \"Exact\", \"NotOlderThan\"",
                         options.resource_version_match),
                     .field = "resourceVersionMatch"}});
  }
  return {};
}

}  // namespace

ApiResult<std::uint64_t> parse_resource_version(std::string_view text) {
  if (text.empty()) return std::uint64_t{0};
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) {
    return bad_request(fmt::format("Invalid value: \"{}\": resourceVersion: invalid value", text));
  }
  return number;
}

ApiResult<StoredPtr> Reader::get(const ServedType& type,
                                 std::string_view ns,
                                 std::string_view name) const {
  StoredPtr found = context_.store.find(type.storage_key, ns, name);
  if (!found) return not_found(type.group(), type.resource(), name);
  return found;
}

ApiResult<StoredList> Reader::list(const ServedType& type, const ListOptions& options) const {
  TRY(check_match(options));
  const Selection selection = TRY(Selection::parse(type.group(), type.resource(),
                                                   options.label_selector, options.field_selector));
  const std::uint64_t version = TRY(parse_resource_version(options.resource_version));
  const std::uint64_t current = context_.store.revision();
  const auto limit = static_cast<std::size_t>(options.limit > 0 ? options.limit : 0);
  ListRange range{.ns = options.ns, .revision = 0, .after = {}, .limit = 0};
  if (options.continue_token.empty()) {
    if (version > current) return too_large_resource_version(version, current);
    if (options.resource_version_match == "Exact") range.revision = version;
    return select(type, std::move(range), selection, limit);
  }
  if (version != 0)
    return bad_request("specifying resource version is not allowed when using continue");
  ContinueToken token = TRY(ContinueToken::decode(options.continue_token));
  if (!options.ns.empty() && !token.after.starts_with(options.ns + "/")) {
    return bad_request("continue key is not valid: it belongs to another list");
  }
  range.after = token.after;
  range.left = token.left;
  range.revision = token.revision < 0 ? 0 : static_cast<std::uint64_t>(token.revision);
  auto page = select(type, std::move(range), selection, limit);
  if (!page && page.error().is(Code::Gone)) {
    token.revision = -1;
    return expired(kContinueTooOld).with_continue_token(token.encode());
  }
  return page;
}

ApiResult<StorePage> Reader::select_some(const ServedType& type,
                                         ListRange range,
                                         const Selection& selection,
                                         std::size_t limit) const {
  range.limit = limit == 0 ? 0 : kLookedAtOnce;
  range.counts = false;
  StorePage out;
  while (true) {
    StorePage part = TRY(context_.store.list(type.storage_key, range));
    out.revision = part.revision;
    for (StoredPtr& object : part.objects) {
      if (!selection.matches(*object)) continue;
      if (limit != 0 && out.objects.size() == limit) {
        out.more = true;
        return out;
      }
      out.objects.push_back(std::move(object));
    }
    if (!part.more) return out;
    range.revision = part.revision;
    range.after = std::move(part.last_key);
  }
}

ApiResult<StoredList> Reader::select(const ServedType& type,
                                     ListRange range,
                                     const Selection& selection,
                                     std::size_t limit) const {
  const bool everything = selection.selects_everything();
  range.limit = limit;
  ApiResult<StorePage> page = everything ? all_of(context_.store.list(type.storage_key, range))
                                         : select_some(type, std::move(range), selection, limit);
  if (!page && page.error().is(Code::Gone)) {
    return expired("The resourceVersion for the provided list is too old.");
  }
  if (!page) return std::move(page.error());
  StoredList out{.objects = std::move(page->objects), .revision = page->revision};
  if (!page->more) return out;
  if (everything) out.remaining_item_count = static_cast<std::int64_t>(page->remaining);
  const StoredObject& last = *out.objects.back();
  out.continue_token = ContinueToken{.revision = static_cast<std::int64_t>(page->revision),
                                     .after = last.ns + "/" + last.name,
                                     .left = page->remaining}
                           .encode();
  return out;
}

ApiResult<std::unique_ptr<StoredWatch>> Reader::watch(const ServedType& type,
                                                      const WatchOptions& options) const {
  Selection selection = TRY(Selection::parse(type.group(), type.resource(), options.label_selector,
                                             options.field_selector));
  const std::uint64_t version = TRY(parse_resource_version(options.resource_version));
  const std::uint64_t current = context_.store.revision();
  if (version > current) return too_large_resource_version(version, current);
  auto watch =
      std::make_unique<StoredWatch>(context_.store, type.storage_key, options.ns, selection);
  watch->set_bookmarks(options.allow_bookmarks);
  if (version == 0 || options.send_initial_events) {
    StoredList present = TRY(select(type, {.ns = options.ns}, selection, 0));
    watch->begin(std::move(present.objects), present.revision, options.send_initial_events);
    return watch;
  }
  if (auto known = context_.store.check_watchable(type.storage_key, version); !known) {
    return expired(known.error().message());
  }
  watch->begin({}, version, false);
  return watch;
}

StoredWatch::StoredWatch(const Store& store,
                         std::string resource,
                         std::string ns,
                         Selection selection)
    : store_(store),
      resource_(std::move(resource)),
      ns_(std::move(ns)),
      selection_(std::move(selection)) {}

void StoredWatch::begin(std::vector<StoredPtr> present, std::uint64_t revision, bool mark_end) {
  present_ = std::move(present);
  revision_ = revision;
  mark_end_ = mark_end;
  next_bookmark_ = Deadline::after(kBookmarkInterval);
}

std::optional<StoredEvent> StoredWatch::take_present() {
  if (present_at_ < present_.size()) {
    return StoredEvent{.type = WatchEventType::Added, .object = std::move(present_[present_at_++])};
  }
  present_.clear();
  present_at_ = 0;
  if (!mark_end_) return std::nullopt;
  mark_end_ = false;
  return StoredEvent{.type = WatchEventType::Bookmark,
                     .object = nullptr,
                     .revision = revision_,
                     .initial_events_end = true};
}

std::optional<StoredEvent> StoredWatch::seen(const StoreEvent& event) const {
  if (!ns_.empty() && event.object->ns != ns_) return std::nullopt;
  const bool deleted = event.kind == StoreEvent::Kind::Deleted;
  const bool before = event.previous != nullptr && selection_.matches(*event.previous);
  const bool after = !deleted && selection_.matches(*event.object);
  if (!before && !after) return std::nullopt;
  if (after) {
    return StoredEvent{.type = before ? WatchEventType::Modified : WatchEventType::Added,
                       .object = event.object,
                       .revision = event.revision};
  }
  return StoredEvent{.type = WatchEventType::Deleted,
                     .object = deleted ? event.object : restamped(*event.previous, event.revision),
                     .revision = event.revision};
}

ApiResult<std::optional<StoredEvent>> StoredWatch::next(Deadline deadline, std::stop_token stop) {
  if (auto event = take_present()) return event;
  while (true) {
    while (events_at_ < events_.size()) {
      if (auto event = seen(events_[events_at_++])) return event;
    }
    if (stop.stop_requested()) return std::optional<StoredEvent>();
    const Deadline until = bookmarks_ ? deadline.earlier_of(next_bookmark_) : deadline;
    auto more = store_.events_after(resource_, revision_, kEventsAtOnce, until, stop);
    if (!more && more.error().is(Code::Gone)) return expired(more.error().message());
    if (!more) return std::move(more.error());
    events_ = std::move(more->events);
    events_at_ = 0;
    revision_ = more->revision;
    if (!events_.empty()) continue;
    if (bookmarks_ && next_bookmark_.expired()) {
      next_bookmark_ = Deadline::after(kBookmarkInterval);
      return std::optional<StoredEvent>(
          StoredEvent{.type = WatchEventType::Bookmark, .object = nullptr, .revision = revision_});
    }
    if (deadline.expired() || stop.stop_requested()) return std::optional<StoredEvent>();
  }
}

}  // namespace lateen::sandbox
