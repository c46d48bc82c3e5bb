#include "repository/restic/files.h"

#include <atomic>

#include "base/thread.h"
#include "repository/compress/codec.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {

constexpr char kCompressedMark = 2;
constexpr ByteCount kMaxFile = 512_MiB;    // an index file of restic has some 8 MiB
constexpr ByteCount kMaxDocument = 2_GiB;  // unpacked
constexpr std::size_t kMaxListed = 50'000'000;
constexpr std::size_t kRemovalsAtOnce = 8;
constexpr Codec kDocumentCodec = {.algorithm = Algorithm::Zstd, .level = 3};

}  // namespace

std::string_view folder_of(FileType type) {
  switch (type) {
    case FileType::Index:
      return "index";
    case FileType::Snapshot:
      return "snapshots";
    case FileType::Lock:
      return "locks";
    case FileType::Key:
      return "keys";
    case FileType::Pack:
      return "data";
  }
  return {};
}

std::string key_of_pack(std::string_view name) {
  return fmt::format("data/{}/{}", name.substr(0, 2), name);
}

std::string key_of(FileType type, const Id& id) {
  const std::string name = id.hex();
  if (type == FileType::Pack) return key_of_pack(name);
  return fmt::format("{}/{}", folder_of(type), name);
}

Result<std::vector<ListedFile>> list_files(objects::ObjectStore& store,
                                           FileType type,
                                           const std::stop_token& stop) {
  std::vector<ListedFile> files;
  const std::string prefix = fmt::format("{}/", folder_of(type));
  const auto visit = [&files](const objects::ObjectInfo& object) -> Status {
    const std::string_view key = object.key;
    const std::string_view name = key.substr(key.rfind('/') + 1);
    if (!is_id(name)) return {};
    if (files.size() == kMaxListed) return Error(Code::Unsupported, "too many files to list");
    files.push_back({.id = TRY(parse_id(name)), .size = object.size});
    return {};
  };
  TRY(objects::for_each_object(store, prefix, visit, stop).wrap("listing {}", folder_of(type)));
  return files;
}

Status remove_files(objects::ObjectStore& store,
                    FileType type,
                    std::span<const Id> ids,
                    const std::stop_token& stop) {
  Mutex mu;
  std::optional<Error> first;
  const auto remove = [&](std::size_t i, const std::stop_token& told) -> Status {
    Status removed = store.remove(key_of(type, ids[i]), told);
    if (told.stop_requested()) return Error(Code::Canceled, "removing files was stopped");
    if (removed) return {};
    const Lock lock(mu);
    if (!first) first = std::move(removed).error().wrap("removing {}", key_of(type, ids[i]));
    return {};
  };
  TRY(parallel_for(ids.size(), kRemovalsAtOnce, remove, stop));
  if (first) return std::move(*first);
  return {};
}

Result<Bytes> Files::encode_plain(BytesView json) const {
  if (version_ < 2) return Bytes(json);
  Buffer packed;
  packed.push_back(kCompressedMark);
  TRY(Compressor().compress(kDocumentCodec, json, packed));
  return Bytes(packed.view());
}

Result<Id> Files::save(FileType type, BytesView json, std::stop_token stop) const {
  const Bytes sealed = seal_unit(key_, TRY(encode_plain(json)), rng_);
  const Id id = Id::of(sealed);
  const std::string key = key_of(type, id);
  TRY(store_.put(key, sealed, std::move(stop)).wrap("storing {}", key));
  return id;
}

Result<Bytes> Files::load(FileType type, const Id& id, std::stop_token stop) const {
  const std::string key = key_of(type, id);
  const Bytes sealed = TRY(store_.get(key, kMaxFile, std::move(stop)).wrap("reading {}", key));
  if (Id::of(sealed) != id) {
    return Error(Code::Corrupt, "{} is damaged: its bytes are not those that its name says", key);
  }
  Bytes plain = TRY(open_unit(key_, sealed).wrap("reading {}", key));
  if (plain.empty()) return Error(Code::Corrupt, "{} is empty", key);
  if (version_ < 2 || plain.front() == '{' || plain.front() == '[') return plain;
  if (plain.front() != kCompressedMark) {
    return Error(Code::Unsupported, "{} is encoded in an unknown way ({})", key,
                 static_cast<int>(plain.front()));
  }
  Buffer json;
  TRY(Decompressor()
          .decompress_up_to(Algorithm::Zstd, BytesView(plain).substr(1), kMaxDocument, json)
          .wrap("reading {}", key));
  return Bytes(json.view());
}

Status Files::remove(FileType type, const Id& id, std::stop_token stop) const {
  return store_.remove(key_of(type, id), std::move(stop)).wrap("removing {}", key_of(type, id));
}

}  // namespace lateen::repository::restic
