// Finding, opening and creating repositories.
#include <algorithm>

#include "base/encoding.h"
#include "objects/new_object.h"
#include "repository/engine/cached_store.h"
#include "repository/kopia/opened.h"
#include "repository/kopia/sharded_store.h"
#include "repository/kopia/snapshot.h"

namespace lateen::repository::kopia {
namespace {

constexpr ByteCount kMaxDocument = 1_MiB;
constexpr std::size_t kUniqueIdBytes = 32;
constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kVeleroMark = "udmrepo.Repository";
constexpr std::string_view kKeyAlgorithm = "scrypt-65536-8-1";
constexpr std::string_view kTool = "https://github.com/kopia/kopia";
constexpr std::string_view kFormatFile = "kopia.repository.f";

// The object, or nothing if it is not there.
Result<std::optional<Bytes>> get_if_there(objects::ObjectStore& store,
                                          std::string_view key,
                                          std::stop_token stop) {
  auto bytes = store.get(key, kMaxDocument, stop);
  if (bytes) return std::optional<Bytes>(std::move(*bytes));
  if (bytes.error().is(Code::NotFound)) return std::optional<Bytes>();
  return std::move(bytes.error());
}

Result<Sharding> find_sharding(objects::ObjectStore& store, std::stop_token stop) {
  const auto document = TRY(get_if_there(store, kShardsFile, stop));
  return document ? Sharding::parse(*document) : Sharding::oldest();
}

Bytes random_bytes(Rng& rng, std::size_t size) {
  Bytes bytes(size, '\0');
  rng.fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// Index blobs and packs of metadata are written once, and read at every start.
bool is_kept_locally(std::string_view blob) {
  return blob.starts_with("xn") || blob.starts_with("xs") || blob.starts_with("xr") ||
         blob.starts_with('q');
}

std::unique_ptr<objects::ObjectStore> with_cache(std::unique_ptr<objects::ObjectStore> store,
                                                 const FormatBlob& blob,
                                                 const RepositoryAccess& access) {
  if (access.cache_dir.empty() || access.local) return store;
  CachedStoreOptions options{.dir = access.cache_dir / hex_encode(blob.unique_id) / "blobs",
                             .keep = is_kept_locally};
  if (access.cache_limit > 0) options.max_bytes = access.cache_limit;
  return make_cached_store(std::move(store), std::move(options));
}

struct DerivedAndListed {
  Secret key = {};
  std::optional<IndexListing> listing = {};
};

// A distant store answers while the key is derived, which takes longer.
Result<DerivedAndListed> derive_and_list(const FormatBlob& blob,
                                         const Secret& password,
                                         objects::ObjectStore& store,
                                         const RepositoryAccess& access,
                                         const std::stop_token& stop) {
  DerivedAndListed out;
  const auto work = [&](std::size_t i, const std::stop_token& told) -> Status {
    if (i == 0) {
      out.key = TRY(blob.derive_key(password, access.keys));
      return {};
    }
    // If that fails it is asked again, where somebody hears why.
    auto listed = list_indexes(store, told);
    if (listed) out.listing = std::move(*listed);
    return {};
  };
  TRY(parallel_for(access.local ? 1 : 2, 2, work, stop));
  return out;
}

Status check_retention(objects::ObjectStore& store,
                       const FormatBlob& blob,
                       const Secret& key,
                       std::stop_token stop) {
  const auto stored = TRY(get_if_there(store, kConfigBlob, stop));
  if (!stored || stored->empty()) return {};
  const BlobRetention retention = TRY(open_blob_config(*stored, blob, key));
  if (!retention.enabled()) return {};
  return Error(Code::Unsupported,
               "the repository locks its blobs in the bucket ({}), which is not known",
               retention.mode)
      .with_hint("What is there can be read; write with kopia.");
}

}  // namespace

Result<std::optional<FoundRepository>> find_repository(objects::ObjectStore& store,
                                                       std::stop_token stop) {
  using Found = std::optional<FoundRepository>;
  if (auto document = TRY(get_if_there(store, kFormatBlob, stop))) {
    return Found({.layout = Layout::Flat, .document = std::move(*document)});
  }
  if (auto document = TRY(get_if_there(store, kFormatFile, stop))) {
    return Found({.layout = Layout::Sharded, .document = std::move(*document)});
  }
  return Found();
}

Result<std::unique_ptr<KopiaRepository>> open_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const RepositoryAccess& access,
    std::stop_token stop) {
  auto found = TRY(find_repository(*store, stop));
  if (!found) {
    return Error(Code::NotFound, "no kopia repository is here: {} is missing", kFormatBlob)
        .with_hint("Check the place, or create one with `lateen repo init`.");
  }
  return open_found(std::move(store), std::move(*found), password, access, std::move(stop));
}

Result<std::unique_ptr<KopiaRepository>> open_found(std::unique_ptr<objects::ObjectStore> store,
                                                    FoundRepository found,
                                                    const Secret& password,
                                                    const RepositoryAccess& access,
                                                    std::stop_token stop) {
  if (found.layout == Layout::Sharded) {
    const Sharding sharding = TRY(find_sharding(*store, stop));
    store = make_sharded_store(std::move(store), sharding);
  }
  FormatBlob blob = TRY(FormatBlob::parse(found.document));
  DerivedAndListed begun = TRY(derive_and_list(blob, password, *store, access, stop));
  Secret key = std::move(begun.key);
  FormatParameters parameters = TRY(open_format(blob, key));
  auto cipher = TRY(UnitCipher::create(parameters, access.rng));
  store = with_cache(std::move(store), blob, access);
  auto opened = std::make_unique<Opened>(Opened::Parts{.store = std::move(store),
                                                       .blob = std::move(blob),
                                                       .blob_bytes = std::move(found.document),
                                                       .format_key = std::move(key),
                                                       .parameters = std::move(parameters),
                                                       .cipher = std::move(cipher)},
                                         access);
  TRY(opened->load(stop, std::move(begun.listing)));
  return std::unique_ptr<KopiaRepository>(std::move(opened));
}

Result<std::unique_ptr<KopiaRepository>> create_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const CreateOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop) {
  if (TRY(find_repository(*store, stop))) {
    return Error(Code::AlreadyExists, "a kopia repository is here already");
  }
  FormatParameters parameters{.hash = options.hash,
                              .encryption = options.encryption,
                              .splitter = options.splitter,
                              .hash_secret = Secret(random_bytes(access.rng, kSecretBytes)),
                              .master_key = Secret(random_bytes(access.rng, kSecretBytes))};
  TRY(make_kopia_chunker(parameters.splitter));
  auto cipher = TRY(UnitCipher::create(parameters, access.rng));
  FormatBlob blob{.tool = std::string(kTool),
                  .build_version = "lateen",
                  .build_info = "lateen",
                  .unique_id = random_bytes(access.rng, kUniqueIdBytes),
                  .key_algorithm = std::string(kKeyAlgorithm)};
  Secret key = TRY(blob.derive_key(password, access.keys));
  TRY(seal_format(blob, parameters, key, access.rng));
  if (options.layout == Layout::Sharded) {
    const Sharding sharding;
    TRY(store->put(kShardsFile, sharding.write(), stop));
    store = make_sharded_store(std::move(store), sharding);
  }
  // First, and once: of several who make one here in the same moment it is the repository of one,
  // and all that comes after is that one's to write.
  Bytes document = blob.write();
  TRY(objects::put_new(*store, kFormatBlob, document, stop)
          .wrap("somebody else made a kopia repository here at the same time"));
  TRY(store->put(kConfigBlob, seal_blob_config({}, blob, key, access.rng), stop));
  store = with_cache(std::move(store), blob, access);
  auto opened = std::make_unique<Opened>(Opened::Parts{.store = std::move(store),
                                                       .blob = std::move(blob),
                                                       .blob_bytes = std::move(document),
                                                       .format_key = std::move(key),
                                                       .parameters = std::move(parameters),
                                                       .cipher = std::move(cipher)},
                                         access);
  TRY(opened->load(stop));
  TRY(opened->write_first_manifests(options, stop));
  return std::unique_ptr<KopiaRepository>(std::move(opened));
}

