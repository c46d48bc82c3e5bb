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

// --all, -l, --confirm, --dry-run, -o; `noun` as in "Delete all backups".
std::vector<FlagSpec> delete_flags(std::string_view noun_plural);

// Exactly one of names, --all and --selector; in Velero's words.
Status check_selection(const Invocation& call, std::string_view noun);

// Says what will be deleted, and asks. False when nothing shall be: not confirmed, or --dry-run.
// With -o json or yaml nothing is said but the document in the end (report_removal).
bool shall_remove(const std::vector<std::string>& names,
                  std::string_view noun_plural,
                  Invocation& call);

// What a command on several objects did: {"deleted": [names], "dryRun": false, "errors": [texts]}
// under `done`, as -o says; without -o the errors as one Error. The exit code.
struct Removal {
  std::vector<std::string> names = {};
  std::vector<std::string> problems = {};
};

Result<int> report_removal(const Removal& removal, std::string_view done, Invocation& call);

// "No backups found": no error, as in Velero.
Result<int> report_none(Removal removal,
                        std::string_view noun_plural,
                        std::string_view done,
                        Invocation& call);

// After shall_remove() said no.
Result<int> report_kept(Removal removal, std::string_view done, Invocation& call);

// Whether a command that tells what it does as it goes shall be silent: -o json or yaml.
bool is_silent(const Invocation& call);

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
Result<ChosenObjects<T>> choose_objects(const Session& session,
                                        const Invocation& call,
                                        const std::vector<std::string>& names) {
  ChosenObjects<T> chosen;
  const bool by_name = !names.empty();
  const auto all =
      TRY(session.cluster.list<T>(by_name ? "" : call.flags.text("selector"), call.stop));
  if (!by_name) {
    chosen.objects = all;
    return chosen;
  }
  for (const std::string& name : names) {
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

template <typename T>
Removal removal_of(const ChosenObjects<T>& chosen) {
  Removal removal{.problems = chosen.problems};
  for (const T& object : chosen.objects)
    removal.names.push_back(object.metadata.name);
  return removal;
}

}  // namespace lateen::cli
