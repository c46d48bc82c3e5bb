// An object that is to be made once: of several who make it in the same moment, one does, and the
// others hear that it is there. For what makes a place a repository.
#pragma once

#include <stop_token>
#include <string_view>

#include "objects/object_store.h"

namespace lateen::objects {

// What a store is besides that can put an object only where there is none. Thread-safe.
class NewObjectStore {
 public:
  NewObjectStore() = default;
  NewObjectStore(const NewObjectStore&) = delete;
  NewObjectStore& operator=(const NewObjectStore&) = delete;
  virtual ~NewObjectStore() = default;

  // AlreadyExists where there is one; Unsupported where whoever keeps the objects cannot tell.
  virtual Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) = 0;
};

// By the store's own way; Unsupported if it has none. For stores around others.
Status put_if_absent(ObjectStore& store,
                     std::string_view key,
                     BytesView bytes,
                     std::stop_token stop);

// Ok: these bytes are there, and nobody else's were put over them while this was going on.
// AlreadyExists: others are. Where the store cannot do it in one step this looks, puts and looks
// again, and who comes between is found out unless he is slower than all of that: keep others away
// by a Lease.
Status put_new(ObjectStore& store,
               std::string_view key,
               BytesView bytes,
               std::stop_token stop = {});

}  // namespace lateen::objects
