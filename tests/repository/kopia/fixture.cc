#include "repository/kopia/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"

namespace lateen::repository::kopia {
namespace {

FilePath testdata(std::string_view name) {
  return FilePath(LATEEN_TESTDATA) / "kopia" / name;
}

std::string nanoseconds_of(TimePoint time) {
  return std::to_string(time.time_since_epoch().count());
}

std::string mode_text(std::uint32_t mode) {
  return fmt::format("{:04o}", mode);
}

void list_folder_into(const FilePath& path, const std::string& name, Listing& out) {
  struct stat info{};
  ASSERT_EQ(lstat(path.c_str(), &info), 0) << path;
  ListedEntry entry{
      .type = S_ISDIR(info.st_mode)   ? "d"
              : S_ISLNK(info.st_mode) ? "l"
                                      : "f",
      .mode = mode_text(info.st_mode & 07777U),
      .owner = fmt::format("{} {}", info.st_uid, info.st_gid),
      .mtime = nanoseconds_of(TimePoint(std::chrono::seconds(info.st_mtim.tv_sec) +
                                        std::chrono::nanoseconds(info.st_mtim.tv_nsec))),
      .size = std::to_string(info.st_size),
      .extra = "-"};
  if (S_ISLNK(info.st_mode)) entry.extra = std::filesystem::read_symlink(path).string();
  if (S_ISREG(info.st_mode)) entry.extra = sha256_hex(*read_file(path));
  if (S_ISDIR(info.st_mode)) {
    entry.size = "-";
    const std::vector<DirEntry> children = *list_dir(path);
    for (const DirEntry& child : children) {
      list_folder_into(path / child.name, name == "." ? child.name : name + "/" + child.name, out);
    }
  }
  out.emplace(name, entry);
}

void list_stored_into(const StoredEntry& stored,
                      const std::string& name,
                      Repository& repository,
                      Workspace& workspace,
                      Listing& out) {
  const Entry& e = stored.entry;
  ListedEntry entry{.type = e.type == EntryType::Directory ? "d"
                            : e.type == EntryType::Symlink ? "l"
                                                           : "f",
                    .mode = mode_text(e.mode),
                    .owner = fmt::format("{} {}", e.uid, e.gid),
                    .mtime = nanoseconds_of(e.mtime),
                    .size = std::to_string(e.size),
                    .extra = "-"};
  if (e.type == EntryType::Directory) {
    entry.size = "-";
    const auto children =
        repository.trees().read_directory(stored.object, repository.reader(), workspace);
    ASSERT_TRUE(children) << name << ": " << children.error().message();
    for (const StoredEntry& child : *children) {
      const std::string below = name == "." ? child.entry.name : name + "/" + child.entry.name;
      list_stored_into(child, below, repository, workspace, out);
    }
  } else if (e.type == EntryType::Symlink) {
    const auto target = repository.trees().link_target(stored, repository.reader(), workspace);
    ASSERT_TRUE(target) << name << ": " << target.error().message();
    entry.extra = *target;
  } else {
    const auto pieces = repository.trees().file_pieces(stored, repository.reader(), workspace);
    ASSERT_TRUE(pieces) << name << ": " << pieces.error().message();
    Sha256 hash;
    for (const ChunkRef& piece : *pieces) {
      const auto bytes = repository.reader().read(piece.id, workspace);
      ASSERT_TRUE(bytes) << name << ": " << bytes.error().message();
      EXPECT_EQ(bytes->size(), piece.length);
      hash.update(*bytes);
    }
    entry.extra = hash.finish_hex();
  }
  out.emplace(name, entry);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ListedEntry& e) {
  return out << e.type << ' ' << e.mode << ' ' << e.owner << ' ' << e.mtime << ' ' << e.size << ' '
             << e.extra;
}

Listing read_listing(std::string_view name) {
  Listing listing;
  const Bytes text = *read_file(testdata(name));
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto fields = split(line, ' ');
    ListedEntry entry{.type = std::string(fields[0]),
                      .mode = std::string(fields[1]),
                      .owner = fmt::format("{} {}", fields[2], fields[3]),
                      .mtime = std::string(fields[4]),
                      .size = fields[0] == "d" ? "-" : std::string(fields[5]),
                      .extra = *percent_decode(fields[6])};
    listing.emplace(*percent_decode(fields[7]), entry);
  }
  return listing;
}

Listing as_kopia_keeps(const Listing& listing) {
  Listing kept;
  for (const auto& [path, entry] : listing) {
    if (entry.type != "f" && entry.type != "d" && entry.type != "l") continue;
    kept.emplace(to_valid_utf8(path), entry);
  }
  return kept;
}

Listing list_folder(const FilePath& root) {
  Listing listing;
  list_folder_into(root, ".", listing);
  return listing;
}

Listing list_stored(const StoredEntry& root, Repository& repository) {
  Listing listing;
  Workspace workspace;
  list_stored_into(root, ".", repository, workspace, listing);
  return listing;
}

FilePath KopiaFixture::unpack(std::string_view name) {
  const FilePath to = dir() / name;
  EXPECT_TRUE(make_dirs(to));
  const std::string archive = testdata(std::string(name) + ".tar").string();
  const auto done = run_process({.argv = {"tar", "-xpf", archive, "-C", to.string()}},
                                Deadline::after(std::chrono::seconds(30)), {});
  EXPECT_TRUE(done && done->exit_code == 0) << archive;
  // Some archives have one folder at their top.
  const auto entries = *list_dir(to);
  return entries.size() == 1 && entries.front().kind == FileKind::Directory
             ? to / entries.front().name
             : to;
}

std::unique_ptr<objects::ObjectStore> KopiaFixture::store_of(const FilePath& dir) {
  auto store = objects::FsStore::open({.root = dir, .create = true});
  EXPECT_TRUE(store) << store.error().message();
  return std::move(*store);
}

Result<std::unique_ptr<KopiaRepository>> KopiaFixture::open(const FilePath& dir,
                                                            const Secret& password) {
  return open_repository(store_of(dir), password, access());
}

}  // namespace lateen::repository::kopia
