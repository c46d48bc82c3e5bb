// What DataUploads and DataDownloads have in common: their way from New to their end, over all
// node agents.
//
//   New ──any agent──▶ Accepted ──its agent makes claim and pod; the agent of the pod's node──▶
//   Prepared ──▶ InProgress ──▶ Completed, Failed, Canceled ──▶ what was made is removed
//
// The pod moves the data by itself, and an agent that ends or begins while it runs disturbs
// nothing. Level-triggered: each look does what is due, from the objects alone. So an agent that
// starts again goes on where it was, and what was an agent's that is no more is somebody else's.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/data_watch.h"
#include "agent/exposure.h"
#include "agent/lost_agents.h"
#include "base/text.h"
#include "model/names.h"
#include "server/controller.h"
#include "server/listing.h"
#include "volumes/data_mover.h"

namespace lateen::agent {

// How often a movement is begun anew because its pod or its node was lost.
inline constexpr std::string_view kBegunAnew = "lateen.io/begun-anew";
inline constexpr int kMostBeginnings = 5;
// How long one look waits for what is to go, and from when on that is told.
inline constexpr Duration kRemoveWithin = std::chrono::milliseconds(300);
inline constexpr Duration kTellWhenLate = std::chrono::minutes(1);

template <typename T>
class MovementController : public server::Controller {
 public:
  MovementController(const AgentContext& context, std::string_view pod_label)
      : context_(context), pod_label_(pod_label), lost_(context) {}

  // Snapshots, pods and claims are not watched.
  Duration period() const override {
    if (waiting_) return std::chrono::milliseconds(500);
    return active_ ? Duration(std::chrono::seconds(3)) : std::chrono::minutes(1);
  }

  void reconcile(std::stop_token stop) override {
    waiting_ = false;
    auto all = server::list_all<T>(context_.server, stop);
    if (!all) return;
    std::erase_if(*all,
                  [](const T& one) { return !volumes::is_built_in_mover(one.spec.datamover); });
    preparing_ = static_cast<std::size_t>(std::count_if(all->begin(), all->end(), [](const T& one) {
      return one.status.phase == model::DataPhase::Accepted;
    }));
    active_ = std::any_of(all->begin(), all->end(), [](const T& one) {
      return !model::is_terminal(one.status.phase.value());
    });
    if (active_ && !read_pods(stop)) return;
    server::sort_by_age(*all);
    for (const T& one : *all) {
      if (stop.stop_requested()) return;
      look_at(one, stop);
    }
  }

 protected:
  using Change = std::function<void(T&)>;

  // One step towards a pod that holds the volume; again and again until the pod is there.
  virtual Status expose(const T& one, std::stop_token stop) = 0;
  // Sees the data moved, on a thread of its own. `pod` is null when it has gone. Gives what is to
  // be written besides the phase; a Change that is none when the pod was lost on the way.
  virtual Result<Change> carry_out(const T& one, const Json* pod, std::stop_token stop) = 0;

  // Where its pod is.
  virtual const std::string& pod_namespace(const T&) const { return context_.config.ns; }

  // Whether its pod only holds the volume, for the agent of that node.
  virtual bool is_for_agent_of_node(const T&) const { return false; }

  // Whether it can go on though its pod has gone.
  virtual bool can_do_without_pod(const T& one, std::stop_token stop) = 0;
  // Removes all that was made for it.
  virtual Status clean_up(const T& one, std::stop_token stop) = 0;

  const AgentContext context_;

 private:
  bool read_pods(std::stop_token stop) {
    pods_ = list_data_pods(context_.client(), pod_label_, std::move(stop));
    return pods_.has_value();
  }

  const Json* pod_of(const T& one) const {
    if (!pods_) return nullptr;
    const auto at = pods_->find(one.metadata.name);
    return at == pods_->end() ? nullptr : &at->second;
  }

  bool is_mine(std::string_view node) const { return node == context_.config.node; }

  // Whether it is our turn to see to what is this node's: it is ours, or nobody else's any more.
  bool falls_to_us(const std::string& node, std::stop_token stop) {
    return node.empty() || is_mine(node) || lost_.is_lost(node, std::move(stop));
  }

  static const std::string& keeper_of(const T& one) {
    return one.status.node.empty() ? one.status.accepted_by_node : one.status.node;
  }

