#include "server/backup_signer.h"

#include <algorithm>

#include "base/hash.h"
#include "model/documents.h"
#include "model/locations.h"
#include "model/names.h"
#include "server/retention.h"
#include "server/signing_keys.h"

namespace lateen::server {
namespace {

constexpr std::string_view kLedgerKey = "ledger.json";
constexpr int kLedgerTries = 10;
// A ConfigMap holds 1 MiB; an entry takes about 200 bytes. The oldest leave.
constexpr std::size_t kMostInLedger = 4'000;

kube::ObjectPath ledger_path(const ServerContext& context, std::string_view location) {
  return {.gvr = {"", "v1", "configmaps"},
          .ns = context.cluster.ns(),
          .name = model::valid_name(fmt::format("lateen-signed-{}", location))};
}

struct Ledger {
  Json config_map = {};  // null: not there yet
  std::string previous = {};
  assurance::SignedBackups backups = {};
};

// Which bucket: a location may be pointed at another one.
Result<std::string> bucket_of(const ServerContext& context,
                              std::string_view location,
                              std::stop_token stop) {
  const auto there = TRY(context.cluster.get<model::BackupStorageLocation>(location, stop));
  if (!there.spec.object_storage) return std::string();
  return fmt::format("{}:{}/{}", there.spec.provider, there.spec.object_storage->bucket,
                     there.spec.object_storage->prefix);
}

Result<Ledger> load(const ServerContext& context,
                    std::string_view location,
                    const std::string& bucket,
                    std::stop_token stop) {
  auto config_map = context.client().get(ledger_path(context, location), {}, stop);
  if (!config_map && config_map.error().is(Code::NotFound)) return Ledger();
  if (!config_map) return std::move(config_map).error().wrap("reading the ledger of backups");
  Ledger ledger{.config_map = std::move(*config_map)};
  const std::string_view text = as_text(find(find(ledger.config_map, "data"), JsonKey{kLedgerKey}));
  if (text.empty()) return ledger;
  const Json json = TRY(parse_json(text).wrap("ConfigMap {}", ledger_path(context, location).name));
  if (string_at(json, "bucket") != bucket) return ledger;
  ledger.previous = string_at(json, "previous");
  ledger.backups = TRY(assurance::parse_signed_backups(find(json, "backups")));
  return ledger;
}

void drop_oldest(assurance::SignedBackups& backups) {
  while (backups.size() > kMostInLedger) {
    backups.erase(std::min_element(
        backups.begin(), backups.end(),
        [](const auto& a, const auto& b) { return a.second.signed_at < b.second.signed_at; }));
  }
}

Status store_ledger(const ServerContext& context,
                    std::string_view location,
                    const std::string& bucket,
                    const Ledger& ledger,
                    std::stop_token stop) {
  const kube::ObjectPath path = ledger_path(context, location);
  const Json content = JsonObject{{"bucket", bucket},
                                  {"previous", ledger.previous},
                                  {"backups", assurance::signed_backups_json(ledger.backups)}};
  JsonObject data;
  data[kLedgerKey] = write_json(content);
  if (ledger.config_map.is_null()) {
    const Json made =
        JsonObject{{"apiVersion", "v1"},
                   {"kind", "ConfigMap"},
                   {"metadata", JsonObject{{"name", path.name}, {"namespace", path.ns}}},
                   {"data", std::move(data)}};
    auto created = context.client().create({.gvr = path.gvr, .ns = path.ns}, made, {}, stop);
    if (!created && created.error().is(Code::AlreadyExists))
      return std::move(created).error().with_code(Code::Conflict);
    if (!created) return std::move(created).error();
    return {};
  }
  Json changed = ledger.config_map;
  ensure(changed, "data") = std::move(data);
  TRY(context.client().update(path, changed, {}, stop));
  return {};
}

// Reads, changes and writes it, again from the start when somebody else was faster.
template <typename Change>
Status change_ledger(const ServerContext& context,
                     std::string_view location,
                     const std::string& bucket,
                     Change change,
                     std::stop_token stop) {
  for (int i = 1;; ++i) {
    Ledger ledger = TRY(load(context, location, bucket, stop));
    if (!change(ledger)) return {};
    drop_oldest(ledger.backups);
    const Status written = store_ledger(context, location, bucket, ledger, stop);
    if (written || !written.error().is(Code::Conflict) || i == kLedgerTries) return written;
  }
}

}  // namespace

Status sign_backup(const model::Backup& backup,
                   const ServerContext& context,
                   objects::BackupStore& store,
                   std::stop_token stop) {
  const std::string& name = backup.metadata.name;
  const std::string& location = backup.spec.storage_location;
  const SigningKeys keys = TRY(read_signing_keys(context, stop));
  const std::string bucket = TRY(bucket_of(context, location, stop));
  Ledger ledger = TRY(load(context, location, bucket, stop));
  ledger.backups.erase(name);
  std::string cluster = TRY(read_cluster_uid(context.client(), stop));
  assurance::Manifest manifest{.backup = name,
                               .uid = backup.metadata.uid,
                               .cluster = std::move(cluster),
                               .signed_at = context.clock.now(),
                               .expiration = backup.status.expiration};
  manifest.objects = TRY(assurance::digest_backup(store, name, model::write_backup(backup), stop));
  manifest.previous = ledger.previous == name ? std::string() : ledger.previous;
  manifest.present = std::move(ledger.backups);
  const Bytes document =
      TRY(assurance::sign_document(assurance::manifest_json(manifest), keys.key));
  TRY(store.objects().put(store.layout().backup_manifest(name), document, stop));
  const assurance::SignedBackup entry{
      .sha256 = sha256_hex(BytesView(document).substr(0, document.find('\n'))),
      .signed_at = manifest.signed_at,
      .expiration = manifest.expiration};
  return change_ledger(
      context, location, bucket,
      [&](Ledger& now) {
        now.previous = name;
        now.backups[name] = entry;
        return true;
      },
      stop);
}

Result<assurance::SignedBackups> read_ledger(const ServerContext& context,
                                             std::string_view location,
                                             std::stop_token stop) {
  const std::string bucket = TRY(bucket_of(context, location, stop));
  return TRY(load(context, location, bucket, stop)).backups;
}

Status forget_signed(const ServerContext& context,
                     std::string_view location,
                     std::string_view backup,
                     std::stop_token stop) {
  const std::string bucket = TRY(bucket_of(context, location, stop));
  return change_ledger(
      context, location, bucket,
      [backup](Ledger& now) {
        const auto found = now.backups.find(backup);
        if (found == now.backups.end()) return false;
        now.backups.erase(found);
        return true;
      },
      stop);
}

}  // namespace lateen::server
