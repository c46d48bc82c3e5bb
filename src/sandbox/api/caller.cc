#include "sandbox/api/caller.h"

#include <utility>

namespace lateen::sandbox {

namespace {

JsonArray texts(const std::vector<std::string>& values) {
  JsonArray out;
  for (const std::string& value : values)
    out.emplace_back(value);
  return out;
}

}  // namespace

Json user_info(const Caller& caller) {
  JsonObject user;
  user["username"] = caller.username;
  if (!caller.uid.empty()) user["uid"] = caller.uid;
  if (!caller.groups.empty()) user["groups"] = texts(caller.groups);
  if (!caller.extra.empty()) {
    JsonObject extra;
    for (const auto& [key, values] : caller.extra)
      extra[key] = texts(values);
    user["extra"] = std::move(extra);
  }
  return user;
}

}  // namespace lateen::sandbox
