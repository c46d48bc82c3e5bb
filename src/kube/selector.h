// Label and field selectors: parsed, validated, printed and matched as Kubernetes does, with its
// error texts.
//
//   const LabelSelector s = TRY(LabelSelector::parse("app=web,tier notin (cache,db)"));
//   if (s.matches(labels_of(object))) …
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lateen::kube {

using Labels = std::map<std::string, std::string, std::less<>>;

enum class SelectorOperator {
  Equals,
  DoubleEquals,
  NotEquals,
  In,
  NotIn,
  Exists,
  DoesNotExist,
  GreaterThan,
  LessThan
};

// One condition on one label. Values are sorted and unique.
struct Requirement {
  std::string key;
  SelectorOperator op = SelectorOperator::Exists;
  std::vector<std::string> values;

  bool operator==(const Requirement&) const = default;

  // `value` is null when the object has no such label.
  bool matches(const std::string_view* value) const;

  // Kubernetes' canonical text: "app=web", "tier in (a,b)", "!x", "n>3".
  std::string to_string() const;
};

// Checks key, operator and values; InvalidArgument with Kubernetes' text ("values[0][app]: Invalid
// value: …").
Result<Requirement> make_requirement(std::string key,
                                     SelectorOperator op,
                                     std::vector<std::string> values);

// A conjunction of requirements; the empty one selects everything. Immutable.
class LabelSelector {
 public:
  LabelSelector() = default;  // selects everything

  // labels.Parse: "a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2".
  static Result<LabelSelector> parse(std::string_view text);

  // metav1.LabelSelector {matchLabels, matchExpressions}. Null or absent selects nothing, {}
  // everything.
  static Result<LabelSelector> from_json(const Json* selector);

  // The set {a: b} of a Service or ReplicationController.
  static LabelSelector from_labels(const Labels& labels);

  static LabelSelector nothing();

  bool selects_nothing() const { return nothing_; }

  bool selects_everything() const { return !nothing_ && requirements_.empty(); }

  bool matches(const Labels& labels) const;
  bool matches(const JsonObject* labels) const;  // metadata.labels; null is no labels

  const std::vector<Requirement>& requirements() const { return requirements_; }

  // What goes into ?labelSelector= : requirements sorted by key.
  std::string to_string() const;

 private:
  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

// metav1.ParseToLabelSelector: the struct form of a --selector flag, for a spec.labelSelector.
Result<Json> parse_to_label_selector(std::string_view text);

// metav1.FormatLabelSelector of a struct: "<none>" when absent or empty, "<error>" when invalid.
// What velero's tables and `describe` print.
std::string format_label_selector(const Json* selector);

// "metadata.name=db,status.phase!=Running": `=`, `==` and `!=` terms joined by commas; backslash
// escapes. Immutable.
class FieldSelector {
 public:
  struct Term {
    std::string field;
    bool equal = true;
    std::string value;

    bool operator==(const Term&) const = default;
  };

  FieldSelector() = default;  // selects everything

  static Result<FieldSelector> parse(std::string_view text);

  bool selects_everything() const { return terms_.empty(); }

  const std::vector<Term>& terms() const { return terms_; }

  // Fields are dotted paths into the object; an absent one reads "". Booleans and numbers compare
  // by their text.
  bool matches(const Json& object) const;

  // The value demanded of `field` by an `=` term, if there is one ("metadata.name" turns a list
  // into a get).
  std::optional<std::string> required_value(std::string_view field) const;

  std::string to_string() const;

 private:
  std::vector<Term> terms_;
};

}  // namespace lateen::kube
