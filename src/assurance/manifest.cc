#include "assurance/manifest.h"

#include <algorithm>
#include <array>

#include "base/gzip.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kManifestFormat = "lateen-manifest";
constexpr std::int64_t kManifestVersion = 1;
constexpr std::size_t kDigestBuffer = 256 << 10;
constexpr std::size_t kDigestReaders = 4;
constexpr ByteCount kMaxManifest = 64_MiB;
// The last line of an index is far shorter.
constexpr std::size_t kIndexTail = 4 << 10;

// Hashes what is read through it.
class HashingSource final : public ByteSource {
 public:
  explicit HashingSource(ByteSource& inner) : inner_(inner) {}

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t n = TRY(inner_.read(room));
    hash_.update({room.data(), n});
    size_ += n;
    return n;
  }

  ObjectDigest finish() { return {.size = size_, .sha256 = hash_.finish_hex()}; }

 private:
  ByteSource& inner_;
  Sha256 hash_;
  ByteCount size_ = 0;
};

Status drain(ByteSource& source) {
  std::string room(kDigestBuffer, '\0');
  while (TRY(source.read(room)) > 0) {
  }
  return {};
}

// What the index says of the tarball, by its last line; nothing when that is not one.
std::optional<ObjectDigest> tarball_in_last_line(std::string_view tail) {
  tail = trim(tail);
  const auto newline = tail.rfind('\n');
  if (newline != tail.npos) tail.remove_prefix(newline + 1);
  const auto line = parse_json(tail);
  if (!line || find(*line, "end") == nullptr) return std::nullopt;
  const auto size = int_at(*line, "size");
  const std::string_view sha256 = string_at(*line, "sha256");
  if (!size || *size < 0 || sha256.size() != 64) return std::nullopt;
  return ObjectDigest{.size = static_cast<ByteCount>(*size), .sha256 = std::string(sha256)};
}

struct IndexDigest {
  ObjectDigest own;
  std::optional<ObjectDigest> tarball;
};

// In one pass, and in memory that does not grow with the index.
Result<IndexDigest> digest_index(objects::ObjectStore& store,
                                 std::string_view key,
                                 const std::stop_token& stop) {
  const auto reader = TRY(store.open_read(key, stop));
  HashingSource hashing(*reader);
  GunzipStream unpacked(hashing);
  std::string room(kDigestBuffer, '\0');
  std::string tail;
  IndexDigest digest;
  while (true) {
    const auto n = unpacked.read(room);
    // A broken one has a digest all the same; verify says that it is broken.
    if (!n || *n == 0) break;
    tail.append(room, 0, *n);
    if (tail.size() > kIndexTail) tail.erase(0, tail.size() - kIndexTail);
  }
  TRY(drain(hashing));
  digest.own = hashing.finish();
  digest.tarball = tarball_in_last_line(tail);
  return digest;
}

Json optional_time(const std::optional<TimePoint>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Result<std::optional<TimePoint>> time_at(const Json& json, std::string_view path) {
  const std::string_view text = string_at(json, path);
  if (text.empty()) return std::optional<TimePoint>();
  return std::optional(TRY(parse_rfc3339(text).wrap("{}", path)));
}

}  // namespace

Json signed_backups_json(const SignedBackups& backups) {
  JsonObject json;
  for (const auto& [name, backup] : backups) {
    json.emplace(name, JsonObject{{"sha256", backup.sha256},
                                  {"signedAt", optional_time(backup.signed_at)},
                                  {"expiration", optional_time(backup.expiration)}});
  }
  return json;
}

Result<SignedBackups> parse_signed_backups(const Json* json) {
  SignedBackups backups;
  if (json == nullptr || !json->is_object()) return backups;
  for (const auto& [name, entry] : json->get_object()) {
    SignedBackup& backup = backups[std::string(name)];
    backup.sha256 = string_at(entry, "sha256");
    backup.signed_at = TRY(time_at(entry, "signedAt"));
    backup.expiration = TRY(time_at(entry, "expiration"));
  }
  return backups;
}

Json manifest_json(const Manifest& manifest) {
  JsonArray objects;
  for (const ManifestObject& object : manifest.objects) {
    objects.push_back(
        JsonObject{{"name", object.name}, {"size", object.size}, {"sha256", object.sha256}});
  }
  return JsonObject{{"format", kManifestFormat},
                    {"version", kManifestVersion},
                    {"backup", manifest.backup},
                    {"uid", manifest.uid},
                    {"cluster", manifest.cluster},
                    {"signedAt", optional_time(manifest.signed_at)},
                    {"expiration", optional_time(manifest.expiration)},
                    {"objects", std::move(objects)},
                    {"previous", manifest.previous},
                    {"present", signed_backups_json(manifest.present)}};
}

