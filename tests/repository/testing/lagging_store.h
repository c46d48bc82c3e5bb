// A store whose listings lag.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/thread.h"
#include "objects/forwarding_store.h"

namespace lateen::repository::testing {

// Lists what was there some changes ago; what it lists may be gone. Everything else is as it is,
// and so are restic's locks: who is not shown another's lock is not kept out by it.
class LaggingStore final : public objects::ForwardingStore {
 public:
  LaggingStore(std::unique_ptr<objects::ObjectStore> store, const bool& lag)
      : ForwardingStore(std::move(store)), lag_(lag) {}

  Result<objects::ListPage> list(std::string_view prefix,
                                 std::string_view after,
                                 std::stop_token stop) override {
    auto page = inner().list(prefix, after, std::move(stop));
    if (!page || !after.empty()) return page;
    const std::string name(prefix);
    const Lock lock(mu_);
    if (lag_ && name != "locks/" && before_.contains(name)) return before_[name];
    before_[name] = *page;
    return page;
  }

 private:
  const bool& lag_;
  Mutex mu_;
  std::map<std::string, objects::ListPage> before_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository::testing
