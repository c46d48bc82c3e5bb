// The selector of Kubernetes' API: matchLabels and matchExpressions, all of which must hold.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::model {

struct LabelSelectorRequirement {
  std::string key = {};
  std::string op = {};  // In, NotIn, Exists, DoesNotExist
  StringList values = {};
  JsonObject unknown = {};

  bool operator==(const LabelSelectorRequirement&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("key", self.key);
    visit.always("operator", self.op);
    visit("values", self.values);
  }
};

struct LabelSelector {
  StringMap match_labels = {};
  std::vector<LabelSelectorRequirement> match_expressions = {};
  JsonObject unknown = {};

  bool operator==(const LabelSelector&) const = default;

  bool empty() const { return match_labels.empty() && match_expressions.empty(); }

  // InvalidArgument for an unknown operator, or In/NotIn without values and Exists/DoesNotExist
  // with some.
  Status validate() const;

  // An empty selector matches everything. A requirement that does not validate matches nothing.
  bool matches(const StringMap& labels) const;

  // As kubectl and Velero print it: "app=web,tier in (a,b),!old"; "<none>" when empty.
  std::string format() const;

  static void fields(auto& self, auto& visit) {
    visit("matchLabels", self.match_labels);
    visit("matchExpressions", self.match_expressions);
  }
};

}  // namespace lateen::model