  void look_at(const T& one, std::stop_token stop) {
    using enum model::DataPhase;
    const model::DataPhase phase = one.status.phase.value();
    if (model::is_terminal(phase)) {
      if (one.metadata.has_finalizer(model::finalizers::kDataMovement)) end(one, stop);
      return;
    }
    // What is another's is seldom looked at: there may be hundreds of us.
    if (is_mine(keeper_of(one))) waiting_ = true;
    const bool unwanted = one.spec.cancel || one.metadata.deletion_timestamp || phase == Canceling;
    if (context_.board.has(one.metadata.name)) {
      if (one.spec.cancel) cancel(context_, one, stop);
      if (unwanted) context_.board.stop(one.metadata.name);
      return;
    }
    if (unwanted) {
      if (falls_to_us(keeper_of(one), stop)) cancel(context_, one, stop);
      return;
    }
    if (model::is_new(phase)) accept(one, stop);
    if (phase == Accepted) prepare(one, stop);
    if (phase == Prepared || phase == InProgress) go_on(one, stop);
  }

  void accept(const T& one, std::stop_token stop) {
    const std::size_t most = context_.settings.prepare_queue_length;
    if (most > 0 && preparing_ >= most) return;
    T mine = one;
    mark_accepted(context_, mine);
    if (write(one, mine, stop)) {
      ++preparing_;
      waiting_ = true;
      context_.server.log.info(fmt::format("{} accepted", T::kKind.kind),
                               {{"name", one.metadata.name}});
    }
  }

  void tell_unless_overtaken(const T& one, const Error& error) const {
    if (server::was_overtaken(error)) return;
    context_.server.log.warning(fmt::format("Could not write a {}", T::kKind.kind),
                                {{"name", one.metadata.name}, {"error", error}});
  }

  // A compare-and-swap; false when somebody else was first, or it could not be written.
  bool write(const T& before, const T& after, std::stop_token stop) {
    const auto written = context_.server.cluster.update(before, after, stop);
    if (!written && !stop.stop_requested()) tell_unless_overtaken(before, written.error());
    return written.has_value();
  }

  void prepare(const T& one, std::stop_token stop) {
    const Json* pod = pod_of(one);
    if (pod != nullptr && is_pod_running(*pod) && may_see_to(one, *pod, stop)) {
      T ready = one;
      ready.status.phase = model::DataPhase::Prepared;
      ready.status.node = node_of(*pod);
      ready.metadata.labels.erase(std::string(model::labels::kExposeOnGoing));
      write(one, ready, std::move(stop));
      return;
    }
    if (!falls_to_us(one.status.accepted_by_node, stop)) return;
    if (!is_mine(one.status.accepted_by_node)) {
      T mine = one;
      mark_accepted(context_, mine);
      write(one, mine, std::move(stop));
      return;
    }
    const bool leaves = pod != nullptr && kube::is_being_deleted(*pod);
    const std::string hopeless = pod == nullptr || leaves ? std::string() : why_hopeless(*pod);
    if (!hopeless.empty()) return fail(one, hopeless);
    const Status step = pod == nullptr ? expose(one, stop) : Status();
    if (stop.stop_requested()) return;
    if (!step && is_hopeless(step.error())) return fail(one, step.error().describe());
    const auto since = one.status.accepted_timestamp;
    if (!since || context_.server.clock.now() < *since + context_.config.prepare_timeout) return;
    const std::string state =
        diagnose(context_.client(), pod_namespace(one), one.metadata.name, stop);
    fail(one, fmt::format("it was not prepared in time: {}{}{}", state, step ? "" : "; ",
                          step ? std::string() : step.error().describe()));
  }

  // The agent of the pod's node; where there is none, whoever accepted it: the pod needs nobody.
  bool may_see_to(const T& one, const Json& pod, std::stop_token stop) {
    const std::string node(node_of(pod));
    if (is_mine(node)) return true;
    return !is_for_agent_of_node(one) && is_mine(one.status.accepted_by_node) &&
           lost_.is_lost(node, std::move(stop));
  }

  void go_on(const T& one, std::stop_token stop) {
    const Json* pod = pod_of(one);
    const bool there = pod != nullptr && node_of(*pod) == one.status.node &&
                       (is_pod_running(*pod) || has_outcome(*pod));
    if (is_mine(one.status.node)) {
      if (there || can_do_without_pod(one, stop)) {
        begin(one, there ? pod : nullptr);
      } else {
        begin_anew(one, "its pod was lost", stop);
      }
    } else if (lost_.is_lost(one.status.node, stop)) {
      const bool alive = there && (is_pod_heard_of(*pod) || has_outcome(*pod));
      if (!alive || is_for_agent_of_node(one)) return begin_anew(one, "its node was lost", stop);
      adopt(one, *pod, stop);
    }
  }

