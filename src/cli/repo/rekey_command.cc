// `lateen repo rekey`: another password for a repository, or another key for those of a cluster.
#include <algorithm>

#include "base/environment.h"
#include "base/text.h"
#include "base/thread.h"
#include "cli/confirm.h"
#include "cli/repo/location.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/session.h"
#include "model/locations.h"
#include "server/local_context.h"
#include "server/repository_rekey.h"
#include "volumes/volume_repository.h"

namespace lateen::cli::repo {
namespace {

using model::BackupRepository;

constexpr Duration kRekeyPause = std::chrono::milliseconds(500);

Result<int> rekey_repository(RepoCall& call) {
  if (!cluster_repository_name(call.settings.location).empty()) {
    return Error(Code::InvalidArgument, "a cluster's keys are its server's")
        .with_hint(
            fmt::format("lateen repo rekey {}", cluster_repository_name(call.settings.location)));
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  const Secret password = TRY(read_password(call.call, PasswordUse::New));
  if (repo.restic != nullptr) {
    const std::string id = TRY(repo.restic->change_password(password, call.stop()));
    call.printer.note(fmt::format("saved new key as {}; the one it was opened with is gone", id));
    return kExitOk;
  }
  TRY(repo.kopia->change_password(password, call.stop()));
  call.printer.note("the repository has another password; what is stored stayed as it is");
  return kExitOk;
}

// One call on the repositories of a cluster.
class ClusterRekey {
 public:
  ClusterRekey(Invocation& call, Session& session, const server::ServerContext& context)
      : call_(call), session_(session), context_(context) {}

  Result<int> run() {
    const std::string location = call_.flags.text("location");
    std::vector<BackupRepository> meant = TRY(choose(location));
    const bool new_key = call_.args.empty();
    if (new_key) TRY(ask(location, meant));
    if (!confirmed_) return 1;
    // Before any key changes: a server is there that answers, and each can be opened.
    TRY(bring(meant, "opened"));
    if (!new_key) return 0;
    TRY(change_keys(location));
    meant = TRY(choose(location));
    TRY(bring(meant, "under the new key"));
    call_.console.line(fmt::format(
        "Keep a copy of Secret {}/{} outside of this cluster, instead of the former "
        "one: kubectl -n {} get secret {} -o yaml",
        session_.ns(), volumes::kRepositorySecret, session_.ns(), volumes::kRepositorySecret));
    return 0;
  }

 private:
  // By name, of a location, or all those that have the key that Velero reads.
  Result<std::vector<BackupRepository>> choose(const std::string& location) const {
    if (!call_.args.empty()) {
      auto chosen = TRY(choose_objects<BackupRepository>(session_, call_, call_.args));
      if (!chosen.problems.empty()) return Error(Code::NotFound, "{}", chosen.problems.front());
      return std::move(chosen.objects);
    }
    if (!location.empty())
      TRY(session_.cluster.get<model::BackupStorageLocation>(location, call_.stop));
    const auto keys = TRY(server::read_repository_keys(context_, call_.stop));
    auto all = TRY(session_.cluster.list<BackupRepository>({}, call_.stop));
    std::erase_if(all, [&](const BackupRepository& one) {
      const std::string& where = one.spec.backup_storage_location;
      return location.empty() ? keys.own.contains(where) : where != location;
    });
    return all;
  }

  Status ask(const std::string& location, const std::vector<BackupRepository>& meant) {
    const bool shared = call_.flags.is("shared");
    if (shared && location.empty())
      return Error(Code::InvalidArgument, "--shared needs a --location");
    const std::string key = shared             ? "the key that Velero reads"
                            : location.empty() ? "a new random key, where Velero reads it"
                                               : "a new random key of their own, which Velero does "
                                                 "not read";
    call_.console.line(fmt::format("{} {} will have {}.", meant.size(),
                                   meant.size() == 1 ? "repository" : "repositories", key));
    confirmed_ = is_confirmed(call_);
    return {};
  }

  Status change_keys(const std::string& location) {
    if (location.empty()) return server::replace_shared_key(context_, call_.stop);
    return call_.flags.is("shared") ? server::drop_location_key(context_, location, call_.stop)
                                    : server::replace_location_key(context_, location, call_.stop);
  }

  // Asks the server to bring each under the key that it is to have, and waits.
  Status bring(const std::vector<BackupRepository>& repositories, std::string_view as) {
    SystemRng rng;
    const std::string request = uuid4(rng);
    for (const BackupRepository& one : repositories) {
      TRY(session_.cluster.modify<BackupRepository>(
          one.metadata.name,
          [&](BackupRepository& now) {
            auto& notes = now.metadata.annotations;
            notes.insert_or_assign(std::string(server::kRekeyRequest), request);
            notes.erase(std::string(server::kRekeyProblem));
          },
          call_.stop));
    }
    const Deadline deadline = Deadline::after(call_.flags.duration("timeout"));
    for (const BackupRepository& one : repositories) {
      TRY(wait_for(one.metadata.name, deadline));
      call_.console.line(fmt::format("{}: {}", one.metadata.name, as));
    }
    return {};
  }

  Status wait_for(const std::string& name, Deadline deadline) const {
    while (true) {
      const auto now = TRY(session_.cluster.get<BackupRepository>(name, call_.stop));
      if (!server::wants_rekey(now)) return {};
      const std::string problem(server::annotation_of(now, server::kRekeyProblem));
      if (!problem.empty() || deadline.expired()) {
        return Error(Code::Unavailable, "repository {}: {}", name,
                     problem.empty() ? "no server of Lateen's answered" : problem)
            .with_hint(
                "Nothing is lost: the former key is kept, and the server goes on trying. Run "
                "`lateen repo rekey` with the repository's name to ask again.");
      }
      if (!sleep_unless_stopped(kRekeyPause, call_.stop))
        return Error(Code::Canceled, "waiting was stopped; the server goes on");
    }
  }

  Invocation& call_;
  Session& session_;
  const server::ServerContext& context_;
  bool confirmed_ = true;
};

Result<int> rekey_in_cluster(Invocation& call) {
  Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  return ClusterRekey(call, session, local.get()).run();
}

Result<int> rekey(Invocation& call) {
  const Flags& flags = call.flags;
  const bool of_cluster = !call.args.empty() || flags.is("all") || !flags.text("location").empty();
  const bool of_place = flags.given("repo") || flags.given("repository-file");
  if (of_cluster && of_place) {
    return Error(Code::InvalidArgument,
                 "--repo names one repository, and a name, --location and --all those of a cluster")
        .with_hint("Give one of them.");
  }
  if (!of_cluster && !of_place && !env("RESTIC_REPOSITORY") && !env("RESTIC_REPOSITORY_FILE")) {
    return Error(Code::InvalidArgument, "which repositories? Nothing says")
        .with_hint(
            "Give --all, --location NAME or names of BackupRepositories for those of the cluster, "
            "or --repo for one by itself.");
  }
  return of_cluster ? rekey_in_cluster(call) : repo_handler(rekey_repository)(call);
}

}  // namespace

Command rekey_command() {
  return {
      .name = "rekey",
      .usage = "[NAME...]",
      .summary = "Give repositories another key",
      .flags = with_repo_flags(
          {{.name = "all",
            .kind = FlagKind::Bool,
            .usage = "All repositories of the cluster that have the key that Velero reads: a new "
                     "one, in the same place"},
           {.name = "location",
            .usage = "Those of this backup storage location: a key of their own",
            .type_name = "name"},
           {.name = "shared",
            .kind = FlagKind::Bool,
            .usage = "With --location: back to the key that Velero reads"},
           {.name = "confirm", .kind = FlagKind::Bool, .usage = "Do not ask"},
           {.name = "timeout",
            .kind = FlagKind::Duration,
            .usage = "How long to wait for the server",
            .value = "5m0s"},
           {.name = "new-password-file",
            .usage = "With --repo: file to read the new password from",
            .type_name = "file",
            .names = "file"},
           {.name = "new-insecure-no-password",
            .kind = FlagKind::Bool,
            .usage = "With --repo: the new password is empty"}}),
      .run = rekey,
      .text =
          "With --repo, one repository gets another password. With names, --location or --all the "
          "server of the cluster\nbrings BackupRepositories under another random key, which it "
          "keeps in Secret velero-repo-credentials; with names\nalone, under the key that they "
          "are to have already.\n\nThe data stay as they are, and backups go on meanwhile. Former "
          "random keys stay in the Secret, for copies of the\nbucket that are under them."};
}

}  // namespace lateen::cli::repo
