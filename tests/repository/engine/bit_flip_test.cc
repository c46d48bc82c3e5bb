// A bit in the wrong place, anywhere in a repository: found by the check, and never in what is
// restored. LATEEN_BIT_FLIPS=10000 flips so many.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "repository/crypto/derived_keys.h"
#include "repository/kopia/format.h"
#include "repository/testing/both_formats.h"
#include "repository/testing/numbers.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

// Whether two documents differ only in the name of the program that wrote them.
bool reads_the_same(BytesView one, BytesView other) {
  const auto a = kopia::FormatBlob::parse(one);
  const auto b = kopia::FormatBlob::parse(other);
  return a && b && a->sealed == b->sealed && a->unique_id == b->unique_id &&
         a->key_algorithm == b->key_algorithm;
}

// A repository with one file in it.
class Flipped {
 public:
  explicit Flipped(RepositoryFormat format) : repository_{.format = format} {
    auto made = repository_.create();
    ViewSource source(bytes_);
    BackupRequest request{.host = "h", .user = "u"};
    request.stdin_source = &source;
    request.stdin_name = "file";
    Progress progress;
    EXPECT_TRUE(made->backup(request, progress, {}));
    EXPECT_TRUE(made->prune({}, progress, {}));
    made.reset();
    EXPECT_EQ(look(), Seen::Whole);
    if (format == RepositoryFormat::Kopia) find_contents();
  }

  void flip_some(std::uint64_t flips) {
    const std::vector<std::string> keys = repository_.bucket->keys();
    testing::TestStream random(31);
    for (std::uint64_t i = 0; i < flips; ++i) {
      const std::string& key = keys[random.next() % keys.size()];
      const int bit = 1 << random.next() % 8;
      flip_one(key, random.next(), bit);
    }
  }

 private:
  enum class Seen { Whole, Damaged, WrongBytes };

  void flip_one(const std::string& key, std::uint64_t place, int bit) {
    std::size_t at = 0;
    bool says_the_same = false;
    {
      const Lock lock(repository_.bucket->mu);
      Bytes& object = repository_.bucket->objects.find(key)->second.bytes;
      at = place % object.size();
      const Bytes before = object;
      object[at] = static_cast<char>(object[at] ^ bit);
      says_the_same = key == kopia::kFormatBlob && reads_the_same(before, object);
    }
    const Seen seen = look();
    EXPECT_NE(seen, Seen::WrongBytes)
        << "wrong bytes came back with " << key << " flipped at " << at;
    EXPECT_TRUE(seen != Seen::Whole || is_noise(key, at) || says_the_same)
        << "a flipped bit in " << key << " at " << at << " was not found";
    const Lock lock(repository_.bucket->mu);
    Bytes& object = repository_.bucket->objects.find(key)->second.bytes;
    object[at] = static_cast<char>(object[at] ^ bit);
  }

  Result<std::unique_ptr<Repository>> open() {
    RepositoryAccess access = repository_.access();
    access.keys = &keys_;
    if (repository_.format == RepositoryFormat::Kopia) {
      return std::unique_ptr<Repository>(
          TRY(kopia::open_repository(repository_.store(), Secret("pw"), access)));
    }
    const restic::OpenOptions options{.lock_settle = Duration::zero()};
    return std::unique_ptr<Repository>(
        TRY(restic::open_repository(repository_.store(), Secret("pw"), options, access)));
  }

  // What a check says, and what comes back.
  Seen look() {
    const auto opened = open();
    if (!opened) return Seen::Damaged;
    const bool found = !testing::check_all(**opened).empty();
    const auto snapshots = (*opened)->snapshots({});
    if (!snapshots || snapshots->empty()) return Seen::Damaged;
    const Result<Bytes> back = read(**opened, snapshots->front());
    if (back && *back != bytes_) return Seen::WrongBytes;
    return found || !back ? Seen::Damaged : Seen::Whole;
  }

  static Result<Bytes> read(Repository& repository, const Snapshot& snapshot) {
    Workspace workspace;
    StoredEntry file = snapshot.root;
    if (file.entry.type == EntryType::Directory) {
      const auto entries =
          TRY(repository.trees().read_directory(file.object, repository.reader(), workspace));
      if (entries.empty()) return Error(Code::NotFound, "the file is gone");
      file = entries.front();
    }
    BytesSink sink;
    TRY(dump_file(file, sink, repository.trees(), repository.reader(), {}));
    return sink.take();
  }

  // Which bytes of packs belong to contents.
  void find_contents() {
    const auto opened = repository_.open();
    const ContentIndex& index = opened->reader().index();
    EXPECT_TRUE(index.for_each([&](const ContentEntry& entry) {
      contents_[std::string(index.packs().name(entry.pack))].emplace_back(
          entry.offset, entry.offset + entry.packed_length);
      return Status();
    }));
  }

  // Kopia's packs have noise at their beginning and for padding, which says nothing. Bytes of other
  // objects always count.
  bool is_noise(const std::string& key, std::size_t at) const {
    const auto pack = contents_.find(key);
    return pack != contents_.end() && std::ranges::none_of(pack->second, [at](const auto& range) {
             return range.first <= at && at < range.second;
           });
  }

  const Bytes bytes_ = testing::test_bytes(5, 700'000) + Bytes(300'000, 'x');
  testing::MemoryRepository repository_;
  DerivedKeys keys_;
  std::map<std::string, std::vector<std::pair<std::size_t, std::size_t>>> contents_;
};

TEST(BitFlip, IsFoundAnywhereInAResticRepository) {
  Flipped(RepositoryFormat::Restic).flip_some(testing::number_from("LATEEN_BIT_FLIPS", 100));
}

TEST(BitFlip, IsFoundAnywhereInAKopiaRepository) {
  Flipped(RepositoryFormat::Kopia).flip_some(testing::number_from("LATEEN_BIT_FLIPS", 50));
}

}  // namespace
}  // namespace lateen::repository
