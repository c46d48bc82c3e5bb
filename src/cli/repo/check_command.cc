#include "cli/repo/data_subset.h"
#include "cli/repo/progress_display.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

using repository::CheckReport;
using repository::CheckRequest;

// By the index.
Result<std::vector<SizedPack>> packs_of(const repository::ContentIndex& index) {
  std::vector<SizedPack> packs(index.packs().size());
  TRY(index.for_each([&packs](const repository::ContentEntry& entry) {
    packs[entry.pack].size += entry.packed_length;
    return Status();
  }));
  for (std::size_t number = 0; number < packs.size(); ++number)
    packs[number].name = index.packs().name(static_cast<std::uint32_t>(number));
  return packs;
}

Result<CheckRequest> read_request(RepoCall& call, const OpenRepo& repo) {
  const Flags& flags = call.flags();
  CheckRequest request{.no_lock = call.settings.no_lock};
  const std::string subset = flags.text("read-data-subset");
  if (flags.is("read-data") && !subset.empty()) {
    return Error(Code::InvalidArgument, "--read-data and --read-data-subset exclude each other");
  }
  request.verify.read_data = flags.is("read-data") || !subset.empty();
  if (subset.empty()) return request;
  TRY(need_contents(repo, call.stop()));
  std::vector<SizedPack> packs = TRY(packs_of(repo.repository->reader().index()));
  request.verify.choose = TRY(parse_data_subset(subset, std::move(packs), call.rng));
  return request;
}

std::string summary_of(const repository::VerifyStats& packs, bool read_data) {
  if (read_data) {
    return fmt::format("checked {} packs, {} blobs, {}", packs.packs, packs.contents,
                       format_bytes(packs.bytes));
  }
  return fmt::format("checked {} packs by their sizes; --read-data reads them, too", packs.packs);
}

int print_result(const CheckReport& report,
                 bool read_data,
                 std::size_t errors,
                 const Printer& out) {
  if (out.json()) {
    out.document(JsonObject{{"message_type", "summary"},
                            {"num_errors", errors},
                            {"broken_packs", nullptr},
                            {"suggest_repair_index", false},
                            {"suggest_prune", !report.hints.empty()}});
    return errors == 0 ? kExitOk : kExitError;
  }
  for (const std::string& hint : report.hints)
    out.note(hint);
  out.note(summary_of(report.packs, read_data));
  if (errors == 0) {
    out.note("no errors were found");
    return kExitOk;
  }
  out.error(fmt::format("\nThe repository contains {} errors.", errors));
  out.error(
      "What was not named is whole. `repair packs` saves what is readable of damaged packs, "
      "`repair "
      "index` rebuilds the index, `repair snapshots` makes snapshots without what is lost.");
  return kExitError;
}

Result<int> run(RepoCall& call) {
  const OpenRepo repo =
      TRY(open_repo(call, call.settings.no_lock ? Access::NoLock : Access::Exclusive));
  const CheckRequest request = TRY(read_request(call, repo));
  call.printer.note(request.verify.read_data
                        ? "checking packs, snapshots, trees and blobs, reading data"
                        : "checking packs, snapshots, trees and blobs");
  repository::Progress progress;
  Result<CheckReport> report = [&] {
    const ProgressDisplay display(call.printer, Activity::Check, progress);
    return repo.repository->check(request, progress, call.stop());
  }();
  const auto problems = progress.problems.take();
  for (const repository::Problem& problem : problems)
    call.printer.problem(problem, "check");
  if (!report) return std::move(report).error();
  return print_result(*report, request.verify.read_data, problems.size(), call.printer);
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .usage = "",
          .summary = "Check the repository for errors",
          .flags = with_repo_flags(
              {{.name = "read-data", .kind = FlagKind::Bool, .usage = "Read all packs as well"},
               {.name = "read-data-subset",
                .usage = "Read some packs: n/t, x% or a size",
                .type_name = "subset"},
               {.name = "with-cache",
                .kind = FlagKind::Bool,
                .usage = "Taken and ignored",
                .hidden = true},
               {.name = "check-unused",
                .kind = FlagKind::Bool,
                .usage = "Taken and ignored",
                .hidden = true}}),
          .run = repo_handler(run),
          .max_args = 0};
}

}  // namespace lateen::cli::repo