Result<Manifest> parse_manifest(const Json& json) {
  if (string_at(json, "format") != kManifestFormat)
    return Error(Code::Corrupt, "it is no manifest of a backup");
  if (int_at(json, "version") != kManifestVersion) {
    return Error(Code::Unsupported, "the manifest is of version {}; this program reads version {}",
                 int_at(json, "version").value_or(0), kManifestVersion)
        .with_hint("Verify it with the program that made it, or a later one.");
  }
  Manifest manifest{.backup = std::string(string_at(json, "backup")),
                    .uid = std::string(string_at(json, "uid")),
                    .cluster = std::string(string_at(json, "cluster")),
                    .previous = std::string(string_at(json, "previous"))};
  manifest.signed_at = TRY(time_at(json, "signedAt"));
  manifest.expiration = TRY(time_at(json, "expiration"));
  manifest.present = TRY(parse_signed_backups(find(json, "present")));
  const JsonArray* objects = array_at(json, "objects");
  if (objects == nullptr) return Error(Code::Corrupt, "the manifest lists no objects");
  for (const Json& object : *objects) {
    const auto size = int_at(object, "size");
    const std::string_view name = string_at(object, "name");
    if (!size || *size < 0 || name.empty())
      return Error(Code::Corrupt, "the manifest has an object without name or size");
    manifest.objects.push_back({.name = std::string(name),
                                .size = static_cast<ByteCount>(*size),
                                .sha256 = std::string(string_at(object, "sha256"))});
  }
  return manifest;
}

Result<ObjectDigest> digest_object(objects::ObjectStore& store,
                                   std::string_view key,
                                   const std::stop_token& stop) {
  const auto reader = TRY(store.open_read(key, stop));
  HashingSource hashing(*reader);
  TRY(drain(hashing));
  return hashing.finish();
}

Result<std::vector<ManifestObject>> digest_backup(objects::BackupStore& store,
                                                  std::string_view backup,
                                                  BytesView metadata,
                                                  const std::stop_token& stop) {
  const objects::Layout& layout = store.layout();
  const std::string folder = layout.backup_dir(backup);
  const std::string index_key = layout.backup_archive_index(backup);
  const std::string tarball_key = layout.backup_contents(backup);
  std::vector<objects::ObjectInfo> listed =
      TRY(objects::list_all(store.objects(), folder, 100'000, stop));
  std::erase_if(listed, [&](const objects::ObjectInfo& object) {
    return object.key == layout.backup_manifest(backup) ||
           object.key == layout.backup_metadata(backup);
  });
  const auto is_index = [&](const auto& object) { return object.key == index_key; };
  IndexDigest index;
  if (std::any_of(listed.begin(), listed.end(), is_index))
    index = TRY(digest_index(store.objects(), index_key, stop));
  std::vector<ManifestObject> objects(listed.size());
  TRY(parallel_for(
      listed.size(), kDigestReaders,
      [&](std::size_t i, std::stop_token inner) -> Status {
        const objects::ObjectInfo& object = listed[i];
        const bool by_index = object.key == tarball_key && index.tarball &&
                              (!object.size_known || object.size == index.tarball->size);
        ObjectDigest digest;
        if (is_index(object)) {
          digest = index.own;
        } else if (by_index) {
          digest = *index.tarball;
        } else {
          digest = TRY(digest_object(store.objects(), object.key, inner));
        }
        objects[i] = {.name = object.key.substr(folder.size()),
                      .size = digest.size,
                      .sha256 = std::move(digest.sha256)};
        return {};
      },
      stop));
  objects.push_back({.name = layout.backup_metadata(backup).substr(folder.size()),
                     .size = metadata.size(),
                     .sha256 = sha256_hex(metadata)});
  std::sort(objects.begin(), objects.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return objects;
}

Result<StoredManifest> read_manifest(objects::BackupStore& store,
                                     std::string_view backup,
                                     const TrustedKeys& trusted,
                                     const std::stop_token& stop) {
  const Bytes bytes =
      TRY(store.objects().get(store.layout().backup_manifest(backup), kMaxManifest, stop));
  SignedDocument signature = TRY(read_signed(bytes, trusted).wrap("the manifest of {}", backup));
  Manifest manifest = TRY(parse_manifest(signature.document).wrap("the manifest of {}", backup));
  if (manifest.backup != backup) {
    return Error(Code::Corrupt, "the manifest in the folder of {} is that of {}", backup,
                 manifest.backup);
  }
  signature.document = Json();
  return StoredManifest{.manifest = std::move(manifest), .signature = std::move(signature)};
}

}  // namespace lateen::assurance
