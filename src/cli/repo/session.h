// An opened repository, and how a command on one runs and ends.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "cli/command.h"
#include "cli/repo/printer.h"
#include "cli/repo/settings.h"
#include "repository/kopia/kopia.h"
#include "repository/restic/restic.h"

namespace lateen::cli::repo {

// Restic's exit codes.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitIncomplete = 3;  // something could not be read; the rest is there
inline constexpr int kExitNoRepository = 10;
inline constexpr int kExitLocked = 11;
inline constexpr int kExitWrongPassword = 12;
inline constexpr int kExitInterrupted = 130;

// One call of a `repo` command. Lives while the command runs.
struct RepoCall {
  Invocation& call;
  RepoSettings settings;
  Printer printer;
  SystemRng rng = {};
  SystemClock clock = {};
  int exit_code_of_opening = 0;  // of a failure to open

  const Flags& flags() const { return call.flags; }

  const std::stop_token& stop() const { return call.stop; }
};

// What a command needs of locks (restic's format has them).
enum class Access {
  Read,       // a shared lock, unless --no-lock
  Write,      // a shared lock
  Exclusive,  // nobody else
  NoLock,
};

// A repository of either format; one of the pointers is set.
struct OpenRepo {
  std::unique_ptr<repository::Repository> repository = {};
  repository::restic::ResticRepository* restic = nullptr;
  repository::kopia::KopiaRepository* kopia = nullptr;
};

// Tells the format by looking. For restic's the index is not loaded yet (see need_contents).
Result<OpenRepo> open_repo(RepoCall& call, Access access);
// Another than the call's own: --from-repo.
Result<OpenRepo> open_repo_at(RepoCall& call,
                              const RepoSettings& place,
                              const std::function<Result<Secret>()>& password,
                              Access access);

// Snapshots that can be read, oldest first; the others are said on standard error, and `complete`
// is false then.
struct SnapshotList {
  std::vector<repository::Snapshot> snapshots = {};
  bool complete = true;
};

Result<SnapshotList> list_snapshots(RepoCall& call, const OpenRepo& repo);

// Before reader() and trees() are used: loads restic's index.
Status need_contents(const OpenRepo& repo, const std::stop_token& stop);
// The same for who only reads: a damaged part of the index, of either format, is said on standard
// error, and what the rest knows can be read.
Status need_some_contents(RepoCall& call, const OpenRepo& repo);

repository::RepositoryAccess access_of(RepoCall& call);

using RepoHandler = Result<int> (*)(RepoCall&);

// A command: reads the settings, runs it, says its error and gives restic's exit code.
Handler repo_handler(RepoHandler handler);

// InvalidArgument with the format's name: for what only the other one has.
Status only_restic(const OpenRepo& repo, std::string_view command);

// This machine, or $RESTIC_HOST.
std::string default_host();
std::string default_user();

}  // namespace lateen::cli::repo
