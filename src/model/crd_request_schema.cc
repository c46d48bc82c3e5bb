// Requests and locations.
#include "model/crd_schema.h"
#include "model/locations.h"
#include "model/phases.h"
#include "model/requests.h"

namespace lateen::model::schema {

KindSchema delete_backup_request() {
  return {.spec = object({{"backupName", text()}}, {"backupName"}),
          .status = object({{"errors", nullable_texts()}, {"phase", one_of<RequestPhase>()}})};
}

KindSchema download_request() {
  // Those of Velero: ours are asked for by an annotation (document_annotation.h).
  Json kinds = one_of<DownloadTargetKind>();
  JsonArray velero_kinds;
  for (const Json& kind : *array_at(kinds, "enum")) {
    if (!is_own_document(parse_enum<DownloadTargetKind>(as_text(&kind))))
      velero_kinds.push_back(kind);
  }
  ensure(kinds, "enum") = std::move(velero_kinds);
  const Json target = object({{"kind", kinds}, {"name", text()}}, {"kind", "name"});
  return {.spec = object({{"target", target}}, {"target"}),
          .status = object({{"downloadURL", text()},
                            {"expiration", time()},
                            {"phase", one_of({"New", "Processed"})}})};
}

KindSchema server_status_request() {
  const Json plugin = object({{"kind", text()}, {"name", text()}}, {"kind", "name"});
  return {.spec = object({}),
          .status = object({{"phase", one_of({"New", "Processed"})},
                            {"plugins", nullable(list_of(plugin))},
                            {"processedTimestamp", time()},
                            {"serverVersion", text()}})};
}

KindSchema backup_storage_location() {
  const Json storage = object({{"bucket", text()},
                               {"caCert", bytes()},
                               {"caCertRef", secret_key_selector()},
                               {"prefix", text()}},
                              {"bucket"});
  return {.spec = object({{"accessMode", one_of<AccessMode>()},
                          {"backupSyncPeriod", nullable(duration())},
                          {"config", text_map()},
                          {"credential", secret_key_selector()},
                          {"default", boolean()},
                          {"objectStorage", storage},
                          {"provider", text()},
                          {"validationFrequency", nullable(duration())}},
                         {"objectStorage", "provider"}),
          .status = object({{"accessMode", one_of<AccessMode>()},
                            {"lastSyncedRevision", text()},
                            {"lastSyncedTime", time()},
                            {"lastValidationTime", time()},
                            {"message", text()},
                            {"phase", one_of<LocationPhase>()}})};
}

KindSchema volume_snapshot_location() {
  return {.spec = object(
              {{"config", text_map()}, {"credential", secret_key_selector()}, {"provider", text()}},
              {"provider"}),
          .status = object({{"phase", one_of<LocationPhase>()}})};
}

}  // namespace lateen::model::schema
