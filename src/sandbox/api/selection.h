// The label and field selectors of one list, watch or deletecollection, parsed once.
#pragma once

#include <string>
#include <string_view>

#include "kube/selector.h"
#include "sandbox/api/api_error.h"
#include "sandbox/store/stored_object.h"

namespace lateen::sandbox {

// Immutable.
class Selection {
 public:
  // BadRequest for what does not parse, and for fields that this resource cannot be selected by
  // (`field label not supported: spec.x`).
  static ApiResult<Selection> parse(std::string_view group,
                                    std::string_view resource,
                                    std::string_view label_selector,
                                    std::string_view field_selector);

  bool selects_everything() const {
    return labels_.selects_everything() && fields_.selects_everything();
  }

  // Looks at names and labels first; parses the object only when another field is asked for.
  bool matches(const StoredObject& object) const;

 private:
  kube::LabelSelector labels_;
  kube::FieldSelector fields_;
  bool needs_object_ = false;
};

}  // namespace lateen::sandbox
