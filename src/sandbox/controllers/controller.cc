#include "sandbox/controllers/controller.h"

#include "kube/object.h"

namespace lateen::sandbox {

Controller::Controller(ControllerContext& context, std::string name, int threads)
    : context_(context),
      name_(std::move(name)),
      thread_count_(threads),
      events_(context.api, context.clock, name_) {}

Controller::~Controller() {
  stop();
}

void Controller::start() {
  for (int i = 0; i < thread_count_; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
}

void Controller::stop() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
  threads_.clear();
}

void Controller::follow(ObjectCache& cache) {
  cache.subscribe([this](const ObjectPtr& before, const ObjectPtr& now) {
    queue_.add(kube::object_key(now ? *now : *before));
  });
}

void Controller::follow_owners(ObjectCache& cache, std::string_view kind) {
  cache.subscribe([this, kind = std::string(kind)](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& object : {before, now}) {
      const auto owner = object ? kube::controller_of(*object) : std::nullopt;
      if (owner && owner->kind == kind)
        queue_.add(kube::object_key(kube::namespace_of(*object), owner->name));
    }
  });
}

std::optional<Strike> Controller::strike(FaultKind kind,
                                         const FaultSubject& subject,
                                         const std::string& key) {
  if (context_.faults == nullptr) return std::nullopt;
  return context_.faults->strike(kind, subject, key);
}

void Controller::work(std::stop_token stop) {
  while (auto key = queue_.next(stop)) {
    auto result = reconcile(*key, stop);
    if (result) {
      queue_.forget_failures(*key);
      if (*result) queue_.add_after(*key, **result);
    } else if (!stop.stop_requested()) {
      const Error& error = result.error();
      const bool ordinary =
          error.is(Code::Conflict) || error.is(Code::NotFound) || error.is(Code::AlreadyExists);
      if (!ordinary)
        log().warning("Error in a controller",
                      {{"controller", name_}, {"key", *key}, {"error", error}});
      queue_.add_after_failure(*key);
    }
    queue_.done(*key);
  }
}

}  // namespace lateen::sandbox
