#include "cli/location_ca.h"

#include "base/encoding.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/restore.h"

namespace lateen::cli {
namespace {

// Nothing when it is not there.
template <typename T>
Result<std::optional<T>> get_if_any(const Session& session,
                                    const std::string& name,
                                    std::stop_token stop) {
  if (name.empty()) return std::optional<T>();
  auto object = session.cluster.get<T>(name, stop);
  if (object) return std::optional<T>(std::move(*object));
  if (object.error().is(Code::NotFound)) return std::optional<T>();
  return std::move(object).error();
}

Result<std::string> read_key(const Session& session,
                             const model::SecretKeySelector& selector,
                             std::stop_token stop) {
  const kube::ObjectPath path{
      .gvr = {"", "v1", "secrets"}, .ns = session.ns(), .name = selector.name};
  const Json secret = TRY(session.client->get(path, {}, stop));
  const Json* value = find(find(&secret, "data"), JsonKey{selector.key});
  if (value == nullptr) {
    return Error(Code::NotFound, "key {} not found in secret {}", selector.key, selector.name);
  }
  return base64_decode(as_text(value));
}

}  // namespace

Result<std::string> location_ca(const Session& session,
                                model::DownloadTargetKind kind,
                                const std::string& name,
                                std::stop_token stop) {
  std::string backup_name = name;
  if (model::is_of_restore(kind)) {
    const auto restore = TRY(get_if_any<model::Restore>(session, name, stop));
    backup_name = restore ? restore->spec.backup_name : "";
  }
  const auto backup = TRY(get_if_any<model::Backup>(session, backup_name, stop));
  if (!backup) return std::string();
  const auto location =
      TRY(get_if_any<model::BackupStorageLocation>(session, backup->spec.storage_location, stop));
  if (!location || !location->spec.object_storage) return std::string();
  const auto& storage = *location->spec.object_storage;
  if (storage.ca_cert_ref) return read_key(session, *storage.ca_cert_ref, stop);
  return base64_decode(storage.ca_cert);
}

}  // namespace lateen::cli
