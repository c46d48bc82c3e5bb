// `lateen diff`: what differs between two backups, or a backup and the cluster. And `lateen
// browse`: what is in a backup, level by level.
#include <algorithm>
#include <map>
#include <set>

#include "assurance/object_comparison.h"
#include "backup/run.h"
#include "base/text.h"
#include "cli/backup_cat.h"
#include "cli/commands.h"
#include "cli/object_reports.h"
#include "cli/output.h"
#include "cli/stored_backups.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

using archive::ArchivedItem;
using assurance::ComparisonOptions;
using assurance::ObjectComparison;

constexpr std::string_view kLive = "live";
constexpr std::string_view kClusterScoped = "cluster";

// Something like a version control's diff: 1 says that there are differences, 2 that it failed.
enum DiffCode { Same = 0, Different = 1, Failed = 2 };

ComparisonOptions comparison_options(const Flags& flags, const kube::Discovery& discovery) {
  const std::string kind = flags.text("kind");
  return {.ns = flags.text("namespace"),
          .group_resource = kind.empty() ? kind : discovery.resolve_name(kind),
          .with_made_ones = flags.is("all")};
}

Result<ObjectComparison> compare(StoredBackups& stored,
                                 const std::string& before,
                                 const std::string& after,
                                 const Invocation& call) {
  kube::Client& client = *stored.session().client;
  const model::Backup& older = *TRY(stored.find(before));
  const kube::Discovery discovery = TRY(kube::discover(client, call.stop));
  const ComparisonOptions options = comparison_options(call.flags, discovery);
  const OpenedBackup opened = TRY(stored.open_contents(older, call.stop));
  if (after == kLive) {
    const auto namespaces = TRY(backup::read_namespaces(client, call.stop));
    const auto plan = backup::plan_backup(older.spec, discovery, namespaces);
    return assurance::compare_with_cluster(opened.reader, plan, discovery, client, options,
                                           call.stop);
  }
  const model::Backup& newer = *TRY(stored.find(after));
  const OpenedBackup other = TRY(stored.open_contents(newer, call.stop));
  return assurance::compare_backups(opened.reader, other.reader, options, call.stop);
}

