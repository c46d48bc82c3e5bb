// Opening and creating.
#include "base/hash.h"
#include "objects/new_object.h"
#include "repository/engine/cached_store.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_header.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {

constexpr std::string_view kConfig = "config";
constexpr ByteCount kMaxConfig = 1_MiB;

Result<Config> open_config(const CtrPolyKey& key, BytesView sealed) {
  const Bytes plain = TRY(open_unit(key, sealed).wrap("reading the config"));
  return decode_config(plain);
}

Result<std::uint64_t> make_polynomial(Rng& rng) {
  // One draw in 27 is irreducible: that none of so many is does not happen.
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t candidate = polynomial_candidate(random_u64(rng));
    if (is_irreducible(candidate)) return candidate;
  }
  return Error(Code::Internal, "no irreducible polynomial found: the random source is broken");
}

Result<Bytes> require_config(objects::ObjectStore& store, const std::stop_token& stop) {
  auto config = TRY(find_repository(store, stop));
  if (config) return std::move(*config);
  return Error(Code::NotFound, "there is no repository here: no config file")
      .with_hint("`init` makes one.");
}

// What a new repository's config is to be under.
struct FirstKey {
  MasterKey master = {};
  std::optional<Id> own = {};  // the key file that was made for it
};

// Whoever makes one at the same time, or died before there was a config, may have left its key:
// that is taken up. AlreadyExists where the password opens none that is there.
Result<FirstKey> first_key(objects::ObjectStore& store,
                           const Secret& password,
                           const ScryptCost& cost,
                           const RepositoryAccess& access,
                           std::stop_token stop) {
  auto left = open_with_password(store, password, {}, access.keys, stop);
  if (left) return FirstKey{.master = std::move(left->master)};
  if (left.error().is(Code::Unauthenticated)) {
    return Error(Code::AlreadyExists,
                 "there are keys of a restic repository here already, of another password");
  }
  if (!left.error().is(Code::NotFound)) return std::move(left).error();
  FirstKey made{.master = make_master_key(access.rng)};
  made.own =
      TRY(add_key(store, made.master, password, {.username = access.user, .hostname = access.host},
                  access.clock.now(), access.rng, cost));
  return made;
}

// Somebody else's config is here. If it is not under our master key, our key file opens nothing.
Status remove_needless_key(objects::ObjectStore& store,
                           const CtrPolyKey& cipher,
                           const Id& own,
                           std::stop_token stop) {
  const Bytes config = TRY(require_config(store, stop));
  if (open_config(cipher, config)) return {};
  return store.remove(fmt::format("keys/{}", own.hex()), std::move(stop));
}

struct OpenedConfig {
  OpenedKey key = {};
  Config config = {};
};

// By the key that the password gives. One that was made at the same time as the config's, by who
// came too late and died before it was gone, opens nothing here: then others may.
Result<OpenedConfig> open_sealed(objects::ObjectStore& store,
                                 const Secret& password,
                                 const std::string& hint,
                                 BytesView sealed,
                                 const RepositoryAccess& access,
                                 std::stop_token stop) {
  OpenedKey key = TRY(open_with_password(store, password, hint, access.keys, stop));
  auto config = open_config(to_cipher_key(key.master), sealed);
  if (config) return OpenedConfig{.key = std::move(key), .config = std::move(*config)};
  std::vector<Error> unreadable;
  for (const ListedKey& other : TRY(list_keys(store, unreadable, stop))) {
    if (other.id == key.id) continue;
    auto next = open_with_password(store, password, other.id.hex(), access.keys, stop);
    if (!next) continue;
    auto opened = open_config(to_cipher_key(next->master), sealed);
    if (opened) return OpenedConfig{.key = std::move(*next), .config = std::move(*opened)};
  }
  return std::move(config).error();
}

}  // namespace

Result<std::optional<Bytes>> find_repository(objects::ObjectStore& store, std::stop_token stop) {
  auto config = store.get(kConfig, kMaxConfig, std::move(stop));
  if (config) return std::optional(std::move(*config));
  if (config.error().is(Code::NotFound)) return std::optional<Bytes>();
  return std::move(config).error().wrap("looking for a restic repository");
}

