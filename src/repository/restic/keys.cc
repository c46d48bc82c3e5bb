#include "repository/restic/keys.h"

#include "repository/crypto/derived_keys.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {

// As restic: who has more keys than this says which.
constexpr std::size_t kMaxKeysTried = 20;
constexpr ByteCount kMaxKeyFile = 1_MiB;
constexpr std::string_view kKeys = "keys/";

CtrPolyKey split_derived(BytesView derived) {
  return to_cipher_key({.encrypt = Secret(std::string(derived.substr(0, 32))),
                        .mac_k = Secret(std::string(derived.substr(32, 16))),
                        .mac_r = Secret(std::string(derived.substr(48, 16)))});
}

Result<CtrPolyKey> derive(const Secret& password, const KeyFile& file, DerivedKeys* known) {
  const ScryptCost cost{.n = file.n, .r = file.r, .p = file.p};
  const Secret derived = TRY(derive_by_scrypt(known, password, file.salt, cost, 64));
  return split_derived(derived.reveal());
}

Result<KeyFile> load_key(objects::ObjectStore& store, const Id& id, std::stop_token stop) {
  const std::string key = std::string(kKeys) + id.hex();
  const Bytes bytes = TRY(store.get(key, kMaxKeyFile, std::move(stop)).wrap("reading {}", key));
  return decode_key_file(bytes).wrap("reading {}", key);
}

// Nothing if the password is not this key's.
Result<std::optional<OpenedKey>> try_key(objects::ObjectStore& store,
                                         const Id& id,
                                         const Secret& password,
                                         DerivedKeys* known,
                                         std::stop_token stop) {
  KeyFile file = TRY(load_key(store, id, std::move(stop)));
  const CtrPolyKey key = TRY(derive(password, file, known));
  auto plain = open_unit(key, file.data);
  if (!plain) return std::optional<OpenedKey>();
  const Secret json(std::move(*plain));
  MasterKey master = TRY(decode_master_key(json.reveal()).wrap("key {}", id.short_hex()));
  return std::optional(OpenedKey{.id = id, .file = std::move(file), .master = std::move(master)});
}

Result<std::vector<Id>> key_ids(objects::ObjectStore& store, const std::stop_token& stop) {
  const auto objects = TRY(objects::list_all(store, kKeys, 10'000, stop));
  std::vector<Id> ids;
  for (const objects::ObjectInfo& object : objects) {
    const std::string_view name = std::string_view(object.key).substr(kKeys.size());
    if (is_id(name)) ids.push_back(TRY(parse_id(name)));
  }
  return ids;
}

Secret random_secret(Rng& rng, std::size_t size) {
  std::string bytes(size, '\0');
  rng.fill(std::as_writable_bytes(std::span(bytes)));
  return Secret(std::move(bytes));
}

}  // namespace

Result<OpenedKey> open_with_password(objects::ObjectStore& store,
                                     const Secret& password,
                                     std::string_view hint,
                                     DerivedKeys* known,
                                     std::stop_token stop) {
  const std::vector<Id> ids = TRY(key_ids(store, stop));
  if (ids.empty()) return Error(Code::NotFound, "there are no keys: this is not a repository");
  std::optional<Error> broken;
  std::size_t tried = 0;
  for (const Id& id : ids) {
    if (!hint.empty() && !id.hex().starts_with(hint)) continue;
    if (++tried > kMaxKeysTried) break;
    if (stop.stop_requested()) return Error(Code::Canceled, "opening the repository was stopped");
    auto opened = try_key(store, id, password, known, stop);
    if (!opened) {
      broken = std::move(opened).error();
    } else if (*opened) {
      return std::move(**opened);
    }
  }
  if (broken && tried <= 1) return std::move(*broken);
  if (tried == 0) return Error(Code::NotFound, "no key's ID begins with \"{}\"", hint);
  return Error(Code::Unauthenticated, "wrong password or no key found")
      .with_hint(tried > kMaxKeysTried
                     ? "Only the first 20 keys were tried: say which one with --key-hint."
                     : "Check --password-file, RESTIC_PASSWORD and their like.");
}

MasterKey make_master_key(Rng& rng) {
  return {.encrypt = random_secret(rng, 32),
          .mac_k = random_secret(rng, 16),
          .mac_r = random_secret(rng, 16)};
}

Result<Id> add_key(objects::ObjectStore& store,
                   const MasterKey& master,
                   const Secret& password,
                   const KeyOwner& owner,
                   TimePoint now,
                   Rng& rng,
                   const ScryptCost& cost) {
  KeyFile file{.created = now,
               .username = owner.username,
               .hostname = owner.hostname,
               .n = cost.n,
               .r = static_cast<std::uint32_t>(cost.r),
               .p = static_cast<std::uint32_t>(cost.p),
               .salt = std::string(random_secret(rng, 64).reveal())};
  const CtrPolyKey key = TRY(derive(password, file, nullptr));
  const Secret json(encode(master));
  file.data = seal_unit(key, json.reveal(), rng);
  const std::string bytes = encode(file);
  // What was written is what a reader must be able to open: tried before it counts.
  const KeyFile again = TRY(decode_key_file(bytes));
  if (TRY(open_unit(key, again.data)) != json.reveal()) {
    return Error(Code::Internal, "the new key does not open: memory or processor are faulty");
  }
  const Id id = Id::of(bytes);
  TRY(store.put(std::string(kKeys) + id.hex(), bytes).wrap("storing the new key"));
  return id;
}

Result<std::vector<ListedKey>> list_keys(objects::ObjectStore& store,
                                         std::vector<Error>& problems,
                                         std::stop_token stop) {
  std::vector<ListedKey> keys;
  for (const Id& id : TRY(key_ids(store, stop))) {
    auto file = load_key(store, id, stop);
    if (file) {
      keys.push_back({.id = id, .file = std::move(*file)});
    } else {
      problems.push_back(std::move(file).error());
    }
  }
  return keys;
}

}  // namespace lateen::repository::restic
