// A repository whose index names more than anybody would want to store for a measurement: contents
// of random names, in packs that are holes of the right size.
//   huge_index kopia|restic FOLDER CONTENTS PER_PACK BYTES
// Its password is "bench".
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "objects/fs_store.h"
#include "repository/kopia/format.h"
#include "repository/kopia/index_store.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/sharded_store.h"
#include "repository/kopia/unit.h"
#include "repository/restic/files.h"
#include "repository/restic/index_file.h"
#include "repository/restic/keys.h"
#include "repository/restic/pack_header.h"
#include "repository/restic/restic.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository {
namespace {

constexpr const char* kSession = "s0123456789abcdef13c";

struct Size {
  std::uint64_t contents = 0;
  std::uint64_t per_pack = 1;
  std::uint32_t bytes = 0;  // of each, as stored
};

// Names need not be hard to guess.
class Names {
 public:
  template <typename Hash>
  void fill(Hash& hash, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      hash[i] = static_cast<std::uint8_t>(state_ >> 56U);
    }
  }

 private:
  std::uint64_t state_ = 88172645463325252ULL;
};

Status make_hole(const FilePath& path, ByteCount size) {
  TRY(make_dirs(path.parent_path()));
  const UniqueFd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (fd.get() < 0 || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return errno_error(errno, path.string());
  }
  return {};
}

Status make_restic(const FilePath& dir, const Size& size, const RepositoryAccess& access) {
  const Secret password("bench");
  TRY(restic::create_repository(TRY(objects::FsStore::open({.root = dir.string(), .create = true})),
                                password, {}, access));
  const auto store = TRY(objects::FsStore::open({.root = dir.string()}));
  const auto key = TRY(restic::open_with_password(*store, password, "", nullptr, {}));
  const restic::Files files(*store, restic::to_cipher_key(key.master), 2, access.rng);
  restic::IndexEncoder index;
  Names names;
  for (std::uint64_t done = 0; done < size.contents;) {
    restic::Id pack;
    names.fill(pack.bytes, restic::Id::kSize);
    std::vector<restic::PackedBlob> blobs;
    for (std::uint64_t i = 0; i < size.per_pack && done < size.contents; ++i, ++done) {
      restic::PackedBlob blob{.type = restic::BlobType::Data,
                              .offset = static_cast<std::uint32_t>(i) * size.bytes,
                              .length = size.bytes,
                              .plain_length = 2 * size.bytes};
      names.fill(blob.id.bytes, restic::Id::kSize);
      blobs.push_back(blob);
    }
    TRY(make_hole(dir / restic::key_of(restic::FileType::Pack, pack), restic::pack_size_of(blobs)));
    index.add(pack, blobs);
    if (index.blob_count() < 50'000 && done < size.contents) continue;
    TRY(files.save(restic::FileType::Index, index.finish(), {}));
  }
  return {};
}

ContentEntry kopia_entry(Names& names, std::uint32_t pack, std::uint64_t place, const Size& size) {
  HashBytes hash = {};
  names.fill(hash, 16);
  return {.id = ContentId::of(0, hash, 16),
          .pack = pack,
          .offset = static_cast<std::uint32_t>(place) * size.bytes,
          .packed_length = size.bytes,
          .length = size.bytes,
          .time = 1'790'000'000,
          .version = 2};
}

Status make_kopia(const FilePath& dir, const Size& size, const RepositoryAccess& access) {
  const Secret password("bench");
  TRY(kopia::create_repository(TRY(objects::FsStore::open({.root = dir.string(), .create = true})),
                               password, {.layout = kopia::Layout::Sharded}, access));
  std::unique_ptr<objects::ObjectStore> plain = TRY(objects::FsStore::open({.root = dir.string()}));
  const auto found = TRY(kopia::find_repository(*plain, {}));
  const auto store = kopia::make_sharded_store(std::move(plain), kopia::Sharding());
  const auto blob = TRY(kopia::FormatBlob::parse(found->document));
  const auto format = TRY(kopia::open_format(blob, TRY(blob.derive_key(password))));
  const auto cipher = TRY(kopia::UnitCipher::create(format, access.rng));
  kopia::IndexStore indexes(*store, format, *cipher, access.clock, access.rng);
  TRY(indexes.list({}));
  PackTable packs;
  std::vector<ContentEntry> entries;
  Names names;
  for (std::uint64_t done = 0; done < size.contents;) {
    HashBytes random = {};
    names.fill(random, 16);
    const BytesView text(reinterpret_cast<const char*>(random.data()), 16);
    const std::string name = fmt::format("p{}-{}", hex_encode(text), kSession);
    const std::uint32_t pack = packs.intern(name);
    for (std::uint64_t i = 0; i < size.per_pack && done < size.contents; ++i, ++done)
      entries.push_back(kopia_entry(names, pack, i, size));
    // As kopia's folders have it: two levels, of one and three letters.
    TRY(make_hole(dir / name.substr(0, 1) / name.substr(1, 3) / (name.substr(4) + ".f"),
                  size.per_pack * size.bytes + 64));
    if (entries.size() < 1'000'000 && done < size.contents) continue;
    TRY(indexes.write(std::exchange(entries, {}), packs, kSession, {}));
  }
  return {};
}

Status run(const std::vector<std::string>& words) {
  if (words.size() != 6) {
    return Error(Code::InvalidArgument,
                 "usage: huge_index kopia|restic FOLDER CONTENTS PER_PACK BYTES");
  }
  Size size;
  size.contents = static_cast<std::uint64_t>(TRY(parse_int(words[3])));
  size.per_pack = static_cast<std::uint64_t>(TRY(parse_int(words[4])));
  size.bytes = static_cast<std::uint32_t>(TRY(parse_int(words[5])));
  SystemClock clock;
  SystemRng rng;
  const RepositoryAccess access{.clock = clock, .rng = rng};
  return words[1] == "restic" ? make_restic(words[2], size, access)
                              : make_kopia(words[2], size, access);
}

}  // namespace
}  // namespace lateen::repository

int main(int argc, char** argv) {
  const lateen::Status done = lateen::repository::run({argv, argv + argc});
  if (done) return 0;
  std::cerr << done.error().describe() << "\n";
  return 1;
}
