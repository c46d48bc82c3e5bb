#include "cli/repo/session.h"

#include <algorithm>

#include <pwd.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/memory.h"
#include "base/thread.h"
#include "cli/repo/cluster_repository.h"
#include "cli/repo/location.h"
#include "repository/restic/document_cache.h"

namespace lateen::cli::repo {
namespace {

using std::chrono::seconds;

constexpr Duration kFirstRetry = seconds(5);
constexpr Duration kLongestRetry = seconds(60);

void report(const Error& error, int code, bool json, Console& console) {
  if (json) {
    const JsonObject document = {
        {"message_type", "exit_error"}, {"code", code}, {"message", error.describe()}};
    console.err(write_json_unsorted(document) + "\n");
    return;
  }
  console.err(fmt::format("Fatal: {}\n", error.message()));
  if (!error.hint().empty()) console.err(fmt::format("  {}\n", error.hint()));
}

int exit_code_of(const Error& error, const RepoCall& call) {
  if (call.stop().stop_requested()) return kExitInterrupted;
  if (call.exit_code_of_opening != 0) return call.exit_code_of_opening;
  return error.is(Code::Conflict) ? kExitLocked : kExitError;
}

// Waits for others' locks as long as --retry-lock says.
Status lock(RepoCall& call,
            repository::restic::ResticRepository& repo,
            repository::restic::LockMode mode) {
  const Deadline deadline = Deadline::after(call.settings.retry_lock);
  Duration pause = kFirstRetry;
  for (bool first = true;; first = false) {
    Status locked = repo.lock(mode, call.stop());
    // Who would wait for a lock must know now whether he has it.
    if (locked && !deadline.expired()) locked = repo.settle_lock(call.stop());
    if (locked || !locked.error().is(Code::Conflict) || deadline.expired()) return locked;
    if (first) call.printer.note("the repository is locked: waiting for the lock");
    const Duration wait = std::min(pause, deadline.remaining());
    if (!sleep_unless_stopped(wait, call.stop())) {
      return Error(Code::Canceled, "waiting for the lock was stopped");
    }
    pause = std::min(pause * 2, kLongestRetry);
  }
}

Status take_lock(RepoCall& call, repository::restic::ResticRepository& repo, Access access) {
  using repository::restic::LockMode;
  switch (access) {
    case Access::NoLock:
      return {};
    case Access::Read:
      if (call.settings.no_lock) return {};
      [[fallthrough]];
    case Access::Write:
      return lock(call, repo, LockMode::Shared);
    case Access::Exclusive:
      return lock(call, repo, LockMode::Exclusive);
  }
  return {};
}

std::unique_ptr<objects::ObjectStore> with_cache(const RepoSettings& place,
                                                 std::unique_ptr<objects::ObjectStore> store) {
  if (place.cache_dir.empty() || is_directory_location(place.location)) return store;
  std::string name = place.location;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '/' || c == ':'; }, '_');
  return repository::restic::keep_documents(std::move(store), place.cache_dir / "objects" / name);
}

// Waiting for a distant store takes no core: more at once than there are cores.
constexpr std::size_t kThreadsForDistance = 8;

repository::RepositoryAccess access_to(RepoCall& call, const RepoSettings& place) {
  repository::RepositoryAccess access = access_of(call);
  access.local = is_directory_location(place.location);
  if (!access.local) access.threads = kThreadsForDistance;
  return access;
}

// A repository of restic's that was found.
struct FoundRestic {
  std::unique_ptr<objects::ObjectStore> store = {};
  Bytes config = {};
};

Result<OpenRepo> open_restic(RepoCall& call,
                             const RepoSettings& place,
                             const Secret& password,
                             FoundRestic found,
                             Access access) {
  auto opened =
      repository::restic::open_repository(with_cache(place, std::move(found.store)), password,
                                          {.key_hint = place.key_hint,
                                           .config = std::move(found.config),
                                           .load_index = false,
                                           .pack_size = call.settings.pack_size},
                                          access_to(call, place), call.stop());
  if (!opened) {
    if (opened.error().is(Code::Unauthenticated)) call.exit_code_of_opening = kExitWrongPassword;
    return std::move(opened).error();
  }
  OpenRepo repo{.restic = opened->get()};
  TRY(take_lock(call, **opened, access));
  repo.repository = std::move(*opened);
  return repo;
}

Result<OpenRepo> open_kopia(RepoCall& call,
                            const RepoSettings& place,
                            const Secret& password,
                            std::unique_ptr<objects::ObjectStore> store,
                            repository::kopia::FoundRepository found) {
  auto opened = repository::kopia::open_found(std::move(store), std::move(found), password,
                                              access_to(call, place), call.stop());
  if (!opened) {
    if (opened.error().is(Code::Unauthenticated)) call.exit_code_of_opening = kExitWrongPassword;
    return std::move(opened).error();
  }
  OpenRepo repo{.kopia = opened->get()};
  repo.repository = std::move(*opened);
  return repo;
}

struct FoundFormat {
  std::optional<Bytes> restic = {};  // its config
  std::optional<repository::kopia::FoundRepository> kopia = {};
};

