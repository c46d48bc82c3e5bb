// One look at an operation that a plugin's action has started: what it says goes into the
// operation's status.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/item_operation.h"
#include "plugins/item_actions.h"

namespace lateen::plugins {

struct OperationCalls {
  std::function<Result<OperationProgress>()> progress;
  std::function<Status()> cancel;  // called when it has taken too long
};

struct OperationLook {
  bool changed = false;
  std::string error = {};  // why it has failed just now
};

// As Velero judges: an action that cannot be asked has failed; so has one that is not done when
// `timeout` has passed since it was created ("Asynchronous action timed out"). Canceled leaves the
// operation as it was.
OperationLook look_at_operation(model::OperationStatus& status,
                                TimePoint now,
                                Duration timeout,
                                const OperationCalls& calls);

}  // namespace lateen::plugins
