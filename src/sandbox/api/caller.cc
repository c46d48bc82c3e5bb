#include "sandbox/api/caller.h"

#include <utility>

namespace lateen::sandbox {

Json user_info(const Caller& caller) {
  JsonObject user;
  user["username"] = caller.username;
  if (!caller.uid.empty()) user["uid"] = caller.uid;
  if (!caller.groups.empty()) user["groups"] = texts_json(caller.groups);
  if (!caller.extra.empty()) {
    JsonObject extra;
    for (const auto& [key, values] : caller.extra)
      extra[key] = texts_json(values);
    user["extra"] = std::move(extra);
  }
  return user;
}

}  // namespace lateen::sandbox
