#include "objects/new_object.h"

namespace lateen::objects {
namespace {

Error there_already(std::string_view key) {
  return Error(Code::AlreadyExists, "{} is there already", key);
}

Status look_and_put(ObjectStore& store,
                    std::string_view key,
                    BytesView bytes,
                    std::stop_token stop) {
  if (TRY(object_exists(store, key, stop))) return there_already(key);
  return store.put(key, bytes, std::move(stop));
}

}  // namespace

Status put_if_absent(ObjectStore& store,
                     std::string_view key,
                     BytesView bytes,
                     std::stop_token stop) {
  if (auto* able = dynamic_cast<NewObjectStore*>(&store))
    return able->put_if_absent(key, bytes, std::move(stop));
  return Error(Code::Unsupported, "{}: this store cannot put only what is not there", key);
}

Status put_new(ObjectStore& store, std::string_view key, BytesView bytes, std::stop_token stop) {
  Status made = put_if_absent(store, key, bytes, stop);
  if (!made && made.error().is(Code::Unsupported)) made = look_and_put(store, key, bytes, stop);
  if (!made && !made.error().is(Code::AlreadyExists)) return made;
  // It may be ours all the same: the answer to a PUT was lost, and the next one found it. And there
  // are servers that do not know the condition, and put.
  const auto there = store.get(key, bytes.size(), std::move(stop));
  if (there && BytesView(*there) == bytes) return {};
  if (there || there.error().is(Code::InvalidArgument)) return there_already(key);
  return Error(there.error()).wrap("reading what was just made");
}

}  // namespace lateen::objects
