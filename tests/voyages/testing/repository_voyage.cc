#include "voyages/testing/repository_voyage.h"

#include <array>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"

namespace lateen::voyages {

using std::chrono::minutes;

namespace {

std::string xattr_text(const FilePath& path) {
  std::array<char, 256> value = {};
  const auto size = ::lgetxattr(path.c_str(), "user.color", value.data(), value.size());
  return size < 0 ? "-" : std::string(value.data(), static_cast<std::size_t>(size));
}

void add_listing(const FilePath& path, const std::string& name, std::string& out) {
  struct stat info = {};
  ASSERT_EQ(::lstat(path.c_str(), &info), 0) << path;
  std::string content;
  if (S_ISREG(info.st_mode)) content = sha256_hex(text_of(path));
  if (S_ISLNK(info.st_mode)) content = std::filesystem::read_symlink(path).string();
  out += fmt::format("{} {:o} {}:{} {}.{} {} {} {}\n", name, info.st_mode, info.st_uid, info.st_gid,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                     S_ISDIR(info.st_mode) ? 0 : info.st_nlink, content, xattr_text(path));
  if (!S_ISDIR(info.st_mode)) return;
  const std::vector<DirEntry> entries = list_dir(path).value();
  for (const DirEntry& entry : entries)
    add_listing(path / entry.name, name + "/" + entry.name, out);
}

}  // namespace

std::map<std::string, std::string> RepositoryVoyage::environment() const {
  return {{"RESTIC_REPOSITORY", repo().string()},
          {"RESTIC_PASSWORD", "a password"},
          {"RESTIC_CACHE_DIR", (dir() / "cache").string()},
          {"HOME", dir().string()},
          {"TZ", "UTC"}};
}

Outcome RepositoryVoyage::restic(Words words) const {
  words.insert(words.begin(), kRestic);
  return run_program(words, {.env = environment(), .within = minutes(2)});
}

Outcome RepositoryVoyage::lateen(Words words, const std::string& input) const {
  words.insert(words.begin(), {LATEEN_BINARY, "repo"});
  return run_program(words, {.env = environment(), .input = input, .within = minutes(2)});
}

void RepositoryVoyage::expect_clean() const {
  expect_ok(restic({"check", "--read-data"}));
  expect_ok(lateen({"check", "--read-data"}));
}

std::string RepositoryVoyage::noise(std::size_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes)
    c = static_cast<char>(engine());
  return bytes;
}

void RepositoryVoyage::make_source() const {
  ASSERT_TRUE(make_dirs(source() / "deep/er/still"));
  ASSERT_TRUE(make_dirs(source() / "empty folder"));
  write_text(source() / "large.bin", noise(5'000'000, 1));
  write_text(source() / "text.log", std::string(700'000, 'x') + noise(1000, 2));
  write_text(source() / "zeros.img", std::string(1'500'000, '\0') + "end");
  write_text(source() / "nothing", "");
  for (unsigned i = 0; i < 60; ++i) {
    write_text(source() / fmt::format("deep/er/f{:02}", i), noise(i * 97, 100 + i));
  }
  write_text(source() / "odd \"name\"\n<&>\x01\xff", "odd");
  ASSERT_EQ(::symlink("nowhere/at/all", (source() / "link").c_str()), 0);
  ASSERT_EQ(::link((source() / "text.log").c_str(), (source() / "deep/same.log").c_str()), 0);
  ASSERT_EQ(::mkfifo((source() / "pipe").c_str(), 0640), 0);
  ASSERT_EQ(::chmod((source() / "text.log").c_str(), 0460), 0);
  ASSERT_EQ(::chmod((source() / "deep").c_str(), 01777), 0);
  // Not every file system has them.
  (void)::setxattr((source() / "nothing").c_str(), "user.color", "bl\0ue", 5, 0);
}

void RepositoryVoyage::change_source(unsigned seed) const {
  write_text(source() / fmt::format("new-{}", seed), noise(200'000, seed));
  write_text(source() / "large.bin", noise(2'000'000, 1) + "inserted" + noise(3'000'000, 7));
  (void)remove_file(source() / "deep/er/f07");
}

std::string RepositoryVoyage::listing(const FilePath& path) {
  std::string out;
  add_listing(path, "", out);
  return out;
}

void RepositoryVoyage::expect_restores(const std::function<Outcome(Words)>& program,
                                       const std::string& snapshot,
                                       const std::string& expected) const {
  const FilePath target = dir() / "restored";
  ASSERT_TRUE(remove_tree(target));
  expect_ok(program({"restore", snapshot, "--target", target.string()}));
  EXPECT_EQ(listing(target / source().relative_path()), expected);
}

std::size_t RepositoryVoyage::snapshot_count() const {
  const Outcome listed = restic({"snapshots", "--json"});
  const auto json = parse_json(listed.out);
  return json && json->is_array() ? json->get_array().size() : 0;
}

FilePath RepositoryVoyage::largest_pack() const {
  FilePath found;
  ByteCount largest = 0;
  const std::vector<DirEntry> folders = list_dir(repo() / "data").value();
  for (const DirEntry& folder : folders) {
    const std::vector<DirEntry> files = list_dir(repo() / "data" / folder.name).value();
    for (const DirEntry& file : files) {
      const FilePath path = repo() / "data" / folder.name / file.name;
      const ByteCount size = file_info(path)->size;
      if (size <= largest) continue;
      largest = size;
      found = path;
    }
  }
  return found;
}

void RepositoryVoyage::kill_after(Words words, Duration wait) const {
  words.insert(words.begin(), {LATEEN_BINARY, "repo"});
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment())
    variables.push_back(name + "=" + value);
  auto child = Child::spawn({.argv = words, .env = variables});
  ASSERT_TRUE(child);
  if (!child->wait(Deadline::after(wait), {})) (void)child->signal(SIGKILL);
  (void)child->wait(Deadline::after(minutes(1)), {});
}

}  // namespace lateen::voyages
