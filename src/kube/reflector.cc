#include <algorithm>

#include "base/random.h"
#include "kube/list.h"
#include "kube/watch.h"

namespace lateen::kube {
namespace {

using std::chrono::seconds;

// A server that ends watches at once must not be asked in a tight loop.
constexpr seconds kShortWatch{1};

// Past the server's own timeout the connection is dead, whatever TCP believes.
constexpr seconds kSilence{30};

// Exponential, with jitter, forgotten after a success. Not thread-safe.
class Backoff {
 public:
  Backoff(Duration initial, Duration max) : initial_(initial), max_(max), next_(initial) {}

  // False if told to stop.
  bool wait(std::stop_token stop) {
    const auto jitter = std::chrono::nanoseconds(static_cast<std::int64_t>(random_below(
        rng_, static_cast<std::uint64_t>(std::max<Duration>(next_, Duration(1)).count()))));
    const Duration now = next_ + jitter;
    next_ = std::min(next_ * 2, max_);
    return sleep_unless_stopped(now, stop);
  }

  void reset() { next_ = initial_; }

 private:
  const Duration initial_;
  const Duration max_;
  Duration next_;
  SystemRng rng_;
};

// One run of run_reflector. Not thread-safe.
class Reflection {
 public:
  Reflection(Client& client,
             const ObjectPath& collection,
             const ReflectorOptions& options,
             ReflectorHandler& handler)
      : client_(client),
        collection_(collection),
        options_(options),
        handler_(handler),
        backoff_(options.backoff_initial, options.backoff_max) {}

  Status run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (!list(stop)) {
        if (!backoff_.wait(stop)) break;
        continue;
      }
      follow(stop);
    }
    return Error(Code::Canceled, "no longer watching {}", collection_.describe());
  }

 private:
  // A whole state from one snapshot; false after on_error.
  bool list(std::stop_token stop) {
    ListPager pager(client_, collection_,
                    {.label_selector = options_.label_selector,
                     .field_selector = options_.field_selector,
                     .page_size = options_.page_size,
                     .on_expired = OnExpired::Fail});
    std::vector<Json> objects;
    while (true) {
      auto page = pager.next(stop);
      if (page && !*page) break;
      const Status kept = page ? keep(**page, objects) : Status(std::move(page).error());
      if (!kept) {
        if (!stop.stop_requested()) handler_.on_error(kept.error());
        return false;
      }
    }
    version_ = pager.resource_version();
    handler_.on_replace(std::move(objects));
    return true;
  }

  static Status keep(const ListPage& page, std::vector<Json>& objects) {
    for (const ObjectSlice& item : page.items())
      objects.push_back(TRY(parse_json(page.typed(item))));
    return {};
  }

  // Watches from version_, again and again, until that version is too old or we are told to stop.
  void follow(std::stop_token stop) {
    while (!stop.stop_requested()) {
      const auto started = monotonic_now();
      const Status watched = watch_once(stop);
      if (stop.stop_requested()) return;
      if (!watched && watched.error().is(Code::Gone)) return;
      if (!watched) {
        handler_.on_error(watched.error());
        // A refusal that no waiting mends for this version: begin anew.
        if (watched.error().is(Code::InvalidArgument)) {
          backoff_.wait(stop);
          return;
        }
      }
      const bool short_lived = monotonic_now() - started < kShortWatch;
      if ((!watched || short_lived) && !backoff_.wait(stop)) return;
    }
  }

  Status watch_once(std::stop_token stop) {
    const auto spread =
        static_cast<std::uint64_t>(std::max<std::int64_t>(options_.watch_timeout.count(), 1));
    const seconds timeout =
        options_.watch_timeout + seconds(static_cast<std::int64_t>(random_below(rng_, spread)));
    const auto watch = TRY(Watch::open(client_, collection_,
                                       {.label_selector = options_.label_selector,
                                        .field_selector = options_.field_selector,
                                        .resource_version = version_,
                                        .bookmarks = true,
                                        .timeout = timeout,
                                        .connect_deadline = std::nullopt},
                                       stop));
    const Deadline silence = Deadline::after(timeout + kSilence);
    while (true) {
      std::optional<WatchEvent> event = TRY(watch->next(silence, stop));
      if (!event) return {};
      version_ = watch->resource_version();
      backoff_.reset();
      if (event->type != EventType::Bookmark) handler_.on_event(*std::move(event));
    }
  }

  Client& client_;
  const ObjectPath& collection_;
  const ReflectorOptions& options_;
  ReflectorHandler& handler_;
  Backoff backoff_;
  SystemRng rng_;
  std::string version_;
};

}  // namespace

Status run_reflector(Client& client,
                     const ObjectPath& collection,
                     const ReflectorOptions& options,
                     ReflectorHandler& handler,
                     std::stop_token stop) {
  return Reflection(client, collection, options, handler).run(stop);
}

}  // namespace lateen::kube
