// Where a restore's namespaces go: spec.namespaceMapping. Pure.
//
// A key is a namespace, or a pattern with one "*"; a "*" in what it is mapped to stands for the
// same text: {"prod-*": "dr-*"} takes prod-shop to dr-shop. A namespace by its name goes before
// patterns, and the pattern with more letters before one with fewer.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::restore {

// `ns` itself when nothing maps it.
std::string target_namespace(const model::StringMap& mapping, std::string_view ns);

// What is wrong with the pairs, in words; empty when all is well.
model::StringList validate_namespace_mapping(const model::StringMap& mapping);

// The error of two namespaces that go to one.
Error two_to_one(std::string_view first, std::string_view second, std::string_view target);

}  // namespace lateen::restore