// ---- Opened: what is read when it is opened.

Opened::Opened(Parts parts, const RepositoryAccess& access)
    : store_(std::move(parts.store)),
      blob_(std::move(parts.blob)),
      blob_bytes_(std::move(parts.blob_bytes)),
      format_key_(std::move(parts.format_key)),
      parameters_(std::move(parts.parameters)),
      cipher_(std::move(parts.cipher)),
      access_(access),
      contents_(parameters_, *cipher_),
      indexes_(*store_, parameters_, *cipher_, access_.clock, access_.rng) {}

Opened::~Opened() = default;

std::string Opened::id() const {
  return hex_encode(blob_.unique_id);
}

std::map<std::string, std::string> Opened::parameters() const {
  return {{"format version", std::to_string(parameters_.version)},
          {"index version", std::to_string(parameters_.index_version)},
          {"hash", parameters_.hash},
          {"encryption", parameters_.encryption},
          {"splitter", parameters_.splitter},
          {"pack size", std::to_string(parameters_.max_pack_size)},
          {"epoch", std::to_string(state_.epochs.write_epoch)}};
}

Status Opened::load(std::stop_token stop, std::optional<IndexListing> made) {
  // A blob may go between the listing and the reading, when others merge it: then the next listing
  // does not have it.
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    state_ = TRY(indexes_.list(stop, std::exchange(made, std::nullopt)));
    std::vector<DamagedIndex> damage;
    const FilePath cache = access_.cache_dir.empty()
                               ? FilePath()
                               : access_.cache_dir / hex_encode(blob_.unique_id) / "index";
    auto index = TRY(indexes_.load(state_, cache, &damage, stop));
    const bool gone = std::ranges::any_of(
        damage, [](const DamagedIndex& one) { return one.error.is(Code::NotFound); });
    if ((gone || !state_.valid.holds(access_.clock)) && attempt < kAttempts) continue;
    for (const DamagedIndex& one : damage) {
      // A store that cannot be reached is not a damaged repository.
      if (!one.error.is(Code::Corrupt) && !one.error.is(Code::NotFound)) return one.error;
    }
    index_damage_ = std::move(damage);
    reader_.reset();
    trees_.reset();
    manifests_.reset();
    index_ = std::move(index);
    dirty_ = false;
    break;
  }
  trees_ = TRY(KopiaTreeFormat::create(parameters_.splitter, contents_, *index_));
  reader_ = std::make_unique<ContentReader>(*store_, contents_, *index_);
  return {};
}

