// Whether a Backup or Restore that is at work is to be ended: somebody set lateen.io/cancel on it,
// is deleting it, or it is gone.
//
//   CancelWatch watch(context, context.cluster.path<model::Backup>(name), uid, stop);
//   auto done = work(watch.token());
//   if (!done && watch.is_canceled()) …
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/thread.h"
#include "server/context.h"

namespace lateen::server {

// Looks once a second, on a thread of its own. Thread-safe.
class CancelWatch {
 public:
  // `stop` ends the work as well, and is no cancellation.
  CancelWatch(const ServerContext& context,
              kube::ObjectPath path,
              std::string uid,
              std::stop_token stop);
  CancelWatch(const CancelWatch&) = delete;
  CancelWatch& operator=(const CancelWatch&) = delete;
  ~CancelWatch();

  // Hears the cancellation and `stop`.
  std::stop_token token() const { return both_.get_token(); }

  bool is_canceled() const;

  // "canceled by annotation lateen.io/cancel"; "" if not canceled.
  std::string reason() const;

 private:
  void look_until_stopped(std::stop_token stop);

  kube::Client& client_;
  const kube::ObjectPath path_;
  const std::string uid_;
  std::stop_source both_;
  std::stop_callback<std::function<void()>> forward_;
  mutable Mutex mu_;
  std::string reason_ LATEEN_GUARDED_BY(mu_);
  std::jthread looker_;
};

// Why an object is to be ended, as it is now; "" if it is not.
std::string why_canceled(const Json& object, std::string_view uid);

}  // namespace lateen::server
