// Deleting by names, globs, a selector or all: which ones, and is the person sure.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"

namespace lateen::cli {

// --all, -l, --confirm; `noun` as in "Delete all backups".
std::vector<FlagSpec> delete_flags(std::string_view noun_plural);

// Exactly one of names, --all and --selector; in Velero's words.
Status check_selection(const Invocation& call, std::string_view noun);

// With --confirm yes; else asks until y or n. An input that ends is a no, and said so.
bool is_confirmed(Invocation& call);

template <typename T>
struct ChosenObjects {
  std::vector<T> objects;
  std::vector<std::string> problems;  // names that are not there
};

// Names may be globs, unless we are Velero. A glob that matches nothing is a problem like a missing
// name.
template <typename T>
Result<ChosenObjects<T>> choose_objects(const Session& session, const Invocation& call) {
  ChosenObjects<T> chosen;
  const bool by_name = !call.args.empty();
  const auto all =
      TRY(session.cluster.list<T>(by_name ? "" : call.flags.text("selector"), call.stop));
  if (!by_name) {
    chosen.objects = all;
    return chosen;
  }
  for (const std::string& name : call.args) {
    bool any = false;
    for (const T& object : all) {
      const bool matches = object.metadata.name == name || (!call.is_velero() && is_glob(name) &&
                                                            glob_match(name, object.metadata.name));
      if (!matches) continue;
      any = true;
      const bool already = std::any_of(
          chosen.objects.begin(), chosen.objects.end(),
          [&object](const T& other) { return other.metadata.name == object.metadata.name; });
      if (!already) chosen.objects.push_back(object);
    }
    if (!any) {
      chosen.problems.push_back(
          fmt::format("{}.velero.io \"{}\" not found", T::kKind.plural, name));
    }
  }
  return chosen;
}

// A glob may catch more than was thought of: shows what it caught before asking.
template <typename T>
void show_if_glob(const ChosenObjects<T>& chosen, Invocation& call) {
  const bool any_glob = std::any_of(call.args.begin(), call.args.end(),
                                    [](const std::string& name) { return is_glob(name); });
  if (!any_glob || call.is_velero()) return;
  for (const T& object : chosen.objects)
    call.console.line(object.metadata.name);
}

}  // namespace lateen::cli