// For both at once where the store is far away. What goes wrong with kopia's name is of no interest
// where restic's is found.
Result<FoundFormat> find_format(objects::ObjectStore& store,
                                const RepoSettings& place,
                                const std::stop_token& stop) {
  FoundFormat found;
  Status kopia_looked;
  const auto look = [&](std::size_t i, const std::stop_token& told) -> Status {
    if (i == 0) {
      found.restic = TRY(repository::restic::find_repository(store, told));
      return {};
    }
    auto there = repository::kopia::find_repository(store, told);
    if (there) {
      found.kopia = std::move(*there);
    } else {
      kopia_looked = std::move(there).error();
    }
    return {};
  };
  if (is_directory_location(place.location)) {
    TRY(look(0, stop));
    if (!found.restic) TRY(look(1, stop));
  } else {
    TRY(parallel_for(2, 2, look, stop));
  }
  if (!found.restic) TRY(std::move(kopia_looked));
  return found;
}

// The format is told by looking.
Result<OpenRepo> open_in(RepoCall& call,
                         const RepoSettings& place,
                         std::unique_ptr<objects::ObjectStore> store,
                         const std::function<Result<Secret>()>& password,
                         Access access) {
  FoundFormat found = TRY(find_format(*store, place, call.stop()));
  if (found.restic) {
    const Secret secret = TRY(password());
    return open_restic(call, place, secret,
                       {.store = std::move(store), .config = std::move(*found.restic)}, access);
  }
  if (found.kopia) {
    const Secret secret = TRY(password());
    return open_kopia(call, place, secret, std::move(store), std::move(*found.kopia));
  }
  call.exit_code_of_opening = kExitNoRepository;
  return Error(
             Code::NotFound,
             "there is no repository at {}: neither restic's config nor kopia.repository is there",
             place.location)
      .with_hint("`init` makes one.");
}

// A BackupRepository, with whichever of the cluster's keys opens it.
Result<OpenRepo> open_of_cluster(RepoCall& call, const RepoSettings& place, Access access) {
  const ClusterRepository found = TRY(find_cluster_repository(call.call, place));
  for (std::size_t i = 0;; ++i) {
    call.exit_code_of_opening = 0;
    auto opened = open_in(
        call, place, TRY(found.open_store()), [&]() -> Result<Secret> { return found.keys[i]; },
        access);
    const bool wrong_key = call.exit_code_of_opening == kExitWrongPassword;
    if (opened || !wrong_key || i + 1 == found.keys.size()) return opened;
  }
}

}  // namespace

std::string default_host() {
  if (const auto host = env("RESTIC_HOST"); host && !host->empty()) return *host;
  std::array<char, 256> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::string default_user() {
  std::vector<char> room(64 << 10);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return env("USER").value_or(std::to_string(::getuid()));
}

repository::RepositoryAccess access_of(RepoCall& call) {
  return {.clock = call.clock,
          .rng = call.rng,
          .cache_dir = call.settings.cache_dir,
          .user = default_user(),
          .host = default_host()};
}

Result<OpenRepo> open_repo(RepoCall& call, Access access) {
  return open_repo_at(
      call, call.settings, [&call] { return read_password(call.call, PasswordUse::Open); }, access);
}

Result<OpenRepo> open_repo_at(RepoCall& call,
                              const RepoSettings& place,
                              const std::function<Result<Secret>()>& password,
                              Access access) {
  // Packs and windows are large and come and go: what they leave would otherwise stay ours.
  return_freed_memory();
  if (!cluster_repository_name(place.location).empty()) return open_of_cluster(call, place, access);
  auto store = open_store(place, false);
  if (!store) {
    if (store.error().is(Code::NotFound)) call.exit_code_of_opening = kExitNoRepository;
    return std::move(store).error();
  }
  return open_in(call, place, std::move(*store), password, access);
}

Result<SnapshotList> list_snapshots(RepoCall& call, const OpenRepo& repo) {
  SnapshotList list;
  std::vector<Error> problems;
  list.snapshots = TRY(repo.repository->readable_snapshots(problems, call.stop()));
  for (Error& problem : problems) {
    list.complete = false;
    call.printer.problem({.path = "snapshots", .error = std::move(problem)}, "load");
  }
  return list;
}

Status need_contents(const OpenRepo& repo, const std::stop_token& stop) {
  return repo.restic == nullptr ? Status() : repo.restic->ensure_index(stop);
}

Status need_some_contents(RepoCall& call, const OpenRepo& repo) {
  if (repo.kopia != nullptr) {
    for (const repository::Problem& problem : repo.kopia->damaged_indexes())
      call.printer.problem(problem, "load");
    return {};
  }
  std::vector<Error> problems;
  TRY(repo.restic->ensure_some_index(problems, call.stop()));
  for (Error& problem : problems)
    call.printer.problem({.path = "index", .error = std::move(problem)}, "load");
  return {};
}

Status only_restic(const OpenRepo& repo, std::string_view command) {
  if (repo.restic != nullptr) return {};
  return Error(Code::Unsupported, "`{}` is for restic's repositories; this one is kopia's",
               command);
}

Handler repo_handler(RepoHandler handler) {
  return [handler](Invocation& call) -> Result<int> {
    const bool json = call.flags.is("json");
    auto settings = read_settings(call);
    if (!settings) {
      report(settings.error(), kExitError, json, call.console);
      return kExitError;
    }
    RepoCall repo_call{.call = call,
                       .settings = *settings,
                       .printer = Printer(call.console, settings->json, settings->verbosity)};
    auto code = handler(repo_call);
    if (code) return *code;
    const int failure = exit_code_of(code.error(), repo_call);
    report(code.error(), failure, json, call.console);
    return failure;
  };
}

}  // namespace lateen::cli::repo
