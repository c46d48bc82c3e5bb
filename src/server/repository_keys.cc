#include "server/repository_keys.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/text.h"
#include "kube/object.h"
#include "model/locations.h"
#include "volumes/volume_repository.h"

namespace lateen::server {
namespace {

constexpr std::size_t kKeyBytes = 32;
// Each that is tried takes a tenth of a second and 64 MiB.
constexpr std::size_t kMostKeysTried = 24;
constexpr std::string_view kReplacedKey = "replaced-password.";
constexpr int kTriesToWrite = 10;

kube::ObjectPath secret_path(const ServerContext& context, std::string_view name) {
  return {.gvr = {"", "v1", "secrets"}, .ns = context.cluster.ns(), .name = std::string(name)};
}

std::string own_entry(std::string_view location) {
  return fmt::format("{}.{}", volumes::kRepositorySecretKey, location);
}

// In base64, as Secrets have it.
std::string new_key(const ServerContext& context) {
  std::array<std::byte, kKeyBytes> random = {};
  context.rng.fill(random);
  return base64_encode(
      base64url_encode({reinterpret_cast<const char*>(random.data()), random.size()}));
}

Result<Secret> key_at(const Json& encoded, std::string_view entry) {
  const Bytes key = TRY(
      base64_decode(as_text(&encoded)).wrap("Secret {}, {}", volumes::kRepositorySecret, entry));
  return Secret(std::string(trim(key)));
}

bool is_known_to_all(std::string_view encoded) {
  const auto key = base64_decode(encoded);
  return key && trim(*key) == volumes::kWellKnownRepositoryKey;
}

// What stands in an entry now is kept in another, if it is a secret.
void keep_replaced(Json& data, const std::string& entry, const Clock& clock) {
  const Json* now = find(data, JsonKey{entry});
  if (now == nullptr || is_known_to_all(as_text(now))) return;
  auto second = std::chrono::floor<std::chrono::seconds>(clock.now().time_since_epoch()).count();
  std::string kept;
  do {
    kept = fmt::format("{}{}", kReplacedKey, second++);
  } while (find(data, JsonKey{kept}) != nullptr);
  std::string text(as_text(now));
  data.as_object()[kept] = std::move(text);
}

// Reads the Secret, changes its data, and writes it, if nobody else did meanwhile.
Status change_secret(const ServerContext& context,
                     const std::function<void(Json& data)>& change,
                     std::stop_token stop) {
  const kube::ObjectPath path = secret_path(context, volumes::kRepositorySecret);
  for (int tries = 1;; ++tries) {
    Json secret = TRY(context.client().get(path, {}, stop).wrap("reading the repositories' keys"));
    Json& data = ensure(secret, "data");
    if (!data.is_object()) data = JsonObject();
    change(data);
    if (Json& notes = ensure(secret, "metadata.annotations"); notes.is_object())
      erase(notes.as_object(), JsonKey{kEscrowed});
    const auto written = context.client().update(path, secret, {}, stop);
    if (written) return {};
    if (!written.error().is(Code::Conflict) || tries == kTriesToWrite)
      return Error(written.error()).wrap("writing Secret {}", volumes::kRepositorySecret);
  }
}

// The entry's key is kept as a former one, and another takes its place.
Status replace_key(const ServerContext& context, const std::string& entry, std::stop_token stop) {
  return change_secret(
      context,
      [&](Json& data) {
        keep_replaced(data, entry, context.clock);
        data.as_object()[entry] = new_key(context);
      },
      std::move(stop));
}

}  // namespace

const Secret& RepositoryKeys::of(std::string_view location) const {
  const auto found = own.find(location);
  return found == own.end() ? shared : found->second;
}

std::vector<Secret> RepositoryKeys::others(std::string_view location) const {
  std::vector<Secret> keys = {shared};
  keys.insert(keys.end(), replaced.begin(), replaced.end());
  for (const auto& [of_location, key] : own)
    keys.push_back(key);
  std::vector<Secret> different;
  for (Secret& key : keys) {
    if (key.empty() || key == of(location) || different.size() == kMostKeysTried) continue;
    if (std::find(different.begin(), different.end(), key) == different.end())
      different.push_back(std::move(key));
  }
  return different;
}

bool RepositoryKeys::is_well_known(std::string_view location) const {
  return of(location).reveal() == volumes::kWellKnownRepositoryKey;
}

Result<RepositoryKeys> RepositoryKeys::parse(const Json& secret) {
  RepositoryKeys keys{.per_location = kube::annotation_of(secret, kKeyPerLocation) == "true"};
  const Json* data = find(secret, "data");
  if (data == nullptr || !data->is_object()) data = nullptr;
  const std::string own_prefix = own_entry("");
  std::map<std::string, Secret, std::greater<>> replaced;
  if (data != nullptr) {
    for (const auto& [name, value] : data->as_object()) {
      const std::string_view entry = name;
      if (entry == volumes::kRepositorySecretKey) keys.shared = TRY(key_at(value, entry));
      if (entry.starts_with(own_prefix))
        keys.own[std::string(entry.substr(own_prefix.size()))] = TRY(key_at(value, entry));
      if (entry.starts_with(kReplacedKey)) replaced[std::string(entry)] = TRY(key_at(value, entry));
    }
  }
  for (auto& [entry, key] : replaced)
    keys.replaced.push_back(std::move(key));
  if (keys.shared.empty()) {
    return Error(Code::Unauthenticated, "Secret {} has no key {}", volumes::kRepositorySecret,
                 volumes::kRepositorySecretKey)
        .with_hint("Put the key that this cluster's repositories were made with there.");
  }
  return keys;
}

Status ensure_repository_key(const ServerContext& context, std::stop_token stop) {
  auto there = context.client().get(secret_path(context, volumes::kRepositorySecret), {}, stop);
  if (there) return {};
  if (!there.error().is(Code::NotFound))
    return std::move(there).error().wrap("reading Secret {}", volumes::kRepositorySecret);
  const Json secret =
      JsonObject{{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", JsonObject{{"name", volumes::kRepositorySecret},
                                         {"namespace", context.cluster.ns()},
                                         {"annotations", JsonObject{{kKeyPerLocation, "true"}}}}},
                 {"type", "Opaque"},
                 {"data", JsonObject{{volumes::kRepositorySecretKey, new_key(context)}}}};
  auto made = context.client().create(secret_path(context, {}), secret, {}, stop);
  if (!made && made.error().is(Code::AlreadyExists)) return {};
  if (!made) return std::move(made).error().wrap("creating Secret {}", volumes::kRepositorySecret);
  context.log.warning(
      "Made a new key for repositories of volumes' files. Keep a copy outside of this cluster: "
      "without it, nobody can read them",
      {{"secret", fmt::format("{}/{}", context.cluster.ns(), volumes::kRepositorySecret)}});
  return {};
}

