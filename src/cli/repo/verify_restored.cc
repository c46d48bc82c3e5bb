#include "cli/repo/verify_restored.h"

#include <algorithm>

#include "base/file.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

using repository::EntryType;

// All pieces of one file, by the repository's own hash.
Status verify_file(repository::Repository& repo,
                   const StoredEntry& file,
                   const FilePath& path,
                   repository::Workspace& workspace) {
  const UniqueFd fd = TRY(open_for_reading(path));
  const auto pieces = TRY(repo.trees().file_pieces(file, repo.reader(), workspace));
  const repository::KeyedHash& hash = repo.reader().format().hash();
  for (const repository::ChunkRef& piece : pieces) {
    const Bytes bytes = TRY(read_at(fd.get(), piece.offset, piece.length));
    const repository::HashBytes digest = hash.hash(bytes);
    if (!std::equal(digest.begin(), digest.begin() + piece.id.size, piece.id.hash.begin())) {
      return Error(Code::Corrupt, "its bytes at {} differ from the snapshot's", piece.offset);
    }
  }
  const FileInfo info = TRY(file_info(path));
  if (info.size == file.entry.size) return {};
  return Error(Code::Corrupt, "it has {} bytes instead of {}", info.size, file.entry.size);
}

// A file that was there already and stayed, as --overwrite said: all that are written get the
// snapshot's time.
bool was_kept(const repository::RestoreOptions& options,
              const std::string& path,
              const StoredEntry& stored) {
  if (options.overwrite == repository::Overwrite::Always) return false;
  const auto info = file_info(options.target / path.substr(1));
  return info && info->modified != stored.entry.mtime;
}

}  // namespace

Result<std::uint64_t> verify_restored(repository::Repository& repo,
                                      const repository::StoredEntry& root,
                                      const repository::RestoreOptions& options,
                                      repository::Progress& progress,
                                      const std::stop_token& stop) {
  repository::Workspace workspace;
  std::uint64_t files = 0;
  const auto visit = [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
    if (options.select && !options.select(path, stored)) return WalkStep::Over;
    if (stored.entry.type != EntryType::File) return WalkStep::Into;
    if (was_kept(options, path, stored)) return WalkStep::Over;
    Status same = verify_file(repo, stored, options.target / path.substr(1), workspace);
    if (!same) progress.problems.add(path, std::move(same).error());
    ++files;
    return WalkStep::Into;
  };
  TRY(walk_tree(repo, root, "", visit, {}, stop));
  return files;
}

}  // namespace lateen::cli::repo
