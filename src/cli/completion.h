// What a shell offers for the word under the cursor. One answer from the tree of commands; the
// shells' scripts only ask for it, so that they never lag behind the program.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace lateen::cli {

struct Candidate {
  std::string value;
  std::string summary;

  bool operator==(const Candidate&) const = default;
};

struct Completion {
  bool files = false;  // the shell completes the name of a file
  std::vector<Candidate> candidates = {};
};

// The names of the objects of a kind: "backup", "restore", "schedule", "backup-location",
// "snapshot-location", "namespace"; "resource" for kinds ("deployments.apps"); and
// "namespace-of-backup" and "resource-of-backup" for what the backup of --from-backup holds.
using NameSource = std::function<std::vector<std::string>(std::string_view kind)>;

// `words` are those behind the program's name; the last one is being typed and may be empty. bash
// hands over "--output=js" in three words: then only what stands behind the "=" is offered.
Completion complete(const Command& root,
                    const std::vector<std::string>& words,
                    const NameSource& names);

// Says of the filters of namespaces and resources what they name.
void name_filters(std::vector<FlagSpec>& flags, bool of_backup);

// The script that a shell sources: bash, zsh or fish. InvalidArgument for another one.
Result<std::string> completion_script(std::string_view shell, const std::string& program);

}  // namespace lateen::cli
