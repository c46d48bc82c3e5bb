#include <set>
#include <thread>

#include "base/text.h"
#include "base/thread.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/downloads.h"
#include "cli/session.h"
#include "kube/discovery.h"
#include "kube/object.h"
#include "model/backup.h"
#include "model/documents.h"
#include "model/locations.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::cli {
namespace {

// A person waits at the prompt: a cluster that does not answer by then has no names to offer.
constexpr std::chrono::seconds kCompletionPatience{2};

template <typename T>
std::vector<std::string> names_of(const Session& session, std::stop_token stop) {
  std::vector<std::string> names;
  const auto objects = session.cluster.list<T>({}, stop);
  if (!objects) return names;
  for (const T& object : *objects)
    names.push_back(object.metadata.name);
  return names;
}

std::vector<std::string> namespaces_of(const Session& session, std::stop_token stop) {
  std::vector<std::string> names;
  const auto list = session.client->list({.gvr = {"", "v1", "namespaces"}}, {}, stop);
  const JsonArray* items = list ? array_at(*list, "items") : nullptr;
  if (items == nullptr) return names;
  for (const Json& item : *items)
    names.emplace_back(kube::name_of(item));
  return names;
}

std::vector<std::string> resources_of(const Session& session, std::stop_token stop) {
  std::vector<std::string> names;
  const auto found = kube::discover(*session.client, stop);
  if (!found) return names;
  for (const kube::ResourceType* type : found->preferred_with_verbs({"list", "create", "get"}))
    names.push_back(type->group_resource());
  return names;
}

// What --from-backup on the line that is being typed names.
std::string source_backup(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Cut pair = cut(words[i], "=");
    if (pair.before != "--from-backup") continue;
    if (pair.found) return std::string(pair.after);
    const std::size_t value = i + 1 < words.size() && words[i + 1] == "=" ? i + 2 : i + 1;
    if (value < words.size()) return words[value];
  }
  return {};
}

std::set<std::string> held_by(const std::string& backup,
                              bool namespaces,
                              const Session& session,
                              std::stop_token stop) {
  std::set<std::string> names;
  const auto document =
      download(session, model::DownloadTargetKind::BackupResourceList, backup, {}, stop);
  const auto held = document ? model::read_resource_list(*document) : document.error();
  const auto found = kube::discover(*session.client, stop);
  if (!held || !found) return names;
  for (const auto& [kind, items] : *held) {
    const Cut parts = cut_last(kind, "/");
    const kube::ResourceType* type =
        found->find_kind(parts.found ? parts.before : "v1", parts.found ? parts.after : kind);
    if (!namespaces && type != nullptr) names.insert(type->group_resource());
    if (!namespaces) continue;
    for (const std::string& item : items) {
      if (const Cut name = cut(item, "/"); name.found) names.emplace(name.before);
    }
  }
  return names;
}

std::vector<std::string> names_of(std::string_view kind,
                                  const Session& session,
                                  const std::vector<std::string>& words,
                                  std::stop_token stop) {
  const Cut of_backup = cut(kind, "-of-backup");
  const std::string backup = source_backup(words);
  if (of_backup.found && !backup.empty()) {
    const auto names = held_by(backup, of_backup.before == "namespace", session, stop);
    return {names.begin(), names.end()};
  }
  if (of_backup.before == "namespace") return namespaces_of(session, stop);
  if (of_backup.before == "resource") return resources_of(session, stop);
  if (kind == "backup") return names_of<model::Backup>(session, stop);
  if (kind == "restore") return names_of<model::Restore>(session, stop);
  if (kind == "schedule") return names_of<model::Schedule>(session, stop);
  if (kind == "backup-location") return names_of<model::BackupStorageLocation>(session, stop);
  if (kind == "snapshot-location") return names_of<model::VolumeSnapshotLocation>(session, stop);
  return {};
}

// The flags by which the line that is being typed says which cluster it means.
Flags cluster_flags(const std::vector<std::string>& words) {
  Flags flags(global_flags());
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const Cut pair = cut(words[i], "=");
    for (const char* name : {"kubeconfig", "kubecontext", "namespace"}) {
      const FlagSpec* spec = flags.find(name);
      const bool is_short = !spec->shorthand.empty() && words[i] == "-" + spec->shorthand;
      if (pair.before != "--" + spec->name && !is_short) continue;
      const bool split = words[i + 1] == "=" && i + 2 < words.size();  // as bash hands it over
      // What is refused is no cluster either.
      (void)flags.set(*spec, pair.found ? std::string(pair.after) : words[i + (split ? 2 : 1)]);
    }
  }
  return flags;
}

std::vector<std::string> ask_cluster(std::string_view kind, Invocation& call) {
  const Flags flags = cluster_flags(call.args);
  std::stop_source enough;
  const std::stop_callback told(call.stop, [&enough] { enough.request_stop(); });
  const std::jthread limit([&enough](std::stop_token stop) {
    if (sleep_unless_stopped(kCompletionPatience, stop)) enough.request_stop();
  });
  const std::vector<std::string> none;
  const Invocation asking{.flags = flags,
                          .args = none,
                          .console = call.console,
                          .clock = call.clock,
                          .program = call.program,
                          .stop = enough.get_token()};
  const auto session = open_session(asking);
  return session ? names_of(kind, *session, call.args, enough.get_token()) : none;
}

Result<int> print_candidates(Invocation& call, Command (*make_root)(const std::string&)) {
  const Completion completion =
      complete(make_root(call.program), call.args,
               [&call](std::string_view kind) { return ask_cluster(kind, call); });
  if (completion.files) call.console.line(":files");
  for (const Candidate& candidate : completion.candidates)
    call.console.line(fmt::format("{}\t{}", candidate.value, candidate.summary));
  return 0;
}

Result<int> print_script(Invocation& call) {
  if (call.args.size() != 1) {
    return Error(Code::InvalidArgument, "accepts 1 arg(s), received {}", call.args.size());
  }
  const auto script = completion_script(call.args.front(), call.program);
  if (!script) {
    // Velero says it on standard output, without its usual words before it.
    call.console.line(script.error().message());
    return 1;
  }
  call.console.out(*script);
  return 0;
}

constexpr std::string_view kHelp =
    R"(Prints a script that lets a shell complete commands, flags and the names of backups, restores,
schedules and locations.

bash:  source <(PROGRAM completion bash)
       for every session: PROGRAM completion bash > /etc/bash_completion.d/PROGRAM

zsh:   source <(PROGRAM completion zsh)
       for every session: PROGRAM completion zsh > "${fpath[1]}/_PROGRAM"
       (needs `autoload -U compinit; compinit` in ~/.zshrc)

fish:  PROGRAM completion fish | source
       for every session: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish)";

}  // namespace

Command completion_command(const std::string& program,
                           Command (*make_root)(const std::string& program)) {
  return {.name = "completion",
          .usage = "[bash|zsh|fish]",
          .summary = "Generate completion script",
          .run = print_script,
          .children = {{.name = "candidates",
                        .usage = "-- WORD...",
                        .summary = "What a shell offers for the last word",
                        .run = [make_root](
                                   Invocation& call) { return print_candidates(call, make_root); },
                        .hidden = true}},
          .text = replace_all(kHelp, "PROGRAM", program),
          .words = {"bash", "zsh", "fish"}};
}

}  // namespace lateen::cli
