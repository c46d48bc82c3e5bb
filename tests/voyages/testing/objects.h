// Objects of a cluster, compared as their owners wrote them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::voyages {

// Without what Kubernetes sets anew by itself when an object is made again: identity, status,
// addresses and ports that were allocated, the volume that a claim is bound to; and without the
// labels that name a backup and a restore.
Json as_written(Json object);

// The items of a List as they were written, a line of pretty JSON for each member, sorted by kind
// and name: two of these that differ are shown well by EXPECT_EQ.
std::string as_written_text(const Json& list);

// The items of a List; none for anything else.
std::vector<Json> items_of(const Json& list);

// "ConfigMap/payments-config" of every item, sorted.
std::vector<std::string> kinds_and_names(const Json& list);

}  // namespace lateen::voyages
