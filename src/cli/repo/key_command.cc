#include <algorithm>

#include "base/zone.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/repo/show.h"

namespace lateen::cli::repo {
namespace {

using repository::restic::KeyInfo;

Result<std::vector<KeyInfo>> read_keys(RepoCall& call, const OpenRepo& repo) {
  std::vector<Error> problems;
  std::vector<KeyInfo> keys = TRY(repo.restic->keys(problems, call.stop()));
  for (Error& problem : problems)
    call.printer.problem({.path = "keys", .error = std::move(problem)}, "load");
  return keys;
}

Result<OpenRepo> open_for_keys(RepoCall& call, Access access) {
  OpenRepo repo = TRY(open_repo(call, access));
  TRY(only_restic(repo, "key"));
  return repo;
}

Result<int> list(RepoCall& call) {
  const OpenRepo repo = TRY(open_for_keys(call, Access::Read));
  const std::vector<KeyInfo> keys = TRY(read_keys(call, repo));
  const Zone zone = Zone::local();
  if (call.printer.json()) {
    JsonArray out;
    for (const KeyInfo& key : keys) {
      out.push_back(JsonObject{{"current", key.current},
                               {"id", key.id},
                               {"userName", key.user},
                               {"hostName", key.host},
                               {"created", format_local_time(key.created, zone)}});
    }
    call.printer.document(out);
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const KeyInfo& key : keys) {
    rows.push_back({(key.current ? "*" : " ") + key.id.substr(0, 8), key.user, key.host,
                    format_local_time(key.created, zone)});
  }
  call.call.console.out(restic_table({" ID", "User", "Host", "Created"}, rows, ""));
  return kExitOk;
}

Result<int> add(RepoCall& call) {
  const OpenRepo repo = TRY(open_for_keys(call, Access::Write));
  const Secret password = TRY(read_password(call.call, PasswordUse::New));
  const std::string user = call.flags().text("user");
  const std::string host = call.flags().text("host");
  const std::string id =
      TRY(repo.restic->add_key(password,
                               {.username = user.empty() ? default_user() : user,
                                .hostname = host.empty() ? default_host() : host},
                               call.stop()));
  call.printer.note("saved new key with ID " + id);
  return kExitOk;
}

Result<int> remove(RepoCall& call) {
  if (call.call.args.size() != 1) {
    return Error(Code::InvalidArgument, "one key's ID must be given");
  }
  const OpenRepo repo = TRY(open_for_keys(call, Access::Exclusive));
  const std::string& wanted = call.call.args.front();
  std::vector<KeyInfo> keys = TRY(read_keys(call, repo));
  std::erase_if(keys, [&wanted](const KeyInfo& key) { return !key.id.starts_with(wanted); });
  if (keys.size() != 1 || wanted.empty()) {
    return Error(Code::NotFound, "{} keys' IDs begin with \"{}\"", keys.size(), wanted)
        .with_hint("`key list` shows them.");
  }
  TRY(repo.restic->remove_key(keys.front().id, call.stop()));
  call.printer.note("removed key " + keys.front().id);
  return kExitOk;
}

Result<int> passwd(RepoCall& call) {
  const OpenRepo repo = TRY(open_for_keys(call, Access::Exclusive));
  const Secret password = TRY(read_password(call.call, PasswordUse::New));
  const std::string id = TRY(repo.restic->change_password(password, call.stop()));
  call.printer.note(fmt::format("saved new key as {}", id));
  return kExitOk;
}

std::vector<FlagSpec> new_password_flags() {
  return {{.name = "new-password-file",
           .usage = "File to read the new password from",
           .type_name = "file",
           .names = "file"},
          {.name = "new-insecure-no-password",
           .kind = FlagKind::Bool,
           .usage = "The new password is empty"}};
}

}  // namespace

Command key_command() {
  std::vector<FlagSpec> add_flags = new_password_flags();
  add_flags.push_back({.name = "user", .usage = "Whose key it is", .type_name = "username"});
  add_flags.push_back({.name = "host", .usage = "On which host", .type_name = "hostname"});
  return {.name = "key",
          .usage = "",
          .summary = "Manage the passwords of a restic repository",
          .children = {{.name = "list",
                        .usage = "",
                        .summary = "List keys",
                        .flags = with_repo_flags({}),
                        .run = repo_handler(list),
                        .max_args = 0},
                       {.name = "add",
                        .usage = "",
                        .summary = "Add a password",
                        .flags = with_repo_flags(std::move(add_flags)),
                        .run = repo_handler(add),
                        .max_args = 0},
                       {.name = "remove",
                        .usage = "ID",
                        .summary = "Remove a password",
                        .flags = with_repo_flags({}),
                        .run = repo_handler(remove)},
                       {.name = "passwd",
                        .usage = "",
                        .summary = "Change the password in use",
                        .flags = with_repo_flags(new_password_flags()),
                        .run = repo_handler(passwd),
                        .max_args = 0}}};
}

}  // namespace lateen::cli::repo
