#include <algorithm>

#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

using Tags = std::vector<std::string>;

Tags flat(const std::vector<Tags>& lists) {
  Tags out;
  for (const Tags& list : lists) {
    for (const std::string& tag : list) {
      if (!tag.empty()) out.push_back(tag);
    }
  }
  return out;
}

bool contains(const Tags& tags, const std::string& tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

struct TagChange {
  bool replace = false;
  Tags set = {};
  Tags add = {};
  Tags remove = {};

  Tags apply(Tags tags) const {
    if (replace) return set;
    for (const std::string& tag : add) {
      if (!contains(tags, tag)) tags.push_back(tag);
    }
    std::erase_if(tags, [this](const std::string& tag) { return contains(remove, tag); });
    return tags;
  }
};

Result<int> run(RepoCall& call) {
  const Flags& flags = call.flags();
  const TagChange change{.replace = flags.given("set"),
                         .set = flat(tag_lists(flags, "set")),
                         .add = flat(tag_lists(flags, "add")),
                         .remove = flat(tag_lists(flags, "remove"))};
  if (change.replace && (!change.add.empty() || !change.remove.empty())) {
    return Error(Code::InvalidArgument, "--set excludes --add and --remove");
  }
  if (!change.replace && change.add.empty() && change.remove.empty()) {
    return Error(Code::InvalidArgument, "nothing to do: give --set, --add or --remove");
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  TRY(only_restic(repo, "tag"));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const auto selected = TRY(select_snapshots(list.snapshots, call.call.args, read_filter(flags)));
  std::size_t changed = 0;
  for (const Snapshot& snapshot : selected) {
    Tags tags = change.apply(snapshot.tags);
    if (tags == snapshot.tags) continue;
    const std::string fresh = TRY(repo.restic->retag(snapshot.id, std::move(tags), call.stop()));
    ++changed;
    if (call.printer.json()) {
      call.printer.document(JsonObject{{"message_type", "changed"},
                                       {"old_snapshot_id", snapshot.id},
                                       {"new_snapshot_id", fresh}});
    }
  }
  if (call.printer.json()) {
    call.printer.document(JsonObject{{"message_type", "summary"}, {"changed_snapshots", changed}});
  } else {
    call.printer.note(changed == 0 ? "no snapshots were modified"
                                   : fmt::format("modified {} snapshots", changed));
  }
  return kExitOk;
}

}  // namespace

Command tag_command() {
  std::vector<FlagSpec> flags = filter_flags();
  for (const std::string_view word : {"set", "add", "remove"}) {
    flags.push_back({.name = std::string(word),
                     .kind = FlagKind::Texts,
                     .usage = fmt::format("Tags to {}, tag[,tag...]", word),
                     .type_name = "tags"});
  }
  return {.name = "tag",
          .usage = "[SNAPSHOT...]",
          .summary = "Change the tags of snapshots (restic)",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