  // Only its agent is gone, and the pod moves the data all the same. One other agent hears its end.
  void adopt(const T& one, const Json& pod, std::stop_token stop) {
    if (is_mine(one.status.accepted_by_node)) return begin(one, &pod);
    if (!lost_.is_lost(one.status.accepted_by_node, stop)) return;
    T mine = one;
    mine.status.accepted_by_node = context_.config.node;
    write(one, mine, std::move(stop));
  }

  void begin(const T& one, const Json* pod) {
    const Json copy = pod == nullptr ? Json() : *pod;
    context_.board.start(one.metadata.name,
                         [this, one, copy](std::stop_token own) { run(one, copy, own); });
  }

  // On another node, or in another pod: from the snapshot that is still there. What is in the
  // repository by now is not sent again.
  void begin_anew(const T& one, std::string_view why, std::stop_token stop) {
    const std::string key(kBegunAnew);
    const int times = static_cast<int>(parse_int(one.metadata.annotation(key)).value_or(0)) + 1;
    if (times >= kMostBeginnings)
      return fail(one, fmt::format("{}, and it was begun {} times", why, times));
    kube::DeleteOptions now;
    now.grace_period_seconds = 0;  // nobody may be there to end it
    const auto removed = context_.client().remove(
        {.gvr = {"", "v1", "pods"}, .ns = pod_namespace(one), .name = one.metadata.name}, now,
        stop);
    if (!removed && !removed.error().is(Code::NotFound)) return;  // the next look tries again
    T again = one;
    mark_accepted(context_, again);
    again.metadata.annotations[key] = std::to_string(times);
    if (!write(one, again, std::move(stop))) return;
    context_.server.log.warning(fmt::format("{} begins anew", T::kKind.kind),
                                {{"name", one.metadata.name}, {"reason", why}});
  }

  void run(const T& seen, const Json& pod, std::stop_token stop) {
    const std::string& name = seen.metadata.name;
    const auto mine = take(context_, seen, stop);
    if (!mine && !stop.stop_requested()) tell_unless_overtaken(seen, mine.error());
    if (!mine) return;
    context_.server.log.info(fmt::format("{} starts", T::kKind.kind), {{"name", name}});
    const Result<Change> done = carry_out(*mine, pod.is_null() ? nullptr : &pod, stop);
    if (done && !*done) return;  // the next look begins it anew
    const Status status = done ? Status() : Status(done.error());
    const bool stopped = stop.stop_requested() || (!done && done.error().is(Code::Canceled));
    finish<T>(context_, name, status, stopped, [&](T& now) { (*done)(now); });
  }

  void fail(const T& one, const std::string& why) {
    finish<T>(context_, one.metadata.name, Error(Code::Unavailable, "{}", why), false, [](T&) {});
  }

  void end(const T& one, std::stop_token stop) {
    if (!falls_to_us(keeper_of(one), stop)) return;
    const Status cleaned = clean_up(one, stop);
    if (stop.stop_requested()) return;
    if (!cleaned) {
      waiting_ = true;  // what is on its way out is looked at again
      const auto since = one.status.completion_timestamp;
      const bool late = since && context_.server.clock.now() > *since + kTellWhenLate;
      if (cleaned.error().is(Code::DeadlineExceeded) && !late) return;
      context_.server.log.warning(
          fmt::format("Could not yet remove what was made for a {}", T::kKind.kind),
          {{"name", one.metadata.name}, {"error", cleaned.error()}});
      return;
    }
    T after = one;
    after.metadata.remove_finalizer(model::finalizers::kDataMovement);
    after.metadata.labels.erase(std::string(model::labels::kExposeOnGoing));
    if (!write(one, after, std::move(stop))) waiting_ = true;
  }

  const std::string pod_label_;  // the rest is the controller's own thread's alone
  LostAgents lost_;
  Result<DataPods> pods_ = DataPods();
  std::size_t preparing_ = 0;
  bool waiting_ = false;  // for something of ours
  bool active_ = false;   // somebody is at work
};

}  // namespace lateen::agent
