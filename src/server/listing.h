// How controllers look at all objects of a kind, and tell what they could not see.
#pragma once

#include <algorithm>
#include <optional>
#include <stop_token>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "server/context.h"

namespace lateen::server {

// Nothing when they cannot be listed, which is logged unless we were told to stop. One that cannot
// be read (somebody wrote nonsense past the schema) is logged and passed over.
template <typename T>
std::optional<std::vector<T>> list_all(const ServerContext& context, std::stop_token stop) {
  std::vector<Error> unreadable;
  auto objects = context.cluster.list<T>({}, stop, &unreadable);
  for (const Error& error : unreadable) {
    context.log.error("Passing over an object that cannot be read", {{"error", error}});
  }
  if (objects) return std::move(*objects);
  if (!stop.stop_requested()) {
    context.log.error(fmt::format("Could not list {}s", T::kKind.kind),
                      {{"error", objects.error()}});
  }
  return std::nullopt;
}

// Oldest first; those of one second by name.
template <typename T>
void sort_by_age(std::vector<T>& objects) {
  std::sort(objects.begin(), objects.end(), [](const T& a, const T& b) {
    return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
           std::tie(b.metadata.creation_timestamp, b.metadata.name);
  });
}

// Somebody changed or removed the object meanwhile: what there is now is looked at on the next
// round.
inline bool was_overtaken(const Error& error) {
  return error.is(Code::Conflict) || error.is(Code::NotFound);
}

}  // namespace lateen::server
