#include "server/cancel_watch.h"

#include "kube/object.h"
#include "model/names.h"

namespace lateen::server {

CancelWatch::CancelWatch(const ServerContext& context,
                         kube::ObjectPath path,
                         std::string uid,
                         std::stop_token stop)
    : client_(context.client()),
      path_(std::move(path)),
      uid_(std::move(uid)),
      forward_(std::move(stop), [this] { both_.request_stop(); }) {
  looker_ = std::jthread([this](std::stop_token own) { look_until_stopped(own); });
}

CancelWatch::~CancelWatch() = default;

bool CancelWatch::is_canceled() const {
  const Lock lock(mu_);
  return !reason_.empty();
}

std::string CancelWatch::reason() const {
  const Lock lock(mu_);
  return reason_;
}

void CancelWatch::look_until_stopped(std::stop_token stop) {
  do {
    const auto object = client_.get(path_, {}, stop);
    std::string reason;
    if (object) {
      reason = why_canceled(*object, uid_);
    } else if (object.error().is(Code::NotFound)) {
      reason = "canceled: the object was deleted";
    }
    if (!reason.empty()) {
      {
        const Lock lock(mu_);
        reason_ = std::move(reason);
      }
      both_.request_stop();
      return;
    }
  } while (sleep_unless_stopped(std::chrono::seconds(1), stop));
}

std::string why_canceled(const Json& object, std::string_view uid) {
  if (kube::uid_of(object) != uid || kube::is_being_deleted(object)) {
    return "canceled: the object was deleted";
  }
  const std::string_view asked = kube::annotation_of(object, model::annotations::kCancel);
  if (asked.empty() || asked == "false") return {};
  return fmt::format("canceled by annotation {}", model::annotations::kCancel);
}

}  // namespace lateen::server
