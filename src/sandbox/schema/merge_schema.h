// How the fields of a built-in kind merge: what strategic merge patches and server-side apply must
// know.
#pragma once

#include <memory>
#include <string_view>

#include "kube/patch.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

// The rules of a built-in kind; one that knows nothing when the kind is not in the table.
// Thread-safe.
std::unique_ptr<const kube::MergeSchema> merge_schema(std::string_view group,
                                                      std::string_view version,
                                                      std::string_view kind);

}  // namespace lateen::sandbox::schema
