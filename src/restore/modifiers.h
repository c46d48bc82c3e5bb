// Resource modifiers: a ConfigMap's rules that change objects on their way back (Velero's
// --resource-modifier-configmap). Parsing is strict; applying is pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/label_selector.h"
#include "model/object_meta.h"

namespace lateen::restore {

// What a rule's `matches` asks of the object.
struct MatchRule {
  std::string path;  // a JSON pointer
  Json value;
};

struct ModifierRule {
  std::string group_resource;  // a glob
  std::string name_pattern;    // a POSIX regular expression, unanchored; "" matches all
  model::StringList namespaces;
  std::optional<model::LabelSelector> label_selector;
  std::vector<MatchRule> matches;
  // One of the three.
  JsonArray patches;  // RFC 6902 operations
  std::vector<Json> merge_patches;
  std::vector<Json> strategic_patches;
};

// Immutable.
class Modifiers {
 public:
  // Of a ConfigMap with exactly one key. InvalidArgument names the rule and what is wrong with it.
  static Result<Modifiers> from_config_map(const Json& config_map);
  static Result<Modifiers> parse(std::string_view yaml);

  bool empty() const { return rules_.empty(); }

  // Conditions are judged on the object as it came; `ns` is its namespace in the backup. A rule
  // whose `test` does not hold changes nothing. The errors of others; the object is left as those
  // rules found it.
  std::vector<std::string> apply(std::string_view group_resource,
                                 std::string_view ns,
                                 Json& object) const;

 private:
  std::vector<ModifierRule> rules_;
};

}  // namespace lateen::restore