Result<std::unique_ptr<ResticRepository>> open_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const OpenOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop) {
  const Bytes sealed = options.config.empty() ? TRY(require_config(*store, stop)) : options.config;
  auto [key, config] = TRY(open_sealed(*store, password, options.key_hint, sealed, access, stop));
  if (options.pack_size < kMinPackSize || options.pack_size > kMaxPackSize) {
    return Error(Code::InvalidArgument, "packs of {} bytes: between 4 and 128 MiB are allowed",
                 options.pack_size);
  }
  std::unique_ptr<Chunker> chunker = TRY(make_restic_chunker(config.polynomial));
  auto opened = std::make_unique<Opened>(Opened::Parts{.store = std::move(store),
                                                       .config = config,
                                                       .key_id = key.id,
                                                       .master = std::move(key.master),
                                                       .chunker = std::move(chunker),
                                                       .pack_size = options.pack_size,
                                                       .new_key_cost = options.new_key_cost,
                                                       .lock_settle = options.lock_settle},
                                         access);
  if (options.load_index) TRY(opened->ensure_index(stop));
  return std::unique_ptr<ResticRepository>(std::move(opened));
}

Result<std::unique_ptr<ResticRepository>> create_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const CreateOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop) {
  if (TRY(find_repository(*store, stop))) {
    return Error(Code::AlreadyExists, "there is a restic repository here already: config exists");
  }
  if (options.version != 1 && options.version != 2) {
    return Error(Code::InvalidArgument, "repository versions are 1 and 2, not {}", options.version);
  }
  Bytes id(Id::kSize, '\0');
  access.rng.fill(std::as_writable_bytes(std::span(id)));
  const std::uint64_t polynomial =
      options.polynomial ? *options.polynomial : TRY(make_polynomial(access.rng));
  const Config config{
      .version = options.version, .id = Id::from_raw(id).hex(), .polynomial = polynomial};
  TRY(make_restic_chunker(polynomial));  // refuses one that is not irreducible
  const FirstKey key = TRY(first_key(*store, password, options.cost, access, stop));
  // Last, and once: what has a config is a repository.
  const CtrPolyKey cipher = to_cipher_key(key.master);
  const Status stored =
      objects::put_new(*store, kConfig, seal_unit(cipher, encode(config), access.rng), stop);
  if (!stored && stored.error().is(Code::AlreadyExists) && key.own)
    TRY(remove_needless_key(*store, cipher, *key.own, stop));
  TRY(Status(stored).wrap("storing the config"));
  return open_repository(std::move(store), password, {.new_key_cost = options.cost}, access,
                         std::move(stop));
}

Opened::Opened(Parts parts, const RepositoryAccess& access)
    : store_(std::move(parts.store)),
      access_(access),
      config_(std::move(parts.config)),
      key_id_(parts.key_id),
      master_(std::move(parts.master)),
      new_key_cost_(parts.new_key_cost),
      lock_settle_(parts.lock_settle),
      files_(*store_, to_cipher_key(master_), config_.version, access_.rng),
      format_(files_.key(), config_.version, parts.pack_size, access_.rng),
      trees_(std::move(parts.chunker), TreeFormatOptions{}) {
  if (access_.cache_dir.empty() || access_.local) return;
  // Packs are asked for through it where they hold trees: by the reader alone.
  CachedStoreOptions options{.dir = access_.cache_dir / config_.id / "packs",
                             .keep = [](std::string_view key) { return key.starts_with("data/"); }};
  if (access_.cache_limit > 0) options.max_bytes = access_.cache_limit;
  tree_cache_ = make_cached_store(*store_, std::move(options));
}

Opened::~Opened() = default;

FilePath Opened::index_cache_dir() const {
  return access_.cache_dir.empty() ? FilePath() : access_.cache_dir / config_.id / "lateen-index";
}

Status Opened::reload_index(const IndexLoadOptions& options, const std::stop_token& stop) {
  LoadedIndex loaded = TRY(load_index(files_, options, stop));
  reader_.reset();
  index_ = std::move(loaded);
  reader_ = std::make_unique<ContentReader>(*store_, format_, *index_.index,
                                            ContentReaderOptions{.metadata = tree_cache_.get()});
  return {};
}

Status Opened::ensure_index(std::stop_token stop) {
  if (!index_.index) return reload_index({.cache_dir = index_cache_dir()}, stop);
  auto added = load_new_files(files_, index_, stop);
  if (added) return {};
  if (!added.error().is(Code::Gone)) return std::move(added).error();
  return reload_index({.cache_dir = index_cache_dir()}, stop);
}

Status Opened::ensure_some_index(std::vector<Error>& problems, std::stop_token stop) {
  Status loaded = ensure_index(stop);
  if (loaded || !loaded.error().is(Code::Corrupt)) return loaded;
  TRY(reload_index({.tolerant = true}, stop));
  problems = index_.problems;
  return {};
}

