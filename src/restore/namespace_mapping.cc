#include "restore/namespace_mapping.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::restore {
namespace {

// What the "*" of a pattern stands for in `text`; false if the pattern does not match.
bool match(std::string_view pattern, std::string_view text, std::string_view& middle) {
  const Cut parts = cut(pattern, "*");
  if (!parts.found || text.size() < parts.before.size() + parts.after.size() ||
      !text.starts_with(parts.before) || !text.ends_with(parts.after)) {
    return false;
  }
  middle = text.substr(parts.before.size(), text.size() - pattern.size() + 1);
  return true;
}

std::ptrdiff_t stars(std::string_view text) {
  return std::count(text.begin(), text.end(), '*');
}

}  // namespace

std::string target_namespace(const model::StringMap& mapping, std::string_view ns) {
  const auto exact = mapping.find(ns);
  if (exact != mapping.end()) return exact->second;
  std::string_view best;
  std::string target(ns);
  for (const auto& [pattern, to] : mapping) {
    std::string_view middle;
    if (pattern.size() <= best.size() || !match(pattern, ns, middle)) continue;
    best = pattern;
    const Cut parts = cut(to, "*");
    target = parts.found ? fmt::format("{}{}{}", parts.before, middle, parts.after) : to;
  }
  return target;
}

model::StringList validate_namespace_mapping(const model::StringMap& mapping) {
  model::StringList errors;
  for (const auto& [from, to] : mapping) {
    const auto wrong = [&, from = &from, to = &to](std::string_view why) {
      errors.push_back(fmt::format("Invalid namespace mapping {}:{}: {}", *from, *to, why));
    };
    if (from.empty() || to.empty()) wrong("both sides must be given");
    if (stars(from) > 1) wrong("a pattern may have one *");
    if (stars(to) > stars(from)) wrong("a * on the right needs one on the left");
    if (is_glob(replace_all(from, "*", "x")) || is_glob(replace_all(to, "*", "x"))) {
      wrong("the only pattern is *");
    }
  }
  return errors;
}

Error two_to_one(std::string_view first, std::string_view second, std::string_view target) {
  return Error(Code::InvalidArgument,
               "namespaces {} and {} would both be restored into {}: their objects would stand in "
               "each other's way",
               first, second, target)
      .with_hint("Map each to a namespace of its own, or restore them one after the other.");
}

}  // namespace lateen::restore
