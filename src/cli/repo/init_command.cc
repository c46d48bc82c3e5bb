#include "cli/repo/location.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

using repository::restic::CreateOptions;

// Pieces of 1 MiB instead of Velero's 4: a change in a database stores less anew, and a backup
// takes 30 MiB less memory. Every kopia and every Velero reads it.
constexpr const char* kSplitter = "DYNAMIC-1M-BUZHASH";

Result<int> version_of(const Flags& flags) {
  const std::string text = flags.text("repository-version");
  if (text == "1") return 1;
  if (text == "2" || text == "stable" || text == "latest") return 2;
  return Error(Code::InvalidArgument, "there is no repository version {}", text)
      .with_hint("There are 1 and 2 (stable).");
}

// --copy-chunker-params: the polynomial of another repository, so that both cut alike.
Result<std::uint64_t> other_polynomial(RepoCall& call) {
  const RepoSettings other = TRY(read_from_settings(call.call, call.settings));
  auto store = TRY(open_store(other, false));
  const Secret password = TRY(read_password(call.call, PasswordUse::From));
  const auto repo = TRY(repository::restic::open_repository(
      std::move(store), password, {.key_hint = other.key_hint, .load_index = false},
      access_of(call), call.stop()));
  const std::string hex = repo->parameters().at("chunker_polynomial");
  return std::stoull(hex, nullptr, 16);  // our own text
}

Result<std::unique_ptr<repository::Repository>> create(
    RepoCall& call, std::unique_ptr<objects::ObjectStore> store) {
  const std::string format = call.flags().text("format");
  if (format != "kopia" && format != "restic") {
    return Error(Code::InvalidArgument, "there is no format {}", format)
        .with_hint("There are kopia and restic.");
  }
  if (TRY(repository::restic::find_repository(*store, call.stop())) ||
      TRY(repository::kopia::find_repository(*store, call.stop()))) {
    return Error(Code::AlreadyExists, "there is a repository at {} already",
                 call.settings.location);
  }
  if (format == "restic") {
    CreateOptions options{.version = TRY(version_of(call.flags()))};
    if (call.flags().is("copy-chunker-params")) options.polynomial = TRY(other_polynomial(call));
    const Secret password = TRY(read_password(call.call, PasswordUse::Create));
    auto repo = TRY(repository::restic::create_repository(std::move(store), password, options,
                                                          access_of(call), call.stop()));
    return std::unique_ptr<repository::Repository>(std::move(repo));
  }
  const Secret password = TRY(read_password(call.call, PasswordUse::Create));
  repository::kopia::CreateOptions options{.splitter = kSplitter};
  if (is_directory_location(call.settings.location)) {
    options.layout = repository::kopia::Layout::Sharded;
  }
  auto repo = TRY(repository::kopia::create_repository(std::move(store), password, options,
                                                       access_of(call), call.stop()));
  return std::unique_ptr<repository::Repository>(std::move(repo));
}

Result<int> run(RepoCall& call) {
  auto store = TRY(open_store(call.settings, true));
  const auto repo = TRY(create(call, std::move(store)));
  if (call.printer.json()) {
    call.printer.document(JsonObject{{"message_type", "initialized"},
                                     {"id", repo->id()},
                                     {"repository", call.settings.location}});
    return kExitOk;
  }
  call.printer.note(fmt::format("created {} repository {} at {}", call.flags().text("format"),
                                repo->id().substr(0, 10), call.settings.location));
  call.printer.note(
      "\nPlease note that knowledge of your password is required to access\n"
      "the repository. Losing your password means that your data is\n"
      "irrecoverably lost.");
  return kExitOk;
}

}  // namespace

Command init_command() {
  std::vector<FlagSpec> flags = {
      {.name = "format",
       .usage = "kopia or restic",
       .value = "kopia",
       .type_name = "format",
       .words = {"kopia", "restic"}},
      {.name = "repository-version",
       .usage = "Version of restic's format: 1, 2, stable or latest",
       .value = "stable",
       .type_name = "version"},
      {.name = "copy-chunker-params",
       .kind = FlagKind::Bool,
       .usage = "Cut files as the repository --from-repo does (restic)"}};
  for (FlagSpec& spec : from_repo_flags())
    flags.push_back(std::move(spec));
  return {.name = "init",
          .usage = "",
          .summary = "Make a new repository",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run),
          .max_args = 0};
}

}  // namespace lateen::cli::repo