ContentReader& Opened::reader() {
  LATEEN_ASSERT(reader_ != nullptr, "who opened without an index calls ensure_index() first");
  return *reader_;
}

std::map<std::string, std::string> Opened::parameters() const {
  return {{"version", std::to_string(config_.version)},
          {"id", config_.id},
          {"chunker_polynomial", fmt::format("{:x}", config_.polynomial)},
          {"hash", "SHA256"},
          {"encryption", "AES256-CTR-POLY1305-AES"}};
}

Status Opened::lock(LockMode mode, std::stop_token stop) {
  if (lock_ && (lock_->mode() == mode || lock_->mode() == LockMode::Exclusive)) {
    return lock_->check();
  }
  lock_.reset();
  lock_ = TRY(HeldLock::acquire(files_, access_.clock, mode,
                                {.hostname = access_.host, .username = access_.user}, lock_settle_,
                                std::move(stop)));
  return {};
}

Status Opened::settle_lock(std::stop_token stop) {
  Status settled = lock_ ? lock_->settled(std::move(stop)) : Status();
  if (!settled) lock_.reset();
  return settled;
}

Status Opened::still_locked() const {
  if (lock_) return lock_->check();
  return Error(Code::Internal, "the repository would be changed without a lock");
}

Result<std::size_t> Opened::remove_locks(bool all, std::stop_token stop) {
  return restic::remove_locks(files_, access_.host, access_.clock.now(), all, stop);
}

Result<std::vector<KeyInfo>> Opened::keys(std::vector<Error>& problems, std::stop_token stop) {
  std::vector<KeyInfo> infos;
  for (const ListedKey& key : TRY(list_keys(*store_, problems, std::move(stop)))) {
    infos.push_back({.id = key.id.hex(),
                     .user = key.file.username,
                     .host = key.file.hostname,
                     .created = key.file.created,
                     .current = key.id == key_id_});
  }
  return infos;
}

Result<std::string> Opened::add_key(const Secret& password,
                                    const KeyOwner& owner,
                                    std::stop_token stop) {
  TRY(lock(LockMode::Shared, stop));
  TRY(still_locked());
  const Id id = TRY(restic::add_key(*store_, master_, password, owner, access_.clock.now(),
                                    access_.rng, new_key_cost_));
  return id.hex();
}

Status Opened::remove_key(std::string_view id, std::stop_token stop) {
  const Id key = TRY(parse_id(id));
  if (key == key_id_) {
    return Error(Code::InvalidArgument, "refusing to remove the key that is in use")
        .with_hint("Open the repository with another password, or change this one's.");
  }
  TRY(lock(LockMode::Exclusive, stop));
  return files_.remove(FileType::Key, key, stop);
}

Result<std::string> Opened::change_password(const Secret& password, std::stop_token stop) {
  TRY(lock(LockMode::Exclusive, stop));
  std::string id =
      TRY(add_key(password, {.username = access_.user, .hostname = access_.host}, stop));
  TRY(files_.remove(FileType::Key, key_id_, stop));
  return id;
}

Result<std::size_t> Opened::remove_password(const Secret& password, std::stop_token stop) {
  TRY(lock(LockMode::Exclusive, stop));
  for (std::size_t removed = 0;; ++removed) {
    const auto found = open_with_password(*store_, password, {}, access_.keys, stop);
    if (!found && found.error().is(Code::Unauthenticated)) return removed;
    if (!found) return Error(found.error());
    std::vector<Error> unreadable;
    if (TRY(list_keys(*store_, unreadable, stop)).size() < 2) {
      return Error(Code::InvalidArgument, "this is the only password of the repository")
          .with_hint("Add another one first.");
    }
    TRY(files_.remove(FileType::Key, found->id, stop));
  }
}

Result<Bytes> Opened::document(FileType type, const Id& id, std::stop_token stop) {
  if (type == FileType::Key || type == FileType::Pack) {
    return store_->get(key_of(type, id), objects::kMaxDocument, std::move(stop));
  }
  return files_.load(type, id, std::move(stop));
}

Result<std::vector<ListedFile>> Opened::list(FileType type, std::stop_token stop) {
  return list_files(*store_, type, stop);
}

std::string Opened::config_json() const {
  return encode(config_);
}

std::string Opened::master_key_json() const {
  return encode(master_);
}

}  // namespace lateen::repository::restic