Result<RepositoryKeys> read_repository_keys(const ServerContext& context, std::stop_token stop) {
  auto secret =
      context.client().get(secret_path(context, volumes::kRepositorySecret), {}, std::move(stop));
  if (!secret && secret.error().is(Code::NotFound)) {
    return Error(Code::Unauthenticated,
                 "Secret {}/{}, which holds the repositories' key, is not there",
                 context.cluster.ns(), volumes::kRepositorySecret)
        .with_hint(
            "The server makes a new one when it starts; repositories that are there need "
            "the one that they were made with.");
  }
  if (!secret) return std::move(secret).error().wrap("reading the repositories' key");
  return RepositoryKeys::parse(*secret).wrap("namespace {}", context.cluster.ns());
}

Result<RepositoryKeys> ensure_location_key(const ServerContext& context,
                                           const model::BackupStorageLocation& location,
                                           std::stop_token stop) {
  const std::string& name = location.metadata.name;
  RepositoryKeys keys = TRY(read_repository_keys(context, stop));
  const bool is_default =
      location.spec.is_default || name == context.config.default_backup_location;
  if (!keys.per_location || is_default || keys.own.contains(name)) return keys;
  TRY(change_secret(
      context,
      [&](Json& data) {
        // Somebody may have been faster.
        if (find(data, JsonKey{own_entry(name)}) == nullptr)
          data.as_object()[own_entry(name)] = new_key(context);
      },
      stop));
  context.log.warning(
      "Made a key of its own for a backup storage location's repositories. Keep a copy of the "
      "Secret outside of this cluster",
      {{"location", name},
       {"secret", fmt::format("{}/{}", context.cluster.ns(), volumes::kRepositorySecret)}});
  return read_repository_keys(context, stop);
}

Status replace_shared_key(const ServerContext& context, std::stop_token stop) {
  return replace_key(context, std::string(volumes::kRepositorySecretKey), std::move(stop));
}

Status replace_location_key(const ServerContext& context,
                            const std::string& location,
                            std::stop_token stop) {
  return replace_key(context, own_entry(location), std::move(stop));
}

Status drop_location_key(const ServerContext& context,
                         const std::string& location,
                         std::stop_token stop) {
  return change_secret(
      context,
      [&](Json& data) {
        keep_replaced(data, own_entry(location), context.clock);
        erase(data.as_object(), JsonKey{own_entry(location)});
      },
      std::move(stop));
}

}  // namespace lateen::server
