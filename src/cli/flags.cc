#include "cli/flags.h"

#include <algorithm>

#include "base/duration.h"
#include "base/text.h"
#include "cli/values.h"

namespace lateen::cli {
namespace {

// In the words of Go's strconv.
Error not_parsed(std::string_view function, const std::string& value) {
  return Error(Code::InvalidArgument, "strconv.{}: parsing {}: invalid syntax", function,
               quote_go(value));
}

Status check(const FlagSpec& spec, const std::string& value) {
  switch (spec.kind) {
    case FlagKind::Bool:
    case FlagKind::OptionalBool:
    case FlagKind::BoolValue:
      if (!parse_bool(value)) return not_parsed("ParseBool", value);
      return {};
    case FlagKind::Count:
      if (!parse_int(value) && !parse_bool(value)) return not_parsed("ParseInt", value);
      return {};
    case FlagKind::Int:
      if (!parse_int(value)) return not_parsed("ParseInt", value);
      return {};
    case FlagKind::Duration:
      TRY(parse_go_duration(value));
      return {};
    case FlagKind::Map:
      TRY(parse_map(value, '='));
      return {};
    case FlagKind::Mappings:
      TRY(parse_map(value, ':'));
      return {};
    case FlagKind::Selector:
      TRY(parse_selector(value));
      return {};
    case FlagKind::OrSelector:
      TRY(parse_or_selector(value));
      return {};
    case FlagKind::String:
    case FlagKind::List:
    case FlagKind::ListAppend:
    case FlagKind::Texts:
      return {};
  }
  return {};
}

}  // namespace

const FlagSpec* Flags::find(std::string_view name) const {
  const auto at = std::find_if(specs_.begin(), specs_.end(),
                               [name](const FlagSpec& spec) { return spec.name == name; });
  return at == specs_.end() ? nullptr : &*at;
}

const FlagSpec* Flags::find_shorthand(char letter) const {
  const auto at = std::find_if(specs_.begin(), specs_.end(), [letter](const FlagSpec& spec) {
    return !spec.shorthand.empty() && spec.shorthand[0] == letter;
  });
  return at == specs_.end() ? nullptr : &*at;
}

Status Flags::set(const FlagSpec& spec, const std::string& value) {
  const Status good = check(spec, value);
  if (!good) {
    const std::string shown = spec.shorthand.empty()
                                  ? "--" + spec.name
                                  : fmt::format("-{}, --{}", spec.shorthand, spec.name);
    return Error(Code::InvalidArgument, "invalid argument {} for \"{}\" flag: {}", quote_go(value),
                 shown, good.error().message());
  }
  given_[spec.name].push_back(value);
  return {};
}

std::string Flags::text(std::string_view name) const {
  const auto at = given_.find(name);
  if (at != given_.end()) return at->second.back();
  const FlagSpec* spec = find(name);
  return spec == nullptr ? std::string() : spec->value;
}

bool Flags::is(std::string_view name) const {
  return parse_bool(text(name)).value_or(false);
}

std::optional<bool> Flags::tristate(std::string_view name) const {
  if (!given(name)) return std::nullopt;
  return is(name);
}

std::int64_t Flags::integer(std::string_view name) const {
  return parse_int(text(name)).value_or(0);
}

Duration Flags::duration(std::string_view name) const {
  return parse_go_duration(text(name)).value_or(Duration::zero());
}

std::vector<std::string> Flags::list(std::string_view name) const {
  const FlagSpec* spec = find(name);
  const auto at = given_.find(name);
  if (at == given_.end() || spec == nullptr || spec->kind != FlagKind::ListAppend) {
    return split_trimmed(text(name), ',');
  }
  std::vector<std::string> all;
  for (const std::string& value : at->second) {
    const std::vector<std::string> part = split_trimmed(value, ',');
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<std::string> Flags::texts(std::string_view name) const {
  const auto at = given_.find(name);
  return at == given_.end() ? std::vector<std::string>() : at->second;
}

model::StringMap Flags::map(std::string_view name) const {
  model::StringMap merged;
  const FlagSpec* spec = find(name);
  const auto at = given_.find(name);
  if (spec == nullptr || at == given_.end()) return merged;
  const char separator = spec->kind == FlagKind::Mappings ? ':' : '=';
  for (const std::string& value : at->second) {
    auto part = parse_map(value, separator);
    if (!part) continue;  // refused by set()
    for (auto& [key, text] : *part)
      merged[key] = text;
  }
  return merged;
}

std::optional<model::LabelSelector> Flags::selector(std::string_view name) const {
  auto parsed = parse_selector(text(name));
  if (!parsed || parsed->empty()) return std::nullopt;
  return std::move(*parsed);
}

std::vector<model::LabelSelector> Flags::selectors(std::string_view name) const {
  auto parsed = parse_or_selector(text(name));
  return parsed ? std::move(*parsed) : std::vector<model::LabelSelector>();
}

}  // namespace lateen::cli
