#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"
#include "cli/repo/growth.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

using repository::ContentId;
using repository::EntryType;

struct Totals {
  ByteCount size = 0;
  ByteCount uncompressed = 0;
  std::uint64_t files = 0;
  std::uint64_t blobs = 0;
  std::uint64_t snapshots = 0;
};

// Counts in one of restic's four ways. Not thread-safe.
class Counter {
 public:
  Counter(RepoCall& call, repository::Repository& repo, std::string mode)
      : call_(call),
        repo_(repo),
        mode_(std::move(mode)),
        overhead_(repo.format() == repository::RepositoryFormat::Restic
                      ? repository::kCtrPolyOverhead
                      : 0) {}

  Status add(const Snapshot& snapshot) {
    ++totals_.snapshots;
    hard_links_.clear();
    if (mode_ == "raw-data") TRY(count_contents(snapshot.root));
    const auto visit = [this](const std::string& path, const StoredEntry& e) -> Result<WalkStep> {
      if (mode_ == "restore-size") return count_restored(e.entry);
      if (mode_ == "raw-data") return count_raw(e);
      return count_by_contents(path, e);
    };
    return walk_tree(repo_, snapshot.root, "", visit, {}, call_.stop());
  }

  const Totals& totals() const { return totals_; }

 private:
  WalkStep count_restored(const repository::Entry& entry) {
    ++totals_.files;
    const bool linked = entry.links > 1 && entry.type != EntryType::Directory && entry.inode != 0;
    if (linked && !hard_links_.insert({entry.device, entry.inode}).second) return WalkStep::Into;
    if (entry.type == EntryType::File) totals_.size += entry.size;
    return WalkStep::Into;
  }

  Result<WalkStep> count_raw(const StoredEntry& stored) {
    // A folder that was seen: so was all below it.
    if (stored.entry.type == EntryType::Directory && !folders_.insert(stored.object).second) {
      return WalkStep::Over;
    }
    TRY(count_contents(stored));
    return WalkStep::Into;
  }

  Status count_contents(const StoredEntry& stored) {
    std::vector<ContentId> ids;
    TRY(repo_.trees().contents_of(stored, repo_.reader(), workspace_, ids));
    for (const ContentId& id : ids) {
      if (!contents_.insert(id).second) continue;
      const auto entry = repo_.reader().index().find(id);
      if (!entry) return Error(Code::NotFound, "blob {} is in no index", id.text());
      ++totals_.blobs;
      totals_.size += entry->packed_length;
      totals_.uncompressed += entry->length + overhead_;
    }
    return {};
  }

  // A file counts once for its bytes, whatever its name.
  Result<WalkStep> count_by_contents(const std::string& path, const StoredEntry& stored) {
    if (stored.entry.type != EntryType::File) return WalkStep::Into;
    if (!files_.insert(hash(HashAlgorithm::Sha256, stored.object)).second) return WalkStep::Into;
    if (mode_ == "files-by-contents") {
      ++totals_.files;
      totals_.size += stored.entry.size;
      return WalkStep::Into;
    }
    auto pieces = TRY(repo_.trees().file_pieces(stored, repo_.reader(), workspace_));
    auto& seen = by_path_[path];
    if (seen.empty() && !pieces.empty()) ++totals_.files;
    for (const repository::ChunkRef& piece : pieces) {
      if (!seen.insert(piece.id).second) continue;
      ++totals_.blobs;
      totals_.size += piece.length;
    }
    return WalkStep::Into;
  }

  using ContentSet = std::unordered_set<ContentId, repository::ContentIdHash>;

  RepoCall& call_;
  repository::Repository& repo_;
  const std::string mode_;
  const ByteCount overhead_;  // restic counts the encryption in with the uncompressed size
  repository::Workspace workspace_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> hard_links_;
  std::set<Bytes> folders_;
  std::unordered_set<Bytes> files_;
  ContentSet contents_;
  std::unordered_map<std::string, ContentSet> by_path_;
  Totals totals_;
};

void print(const Totals& t, const std::string& mode, const Printer& out) {
  const double ratio = t.size == 0 || t.uncompressed == 0
                           ? 0
                           : static_cast<double>(t.uncompressed) / static_cast<double>(t.size);
  if (out.json()) {
    JsonObject json = {{"total_size", t.size}};
    if (t.uncompressed > 0) json["total_uncompressed_size"] = t.uncompressed;
    if (ratio > 0) json["compression_ratio"] = ratio;
    if (ratio > 0) json["compression_space_saving"] = (1 - 1 / ratio) * 100;
    if (t.files > 0) json["total_file_count"] = t.files;
    if (t.blobs > 0) json["total_blob_count"] = t.blobs;
    json["snapshots_count"] = t.snapshots;
    out.document(json);
    return;
  }
  out.result(fmt::format("Stats in {} mode:", mode));
  out.result(fmt::format("     Snapshots processed:  {}", t.snapshots));
  if (t.blobs > 0) out.result(fmt::format("        Total Blob Count:  {}", t.blobs));
  if (t.files > 0) out.result(fmt::format("        Total File Count:  {}", t.files));
  if (t.uncompressed > 0) {
    out.result(fmt::format(" Total Uncompressed Size:  {}", format_bytes(t.uncompressed)));
  }
  out.result(fmt::format("              Total Size:  {}", format_bytes(t.size)));
  if (ratio > 0) {
    out.result(fmt::format("       Compression Ratio:  {:.2f}x", ratio));
    out.result(fmt::format("Compression Space Saving:  {:.2f}%", (1 - 1 / ratio) * 100));
  }
}

Result<int> run(RepoCall& call) {
  const std::string mode = call.flags().text("mode");
  const bool known = mode == "restore-size" || mode == "files-by-contents" ||
                     mode == "blobs-per-file" || mode == "raw-data" || mode == "growth";
  if (!known) {
    return Error(Code::InvalidArgument, "there is no counting mode {}", mode)
        .with_hint(
            "There are restore-size, files-by-contents, blobs-per-file, raw-data and growth.");
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  TRY(need_contents(repo, call.stop()));
  const auto selected =
      TRY(select_snapshots(list.snapshots, call.call.args, read_filter(call.flags())));
  if (mode == "growth") {
    print_growth(TRY(measure_growth(*repo.repository, list.snapshots, selected, call.stop())),
                 call.printer);
    return kExitOk;
  }
  Counter counter(call, *repo.repository, mode);
  for (const Snapshot& snapshot : selected)
    TRY(counter.add(snapshot).wrap("snapshot {}", snapshot.id.substr(0, 8)));
  print(counter.totals(), mode, call.printer);
  return kExitOk;
}

}  // namespace

Command stats_command() {
  std::vector<FlagSpec> flags = filter_flags();
  flags.push_back(
      {.name = "mode",
       .usage = "What to count: restore-size, files-by-contents, blobs-per-file, "
                "raw-data, or growth: what each snapshot changed and added, and how "
                "much of all is stored once",
       .value = "restore-size",
       .type_name = "mode",
       .words = {"restore-size", "files-by-contents", "blobs-per-file", "raw-data", "growth"}});
  return {.name = "stats",
          .usage = "[SNAPSHOT...]",
          .summary = "Count what snapshots hold",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
