#include <charconv>

#include "cli/repo/prune_options.h"
#include "cli/repo/repo_commands.h"

namespace lateen::cli::repo {
namespace {

Status read_max_unused(const std::string& text, repository::PruneRequest& request) {
  if (text == "unlimited") {
    request.max_unused_percent.reset();
    return {};
  }
  if (!text.ends_with('%')) {
    request.max_unused_bytes = TRY(parse_size(text).wrap("--max-unused"));
    return {};
  }
  double percent = 0;
  const char* const last = text.data() + text.size() - 1;
  const auto [end, failure] = std::from_chars(text.data(), last, percent);
  if (failure != std::errc() || end != last || percent < 0 || percent >= 100) {
    return Error(Code::InvalidArgument, "--max-unused {}: between 0% and 100%, a size or unlimited",
                 text);
  }
  request.max_unused_percent = percent;
  return {};
}

Result<int> run(RepoCall& call) {
  const repository::PruneRequest request =
      TRY(read_prune_request(call.flags(), call.flags().is("dry-run")));
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  return prune_repo(call, repo, request);
}

}  // namespace

std::vector<FlagSpec> prune_flags() {
  return {{.name = "max-unused",
           .usage = "How much may stay unused: a size, a percentage or unlimited",
           .value = "5%",
           .type_name = "limit"},
          {.name = "max-repack-size",
           .usage = "Write anew no more than this (K, M, G, T)",
           .type_name = "size"},
          {.name = "repack-cacheable-only",
           .kind = FlagKind::Bool,
           .usage = "restic: write anew packs of trees only"},
          {.name = "repack-small",
           .kind = FlagKind::Bool,
           .usage = "restic: write anew all packs that are much smaller than they should be"},
          {.name = "repack-uncompressed",
           .kind = FlagKind::Bool,
           .usage = "restic: write anew what is not compressed"},
          {.name = "unsafe-no-grace",
           .kind = FlagKind::Bool,
           .usage = "kopia: do not wait for others' unfinished work (nobody else may be writing)"}};
}

Result<repository::PruneRequest> read_prune_request(const Flags& flags, bool dry_run) {
  repository::PruneRequest request{.dry_run = dry_run,
                                   .repack = {.small = flags.is("repack-small"),
                                              .uncompressed = flags.is("repack-uncompressed"),
                                              .cacheable_only = flags.is("repack-cacheable-only")},
                                   .unsafe_no_grace = flags.is("unsafe-no-grace")};
  TRY(read_max_unused(flags.text("max-unused"), request));
  if (flags.given("max-repack-size")) {
    request.max_repack = TRY(parse_size(flags.text("max-repack-size")).wrap("--max-repack-size"));
  }
  return request;
}

Result<int> prune_repo(RepoCall& call,
                       const OpenRepo& repo,
                       const repository::PruneRequest& request) {
  repository::Progress progress;
  call.printer.note("loading snapshots, finding what is still needed...");
  auto report = repo.repository->prune(request, progress, call.stop());
  for (const repository::Problem& problem : progress.problems.take())
    call.printer.problem(problem, "prune");
  if (!report) return std::move(report).error();
  if (call.printer.json()) {
    call.printer.document(
        JsonObject{{"message_type", "summary"},
                   {"dry_run", request.dry_run},
                   {"packfiles", JsonObject{{"keep", report->packs_kept},
                                            {"repack", report->packs_repacked},
                                            {"remove", report->packs_removed}}},
                   {"bytes", JsonObject{{"total", report->bytes_before},
                                        {"repack", report->bytes_repacked},
                                        {"remove_total", report->bytes_removed},
                                        {"remaining_unused", report->bytes_unused_left}}}});
    return kExitOk;
  }
  const std::string_view would = request.dry_run ? "would be " : "";
  call.printer.note(fmt::format("to repack:  {:6} packs, {} {}copied", report->packs_repacked,
                                format_bytes(report->bytes_repacked), would));
  call.printer.note(fmt::format("to delete:  {:6} packs", report->packs_removed));
  call.printer.note(fmt::format("total prune: {} of {} {}freed",
                                format_bytes(report->bytes_removed),
                                format_bytes(report->bytes_before), would));
  call.printer.note(
      fmt::format("unused size after prune: {}", format_bytes(report->bytes_unused_left)));
  if (!report->note.empty()) call.printer.note(report->note);
  return kExitOk;
}

Command prune_command() {
  std::vector<FlagSpec> flags = prune_flags();
  flags.push_back({.name = "dry-run",
                   .kind = FlagKind::Bool,
                   .usage = "Change nothing, only say what would be done",
                   .shorthand = "n"});
  return {.name = "prune",
          .usage = "",
          .summary = "Remove what no snapshot needs",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run),
          .max_args = 0};
}

}  // namespace lateen::cli::repo