Result<int> show_diff(Invocation& call) {
  if (call.args.size() != 2) {
    return Error(Code::InvalidArgument, "a backup and what to hold against it must be named")
        .with_hint("For example: lateen diff nightly-1 live, or lateen diff nightly-1 nightly-2");
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const auto stored = TRY(StoredBackups::open(call));
  const ObjectComparison found = TRY(compare(*stored, call.args[0], call.args[1], call));
  call.console.out(
      format == OutputFormat::Table
          ? print_comparison(found, call.args[0], call.args[1])
          : print_document(comparison_document(found, call.args[0], call.args[1]), format));
  return found.differences.empty() ? Same : Different;
}

Result<int> diff(Invocation& call) {
  auto code = show_diff(call);
  if (code) return code;
  const Error& error = code.error();
  call.console.err(fmt::format("An error occurred: {}\n", error.message()));
  if (!error.hint().empty()) call.console.err(fmt::format("  {}\n", error.hint()));
  return Failed;
}

// One level below what was asked for: a namespace, a kind, or an object.
struct BrowsedEntry {
  std::string name = {};
  std::size_t objects = 0;
  ByteCount bytes = 0;
};

std::string_view folder_of(const ArchivedItem& item) {
  return item.key.ns.empty() ? kClusterScoped : item.key.ns;
}

// Sorted by name.
std::vector<BrowsedEntry> browse_level(std::span<const ArchivedItem> items,
                                       const std::vector<std::string>& place) {
  std::map<std::string_view, BrowsedEntry> entries;
  for (const ArchivedItem& item : items) {
    if (!item.key.preferred) continue;
    if (!place.empty() && folder_of(item) != place[0]) continue;
    const bool is_kind = place.size() < 2 || item.key.group_resource == place[1] ||
                         cut(item.key.group_resource, ".").before == place[1];
    if (!is_kind) continue;
    const std::string_view name = place.empty()       ? folder_of(item)
                                  : place.size() == 1 ? item.key.group_resource
                                                      : item.key.name;
    BrowsedEntry& entry = entries[name];
    entry.name = name;
    ++entry.objects;
    entry.bytes += item.location.size;
  }
  std::vector<BrowsedEntry> list;
  for (auto& [name, entry] : entries)
    list.push_back(std::move(entry));
  return list;
}

Json browse_document(const std::string& backup,
                     const std::string& place,
                     const std::vector<BrowsedEntry>& entries) {
  JsonArray list;
  for (const BrowsedEntry& entry : entries) {
    list.push_back(
        JsonObject{{"name", entry.name}, {"objects", entry.objects}, {"bytes", entry.bytes}});
  }
  return JsonObject{{"backup", backup}, {"place", place}, {"entries", std::move(list)}};
}

std::string browse_table(const std::vector<BrowsedEntry>& entries, std::size_t depth) {
  constexpr std::string_view kHeadings[] = {"NAMESPACE", "RESOURCE", "NAME"};
  std::vector<std::vector<std::string>> rows = {
      {std::string(kHeadings[depth]), "OBJECTS", "BYTES"}};
  for (const BrowsedEntry& entry : entries)
    rows.push_back({entry.name, std::to_string(entry.objects), std::to_string(entry.bytes)});
  return print_table(rows);
}

Result<int> browse(Invocation& call) {
  if (call.args.empty()) {
    return Error(Code::InvalidArgument, "a backup must be named")
        .with_hint("For example: lateen browse nightly-1 shop/configmaps");
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const std::string place = call.args.size() > 1 ? call.args[1] : std::string();
  const std::vector<std::string> parts = split_trimmed(place, '/');
  if (parts.size() > 2) {
    return Error(Code::InvalidArgument, "{} is an object, not a place", place)
        .with_hint(fmt::format("To print it: lateen cat {} {}/{}/{}", call.args[0], parts[1],
                               parts[0], parts[2]));
  }
  const auto stored = TRY(StoredBackups::open(call));
  const model::Backup& backup = *TRY(stored->find(call.args[0]));
  const OpenedBackup opened = TRY(stored->open_contents(backup, call.stop));
  const auto entries = browse_level(opened.reader.items(), parts);
  if (entries.empty() && !parts.empty()) {
    return Error(Code::NotFound, "backup {} has nothing in {}", call.args[0], place)
        .with_hint(fmt::format("`lateen browse {}` lists its namespaces.", call.args[0]));
  }
  call.console.out(format == OutputFormat::Table
                       ? browse_table(entries, parts.size())
                       : print_document(browse_document(call.args[0], place, entries), format));
  return 0;
}

}  // namespace

Command diff_command() {
  std::vector<FlagSpec> flags = object_flags();
  flags.front().usage = "Only objects of this namespace";
  flags.push_back({.name = "kind", .usage = "Only objects of this kind: deploy, configmaps"});
  flags.push_back({.name = "all",
                   .kind = FlagKind::Bool,
                   .usage = "Also what controllers make by themselves, and Events and the like"});
  flags.push_back(report_flag());
  return {.name = "diff",
          .usage = "BACKUP live|BACKUP",
          .summary = "Show what differs between a backup and the cluster, or a later backup",
          .flags = std::move(flags),
          .run = diff,
          .text =
              "Show what differs between a backup and the cluster, or a later backup.\n\nStatus, "
              "managed fields, versions and the like are no differences; a Secret's values are "
              "not shown. Exit code 0: the same, 1: something differs, 2: it failed.",
          .max_args = 2};
}

Command browse_command() {
  std::vector<FlagSpec> flags = {report_flag()};
  return {.name = "browse",
          .usage = "BACKUP [NAMESPACE|cluster[/RESOURCE]]",
          .summary = "List what is in a backup: its namespaces, the kinds in one, the objects",
          .flags = std::move(flags),
          .run = browse,
          .max_args = 2};
}

Command cat_command() {
  return backup_cat_command();
}

}  // namespace lateen::cli
