// Small builders for the OpenAPI schemas of crds.h. Only this room's .cc files include it.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/open_enum.h"

namespace lateen::model::schema {

using Properties = std::initializer_list<std::pair<std::string_view, Json>>;
using Words = std::initializer_list<std::string_view>;

Json text();
Json boolean();
Json integer();
Json int64();
Json bytes();     // base64
Json time();      // null allowed, as everywhere in Velero
Json duration();  // Go's, as a string
Json nullable(Json schema);
Json texts();  // a list
Json nullable_texts();
Json text_map();  // string → string
Json list_of(Json items);
Json one_of(Words words);
Json object(Properties properties, Words required = {});
Json anything();  // an object of unknown fields, kept

// One of the words of an enumeration; never the empty one.
template <Worded E>
Json one_of() {
  Json schema = text();
  JsonArray words;
  for (const EnumWord<E>& known : EnumWords<E>::kWords) {
    if (!known.word.empty()) words.emplace_back(known.word);
  }
  schema.get_object().emplace("enum", std::move(words));
  return schema;
}

Json label_selector();
Json secret_key_selector();
Json typed_local_object_reference();
Json object_reference();
Json data_progress();  // totalBytes, bytesDone
Json hook_status();

// ---- The specs and statuses, by kind.
struct KindSchema {
  Json spec;
  Json status;
};

Json backup_spec();
KindSchema backup();
KindSchema restore();
KindSchema schedule();
KindSchema delete_backup_request();
KindSchema download_request();
KindSchema server_status_request();
KindSchema backup_storage_location();
KindSchema volume_snapshot_location();
KindSchema backup_repository();
KindSchema pod_volume_backup();
KindSchema pod_volume_restore();
KindSchema data_upload();
KindSchema data_download();
KindSchema restore_drill();

}  // namespace lateen::model::schema
