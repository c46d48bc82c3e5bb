// The velero.io objects of one namespace, as the structs of model/. Every update is a
// compare-and-swap.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/client.h"
#include "kube/object.h"
#include "kube/patch.h"
#include "model/object_meta.h"

namespace lateen::server {

// Thread-safe.
class Cluster {
 public:
  Cluster(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

  kube::Client& client() const { return client_; }

  const std::string& ns() const { return ns_; }

  template <typename T>
  kube::ObjectPath path(std::string_view name = {}) const {
    return {.gvr = {std::string(T::kKind.group), std::string(T::kKind.version),
                    std::string(T::kKind.plural)},
            .ns = ns_,
            .name = std::string(name)};
  }

  template <typename T>
  Result<T> get(std::string_view name, std::stop_token stop = {}) const {
    const Json json = TRY(client_.get(path<T>(name), {}, stop));
    return model::from_json<T>(json);
  }

  // One that cannot be read (somebody wrote nonsense past the schema) is left out of the list and
  // told in `unreadable`, if given.
  template <typename T>
  Result<std::vector<T>> list(const std::string& label_selector = {},
                              std::stop_token stop = {},
                              std::vector<Error>* unreadable = nullptr) const {
    const Json list = TRY(client_.list(path<T>(), {.label_selector = label_selector}, stop));
    std::vector<T> objects;
    const JsonArray* items = array_at(list, "items");
    if (items == nullptr) return objects;
    for (const Json& item : *items) {
      auto object = model::from_json<T>(item);
      if (object) {
        objects.push_back(std::move(*object));
      } else if (unreadable != nullptr) {
        unreadable->push_back(
            std::move(object).error().wrap("{} {}", T::kKind.plural, kube::object_key(item)));
      }
    }
    return objects;
  }

  template <typename T>
  Result<T> create(const T& object, std::stop_token stop = {}) const {
    const Json json = TRY(client_.create(path<T>(), model::to_json(object), {}, stop));
    return model::from_json<T>(json);
  }

  // Writes what differs between the two, if `before` is still what is there: Conflict otherwise.
  // Gives the object as it is then.
  template <typename T>
  Result<T> update(const T& before, const T& after, std::stop_token stop = {}) const {
    Json patch = kube::diff_merge_patch(model::to_json(before), model::to_json(after));
    if (patch.as_object().empty()) return after;
    ensure(patch, "metadata.resourceVersion") = before.metadata.resource_version;
    const Json json =
        TRY(client_.patch(path<T>(before.metadata.name), kube::PatchType::Merge, patch, {}, stop));
    return model::from_json<T>(json);
  }

  // Reads the object, lets `change` work on it, and writes it; on a conflict again from the start.
  // NotFound when it is gone. For changes that hold whatever else was changed meanwhile.
  template <typename T, typename Change>
  Result<T> modify(std::string_view name, Change change, std::stop_token stop = {}) const {
    constexpr int kTries = 10;
    for (int i = 1;; ++i) {
      const T before = TRY(get<T>(name, stop));
      T after = before;
      change(after);
      auto written = update(before, after, stop);
      if (written || !written.error().is(Code::Conflict) || i == kTries) return written;
    }
  }

  // What is gone already is fine.
  template <typename T>
  Status remove(std::string_view name, std::stop_token stop = {}) const {
    auto removed = client_.remove(path<T>(name), {}, stop);
    if (!removed && !removed.error().is(Code::NotFound)) return std::move(removed).error();
    return {};
  }

 private:
  kube::Client& client_;
  const std::string ns_;
};

}  // namespace lateen::server