std::vector<Problem> Opened::damaged_indexes() const {
  std::vector<Problem> problems;
  for (const DamagedIndex& one : index_damage_)
    problems.push_back({.path = "index " + one.blob.id, .error = one.error});
  return problems;
}

Status Opened::refresh(std::stop_token stop) {
  if (index_ && !dirty_ && state_.valid.holds(access_.clock)) return {};
  return load(stop);
}

Status Opened::ensure_writable(std::stop_token stop) {
  TRY(refresh(stop));
  if (!parameters_.has_epochs()) {
    return Error(Code::Unsupported, "repositories of format version {} are only read",
                 parameters_.version)
        .with_hint("`kopia repository upgrade` makes them version 3.");
  }
  if (!index_damage_.empty()) {
    return Error(index_damage_.front().error)
        .wrap("the repository's index is damaged")
        .with_hint("`lateen repo repair index` reads it again from the packs.");
  }
  Status checked = check_retention(*store_, blob_, format_key_, stop);
  if (checked || !checked.error().is(Code::Unauthenticated)) return checked;
  const Bytes now = TRY(store_->get(kFormatBlob, kMaxDocument, stop));
  if (now != blob_bytes_) {
    return Error(Code::Conflict, "the repository's password was changed meanwhile")
        .with_hint("Open it again.");
  }
  return Error(Code::Conflict, "{} is not under the password of {}", kConfigBlob, kFormatBlob)
      .with_hint("A change of the password was cut short: run `lateen repo rekey` again.");
}

Status Opened::write_first_manifests(const CreateOptions& options, std::stop_token stop) {
  ManifestSet& all = *TRY(manifests(stop));
  MaintenanceParameters maintenance{.owner = options.as_velero ? "default@default"
                                                               : access_.user + "@" + access_.host};
  all.add({{"type", "maintenance"}}, write_maintenance_parameters(maintenance), access_.clock,
          access_.rng);
  if (!options.as_velero) {
    all.add(global_policy_labels(), write_json_unsorted(global_policy(options.compression)),
            access_.clock, access_.rng);
  }
  Writing writing = begin_writing({});
  TRY(finish_writing(writing, stop));
  if (!options.as_velero) return {};
  JsonObject mark;
  mark["uniqueID"] = base64_encode(blob_.unique_id);
  return store_->put(kVeleroMark, write_json_unsorted(mark), stop);
}

}  // namespace lateen::repository::kopia
