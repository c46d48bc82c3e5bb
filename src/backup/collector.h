// Lists what a step of the plan asks for, a page at a time, and hands each object on.
#pragma once

#include <functional>
#include <stop_token>

#include "backup/plan.h"
#include "backup/run.h"
#include "base/json_slice.h"
#include "base/result.h"

namespace lateen::backup {

// Who the objects are handed to.
struct ItemTaker {
  std::function<Status(const ListPage&, const ObjectSlice&)> take;
  // Told when the API server could not go on with a list and gave it from the start again: from
  // then on objects of this kind may come that were taken already.
  std::function<void()> again;
};

// Several namespaces are listed in one request where that is all there is, or where most of it is
// wanted; else each by itself. A list that fails is an error in the log, and the step's other lists
// go on. An Error of `take` ends it.
Status collect(const CollectionStep& step,
               const BackupTools& tools,
               std::int64_t page_size,
               const ItemTaker& taker,
               std::stop_token stop);

}  // namespace lateen::backup
