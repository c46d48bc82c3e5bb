#include "server/announcer.h"

#include <deque>
#include <thread>

#include "base/thread.h"
#include "kube/object.h"

namespace lateen::server {
namespace {

// Some hundred bytes each. A server that makes more than so many at once is not read by anybody.
constexpr std::size_t kMostWaiting = 1'000;

// How long what waits may take when the server stops.
constexpr std::chrono::seconds kAtTheEnd{3};

// An occurrence, or an object to look at for one.
struct News {
  Occurrence occurrence = {};
  std::string plural = {};
  std::string name = {};
  std::string before = {};
};

class ThreadedAnnouncer final : public Announcer {
 public:
  ThreadedAnnouncer(const ServerContext& context, Notifier* notifier)
      : context_(context),
        notifier_(notifier),
        recorder_(context.client(), "velero", context.clock),
        thread_([this](std::stop_token stop) { work(stop); }) {}

  // What has just happened is still told, if the API server answers in time.
  ~ThreadedAnnouncer() override {
    thread_.request_stop();
    {
      const Lock lock(mu_);
      if (!changed_.wait(mu_, Deadline::after(kAtTheEnd), {},
                         [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return done_; })) {
        late_.request_stop();
      }
    }
    thread_.join();
  }

  ThreadedAnnouncer(const ThreadedAnnouncer&) = delete;
  ThreadedAnnouncer& operator=(const ThreadedAnnouncer&) = delete;

  void changed(std::string_view plural, const kube::Change& change) override {
    // What was there when we began to look, or is gone, is no news.
    if (!change.before || !change.after) return;
    const std::string_view before = string_at(*change.before, "status.phase");
    const std::string_view after = string_at(*change.after, "status.phase");
    if (!may_be_told(plural, before, after)) return;
    add({.plural = std::string(plural),
         .name = std::string(kube::name_of(*change.after)),
         .before = std::string(before)});
  }

  void tell(Occurrence occurrence) override { add({.occurrence = std::move(occurrence)}); }

 private:
  void add(News news) {
    const Lock lock(mu_);
    if (waiting_.size() >= kMostWaiting) waiting_.pop_front();
    waiting_.push_back(std::move(news));
    changed_.notify_all();
  }

  std::optional<News> next(std::stop_token stop) {
    const Lock lock(mu_);
    changed_.wait(mu_, Deadline::never(), stop,
                  [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !waiting_.empty(); });
    if (waiting_.empty() || late_.stop_requested()) return std::nullopt;
    News news = std::move(waiting_.front());
    waiting_.pop_front();
    return news;
  }

  void work(std::stop_token stop) {
    tell_all(stop, late_.get_token());
    const Lock lock(mu_);
    done_ = true;
    changed_.notify_all();
  }

  // Until `told_to_end` and nothing waits any more; `stop` ends what is being done.
  void tell_all(std::stop_token told_to_end, std::stop_token stop) {
    while (auto news = next(told_to_end)) {
      // The whole object: informers keep little of it.
      if (!news->plural.empty()) {
        auto occurrence = look_at(*news, stop);
        if (!occurrence) continue;
        news->occurrence = std::move(*occurrence);
      }
      if (notifier_ != nullptr) notifier_->tell(news->occurrence);
      record(news->occurrence, stop);
    }
  }

  std::optional<Occurrence> look_at(const News& news, std::stop_token stop) const {
    const auto object = context_.client().get(
        {.gvr = {"velero.io", "v1", news.plural}, .ns = context_.cluster.ns(), .name = news.name},
        {}, stop);
    if (object) return occurrence_of(*object, news.before, context_.clock.now());
    if (!object.error().is(Code::NotFound) && !stop.stop_requested()) {
      context_.log.warning("Could not tell what happened to an object",
                           {{"name", news.name}, {"error", object.error()}});
    }
    return std::nullopt;
  }

  void record(const Occurrence& occurrence, std::stop_token stop) {
    const Status recorded = recorder_.record(occurrence.object, occurrence.severity,
                                             occurrence.reason, occurrence.message, stop);
    if (recorded || stop.stop_requested()) return;
    context_.log.debug("Could not record an Event",
                       {{"reason", occurrence.reason}, {"error", recorded.error()}});
  }

  const ServerContext& context_;
  Notifier* const notifier_;
  kube::EventRecorder recorder_;
  Mutex mu_;
  Condition changed_;
  std::deque<News> waiting_ LATEEN_GUARDED_BY(mu_);
  bool done_ LATEEN_GUARDED_BY(mu_) = false;
  std::stop_source late_;
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Announcer> Announcer::start(const ServerContext& context, Notifier* notifier) {
  return std::make_unique<ThreadedAnnouncer>(context, notifier);
}

}  // namespace lateen::server
