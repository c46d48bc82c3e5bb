// Flags in the words of pflag: --name value, --name=value, -n value; and what they may hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/label_selector.h"
#include "model/object_meta.h"

namespace lateen::cli {

enum class FlagKind {
  Bool,          // --x, --x=false
  OptionalBool,  // the same, and absent is a third answer
  BoolValue,     // --x=true or --x true, and absent is a third answer
  String,
  Int,
  Duration,    // 720h0m0s
  List,        // a,b: a repeat replaces, as in Velero
  ListAppend,  // a,b: a repeat adds
  Texts,       // a repeat adds; a comma is part of the value
  Count,       // -v, -vv, --v=2
  Map,         // k=v,k2="v,2": repeats merge
  Mappings,    // a:b,c:d
  Selector,    // app=web,tier in (a,b)
  OrSelector,  // selectors joined by " or "
};

struct FlagSpec {
  std::string name;
  FlagKind kind = FlagKind::String;
  std::string usage;           // help text
  std::string value = {};      // what is taken when the flag is absent
  std::string shorthand = {};  // one letter
  std::string type_name = {};  // in help; by kind if empty
  bool hidden = false;
  // For completion: the words that it takes, or the kind of object that it names ("backup";
  // "file").
  std::vector<std::string> words = {};
  std::string names = {};

  bool takes_value() const {
    return kind != FlagKind::Bool && kind != FlagKind::OptionalBool && kind != FlagKind::Count;
  }
};

// What was given on a command line, checked. Immutable once parsed.
class Flags {
 public:
  explicit Flags(std::vector<FlagSpec> specs) : specs_(std::move(specs)) {}

  const FlagSpec* find(std::string_view name) const;
  const FlagSpec* find_shorthand(char letter) const;

  const std::vector<FlagSpec>& specs() const { return specs_; }

  // Takes one occurrence. InvalidArgument in pflag's words.
  Status set(const FlagSpec& spec, const std::string& value);

  bool given(std::string_view name) const { return given_.find(name) != given_.end(); }

  // The last value given, or the default.
  std::string text(std::string_view name) const;
  bool is(std::string_view name) const;
  std::optional<bool> tristate(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  Duration duration(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  // Every value given, as it was given.
  std::vector<std::string> texts(std::string_view name) const;
  model::StringMap map(std::string_view name) const;
  // Nothing when absent or empty.
  std::optional<model::LabelSelector> selector(std::string_view name) const;
  std::vector<model::LabelSelector> selectors(std::string_view name) const;

 private:
  std::vector<FlagSpec> specs_;
  std::map<std::string, std::vector<std::string>, std::less<>> given_;
};

// "app=web,tier in (a,b),!old" as the API's struct.
Result<model::LabelSelector> parse_selector(std::string_view text);

}  // namespace lateen::cli
