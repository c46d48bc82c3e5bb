// What every ObjectStore must do. A backend is done when this passes on it:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreContract, ::testing::Values([] { return make_one();
//   }));
#pragma once

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "objects/object_store.h"

namespace lateen::objects::testing {

// A fresh, empty store with pages of three keys, and what must live as long as it.
struct StoreUnderTest {
  std::shared_ptr<void> keep_alive = {};
  std::unique_ptr<ObjectStore> store = {};
};

using MakeStore = std::function<StoreUnderTest()>;

class ObjectStoreContract : public ::testing::TestWithParam<MakeStore> {
 protected:
  ObjectStoreContract() : made_(GetParam()()), store_(*made_.store) {}

  std::vector<std::string> keys_below(std::string_view prefix) {
    std::vector<std::string> keys;
    const Result<std::vector<ObjectInfo>> objects = list_all(store_, prefix);
    EXPECT_TRUE(objects);
    if (objects) {
      for (const ObjectInfo& object : *objects)
        keys.push_back(object.key);
    }
    return keys;
  }

  StoreUnderTest made_;
  ObjectStore& store_;
};

}  // namespace lateen::objects::testing
