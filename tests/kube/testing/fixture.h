// Reads the truths in testdata/kube.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"

namespace lateen::kube {

inline Json fixture(const std::string& name) {
  auto text = read_file(std::string(LATEEN_TESTDATA) + "/kube/" + name);
  if (!text) {
    ADD_FAILURE() << text.error().message();
    return {};
  }
  auto value = parse_json(*text);
  if (!value) {
    ADD_FAILURE() << value.error().message();
    return {};
  }
  return *std::move(value);
}

inline Json json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *std::move(value) : Json();
}

}  // namespace lateen::kube
