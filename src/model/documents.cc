#include "model/documents.h"

#include "base/json.h"
#include "model/codec.h"

namespace lateen::model {
namespace {

// Go's Encoder ends each document with a newline.
Bytes write_line(const Json& json) {
  Bytes text = write_json_unsorted(json);
  text += '\n';
  return text;
}

enum class WhenEmpty { Null, List };

template <typename T>
Bytes write_list(const std::vector<T>& list, WhenEmpty when_empty) {
  if (list.empty()) return when_empty == WhenEmpty::Null ? "null\n" : "[]\n";
  JsonArray array;
  array.reserve(list.size());
  for (const T& item : list)
    array.push_back(to_json_untyped(item));
  return write_line(array);
}

template <typename T>
Result<std::vector<T>> read_list(BytesView text) {
  const Json json = TRY(parse_json(text));
  std::vector<T> list;
  if (json.is_null()) return list;
  if (const codec::Decoded failure = codec::decode(json, list)) {
    return Error(Code::Corrupt, "{}", codec::describe(*failure));
  }
  // Items may carry kind and apiVersion, which say nothing new here.
  if constexpr (codec::Kind<T>) {
    for (T& item : list)
      TRY(codec::check_kind(T::kKind, item.unknown));
  }
  return list;
}

// `text` is compact JSON of our own writer; Go's MarshalIndent of the same, which keeps the order
// of the keys.
Bytes indent(BytesView text) {
  Bytes pretty;
  pretty.reserve(text.size() * 2);
  std::size_t depth = 0;
  bool in_string = false;
  const auto new_line = [&] { (pretty += '\n').append(depth * 2, ' '); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      pretty += c;
      if (c == '\\') pretty += text[++i];
      in_string = c != '"';
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        pretty += c;
        break;
      case '{':
      case '[':
        pretty += c;
        if (text[i + 1] == '}' || text[i + 1] == ']') {
          pretty += text[++i];
          break;
        }
        ++depth;
        new_line();
        break;
      case '}':
      case ']':
        --depth;
        new_line();
        pretty += c;
        break;
      case ',':
        pretty += c;
        new_line();
        break;
      case ':':
        pretty += ": ";
        break;
      default:
        pretty += c;
    }
  }
  return pretty;
}

}  // namespace

Bytes write_backup(const Backup& backup) {
  return indent(write_json_unsorted(to_json(backup)));
}

Result<Backup> read_backup(BytesView text) {
  const Json json = TRY(parse_json(text));
  return from_json<Backup>(json);
}

Bytes write_pod_volume_backups(const std::vector<PodVolumeBackup>& list) {
  return write_list(list, WhenEmpty::Null);
}

Bytes write_native_snapshots(const std::vector<NativeSnapshot>& list) {
  return write_list(list, WhenEmpty::Null);
}

Bytes write_backup_operations(const std::vector<BackupOperation>& list) {
  return write_list(list, WhenEmpty::List);
}

Bytes write_restore_operations(const std::vector<RestoreOperation>& list) {
  return write_list(list, WhenEmpty::List);
}

Bytes write_backup_volume_infos(const std::vector<BackupVolumeInfo>& list) {
  return write_list(list, WhenEmpty::List);
}

Bytes write_restore_volume_infos(const std::vector<RestoreVolumeInfo>& list) {
  return write_list(list, WhenEmpty::List);
}

Bytes write_results(const Results& results) {
  return write_line(codec::encode(results));
}

Bytes write_resource_list(const ResourceList& list) {
  JsonObject object;
  for (const auto& [type, items] : list)
    object.emplace(type, items.empty() ? Json(JsonArray()) : codec::encode(items));
  return write_line(object);
}

Result<std::vector<PodVolumeBackup>> read_pod_volume_backups(BytesView text) {
  return read_list<PodVolumeBackup>(text);
}

Result<std::vector<NativeSnapshot>> read_native_snapshots(BytesView text) {
  return read_list<NativeSnapshot>(text);
}

Result<std::vector<BackupOperation>> read_backup_operations(BytesView text) {
  return read_list<BackupOperation>(text);
}

Result<std::vector<RestoreOperation>> read_restore_operations(BytesView text) {
  return read_list<RestoreOperation>(text);
}

Result<std::vector<BackupVolumeInfo>> read_backup_volume_infos(BytesView text) {
  return read_list<BackupVolumeInfo>(text);
}

Result<std::vector<RestoreVolumeInfo>> read_restore_volume_infos(BytesView text) {
  return read_list<RestoreVolumeInfo>(text);
}

Result<Results> read_results(BytesView text) {
  const Json json = TRY(parse_json(text));
  return from_json<Results>(json);
}

Result<ResourceList> read_resource_list(BytesView text) {
  const Json json = TRY(parse_json(text));
  ResourceList list;
  if (json.is_null()) return list;
  if (const codec::Decoded failure = codec::decode(json, list)) {
    return Error(Code::Corrupt, "{}", codec::describe(*failure));
  }
  return list;
}

Result<std::vector<Json>> read_objects(BytesView text) {
  Json json = TRY(parse_json(text));
  std::vector<Json> list;
  if (json.is_null()) return list;
  if (!json.is_array()) return Error(Code::Corrupt, "expected a list of objects");
  for (Json& item : json.get_array())
    list.push_back(std::move(item));
  return list;
}

}  // namespace lateen::model
