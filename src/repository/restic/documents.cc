#include "repository/restic/documents.h"

#include <bit>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time.h"

namespace lateen::repository::restic {
namespace {

constexpr std::size_t kSaltSize = 64;
// A key file that asks for more than this (1 GiB) is an attack on our memory.
constexpr std::uint64_t kMaxScryptMemory = 1_GiB;

// Writes an object's fields in the order in which they are given: restic's. Not thread-safe.
class Fields {
 public:
  Fields& text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
    return *this;
  }

  Fields& optional_text(std::string_view key, std::string_view value) {
    return value.empty() ? *this : text(key, value);
  }

  Fields& number(std::string_view key, std::uint64_t value) {
    name(key);
    out_ += std::to_string(value);
    return *this;
  }

  Fields& optional_number(std::string_view key, std::uint64_t value) {
    return value == 0 ? *this : number(key, value);
  }

  Fields& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }

  Fields& list(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      append_json_string(out_, values[i]);
    }
    out_ += ']';
    return *this;
  }

  Fields& optional_list(std::string_view key, const std::vector<std::string>& values) {
    return values.empty() ? *this : list(key, values);
  }

  Fields& raw(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
    return *this;
  }

  std::string finish() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void name(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }

  std::string out_ = "{";
};

Result<Json> parse_document(BytesView json, std::string_view what) {
  Result<Json> parsed = parse_json(json);
  if (!parsed) return Error(Code::Corrupt, "{}: {}", what, parsed.error().message());
  if (!parsed->is_object()) return Error(Code::Corrupt, "{} is not a JSON object", what);
  return parsed;
}

std::uint64_t number_at(const Json& json, std::string_view key) {
  const Json* value = find(json, JsonKey{key});
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() > 0) {
    return static_cast<std::uint64_t>(value->get_int64());
  }
  return 0;
}

std::uint32_t small_number_at(const Json& json, std::string_view key) {
  return static_cast<std::uint32_t>(number_at(json, key));
}

std::vector<std::string> texts_at(const Json& json, std::string_view key) {
  std::vector<std::string> out;
  const JsonArray* list = array_at(json, key);
  if (list == nullptr) return out;
  for (const Json& value : *list)
    out.emplace_back(as_text(&value));
  return out;
}

Result<std::optional<Id>> optional_id_at(const Json& json, std::string_view key) {
  const std::string_view text = string_at(json, key);
  if (text.empty()) return std::optional<Id>();
  auto id = parse_id(text);
  if (!id) return Error(Code::Corrupt, "{}: {}", key, id.error().message());
  return std::optional<Id>(*id);
}

Result<TimePoint> time_at(const Json& json, std::string_view key) {
  auto time = parse_rfc3339(string_at(json, key));
  if (!time) return Error(Code::Corrupt, "{} is not a time", key);
  return *time;
}

Result<Bytes> base64_at(const Json& json, std::string_view path) {
  auto bytes = base64_decode(string_at(json, path));
  if (!bytes) return Error(Code::Corrupt, "{} is not base64", path);
  return std::move(*bytes);
}

std::string encode(const SnapshotSummary& s) {
  return Fields()
      .text("backup_start", format_rfc3339_nano(s.backup_start))
      .text("backup_end", format_rfc3339_nano(s.backup_end))
      .number("files_new", s.files_new)
      .number("files_changed", s.files_changed)
      .number("files_unmodified", s.files_unmodified)
      .number("dirs_new", s.dirs_new)
      .number("dirs_changed", s.dirs_changed)
      .number("dirs_unmodified", s.dirs_unmodified)
      .number("data_blobs", s.data_blobs)
      .number("tree_blobs", s.tree_blobs)
      .number("data_added", s.data_added)
      .number("data_added_packed", s.data_added_packed)
      .number("total_files_processed", s.total_files_processed)
      .number("total_bytes_processed", s.total_bytes_processed)
      .finish();
}

std::optional<SnapshotSummary> summary_of(const Json& snapshot) {
  const Json* json = find(snapshot, JsonKey{"summary"});
  if (json == nullptr || !json->is_object()) return std::nullopt;
  return SnapshotSummary{.backup_start = time_at(*json, "backup_start").value_or(TimePoint()),
                         .backup_end = time_at(*json, "backup_end").value_or(TimePoint()),
                         .files_new = number_at(*json, "files_new"),
                         .files_changed = number_at(*json, "files_changed"),
                         .files_unmodified = number_at(*json, "files_unmodified"),
                         .dirs_new = number_at(*json, "dirs_new"),
                         .dirs_changed = number_at(*json, "dirs_changed"),
                         .dirs_unmodified = number_at(*json, "dirs_unmodified"),
                         .data_blobs = number_at(*json, "data_blobs"),
                         .tree_blobs = number_at(*json, "tree_blobs"),
                         .data_added = number_at(*json, "data_added"),
                         .data_added_packed = number_at(*json, "data_added_packed"),
                         .total_files_processed = number_at(*json, "total_files_processed"),
                         .total_bytes_processed = number_at(*json, "total_bytes_processed")};
}

}  // namespace

std::string encode(const Config& config) {
  return Fields()
      .number("version", static_cast<std::uint64_t>(config.version))
      .text("id", config.id)
      .text("chunker_polynomial", fmt::format("{:x}", config.polynomial))
      .finish();
}

Result<Config> decode_config(BytesView json) {
  const Json document = TRY(parse_document(json, "config"));
  Config config;
  config.version = static_cast<int>(small_number_at(document, "version"));
  if (config.version != 1 && config.version != 2) {
    return Error(Code::Unsupported, "this is a restic repository of version {}", config.version)
        .with_hint("Versions 1 and 2 are known.");
  }
  config.id = string_at(document, "id");
  if (!is_id(config.id)) return Error(Code::Corrupt, "config: the repository has no proper id");
  const std::string_view hex = string_at(document, "chunker_polynomial");
  if (hex.empty() || hex.size() > 16) {
    return Error(Code::Corrupt, "config: chunker_polynomial is not a polynomial");
  }
  auto bytes = hex_decode(std::string(hex.size() % 2, '0') + std::string(hex));
  if (!bytes) return Error(Code::Corrupt, "config: chunker_polynomial is not hexadecimal");
  for (const char c : *bytes)
    config.polynomial = config.polynomial << 8U | static_cast<unsigned char>(c);
  return config;
}

std::string encode(const KeyFile& key) {
  return Fields()
      .text("created", format_rfc3339_nano(key.created))
      .text("username", key.username)
      .text("hostname", key.hostname)
      .text("kdf", "scrypt")
      .number("N", key.n)
      .number("r", key.r)
      .number("p", key.p)
      .text("salt", base64_encode(key.salt))
      .text("data", base64_encode(key.data))
      .finish();
}

Result<KeyFile> decode_key_file(BytesView json) {
  const Json document = TRY(parse_document(json, "the key file"));
  if (string_at(document, "kdf") != "scrypt") {
    return Error(Code::Unsupported, "the key file uses the key derivation \"{}\"; scrypt is known",
                 string_at(document, "kdf"));
  }
  KeyFile key;
  key.created = time_at(document, "created").value_or(TimePoint());
  key.username = string_at(document, "username");
  key.hostname = string_at(document, "hostname");
  key.n = number_at(document, "N");
  key.r = small_number_at(document, "r");
  key.p = small_number_at(document, "p");
  key.salt = TRY(base64_at(document, "salt"));
  key.data = TRY(base64_at(document, "data"));
  const bool sane = key.n >= 2 && std::has_single_bit(key.n) && key.r >= 1 && key.r <= 1024 &&
                    key.p >= 1 && key.p <= 1024 && key.n <= kMaxScryptMemory / 128 / key.r;
  if (!sane) {
    return Error(Code::Corrupt, "the key file asks for scrypt with N={} r={} p={}", key.n, key.r,
                 key.p);
  }
  if (key.salt.size() != kSaltSize) {
    return Error(Code::Corrupt, "the key file's salt has {} bytes instead of {}", key.salt.size(),
                 kSaltSize);
  }
  return key;
}

std::string encode(const MasterKey& key) {
  const std::string mac = Fields()
                              .text("k", base64_encode(key.mac_k.reveal()))
                              .text("r", base64_encode(key.mac_r.reveal()))
                              .finish();
  return Fields().raw("mac", mac).text("encrypt", base64_encode(key.encrypt.reveal())).finish();
}

Result<MasterKey> decode_master_key(BytesView json) {
  const Json document = TRY(parse_document(json, "the master key"));
  MasterKey key;
  key.encrypt = Secret(TRY(base64_at(document, "encrypt")));
  key.mac_k = Secret(TRY(base64_at(document, "mac.k")));
  key.mac_r = Secret(TRY(base64_at(document, "mac.r")));
  const auto unusable = [](const Secret& part, std::size_t size) {
    return part.reveal().size() != size ||
           part.reveal().find_first_not_of('\0') == std::string_view::npos;
  };
  if (unusable(key.encrypt, 32) || unusable(key.mac_k, 16) || unusable(key.mac_r, 16)) {
    return Error(Code::Corrupt, "the master key is not a usable key");
  }
  return key;
}

std::string encode(const SnapshotFile& s) {
  Fields out;
  out.text("time", s.time_text.empty() ? format_rfc3339_nano(s.time) : s.time_text);
  if (s.parent) out.text("parent", s.parent->hex());
  out.text("tree", s.tree.hex()).list("paths", s.paths);
  out.optional_text("hostname", s.hostname).optional_text("username", s.username);
  out.optional_number("uid", s.uid).optional_number("gid", s.gid);
  out.optional_list("excludes", s.excludes).optional_list("tags", s.tags);
  if (s.original) out.text("original", s.original->hex());
  out.optional_text("program_version", s.program_version);
  if (s.summary) out.raw("summary", encode(*s.summary));
  return out.finish();
}

Result<SnapshotFile> decode_snapshot(BytesView json) {
  const Json document = TRY(parse_document(json, "the snapshot"));
  SnapshotFile s;
  s.time = TRY(time_at(document, "time"));
  s.time_text = string_at(document, "time");
  s.parent = TRY(optional_id_at(document, "parent"));
  const std::optional<Id> tree = TRY(optional_id_at(document, "tree"));
  if (!tree) return Error(Code::Corrupt, "the snapshot names no tree");
  s.tree = *tree;
  s.paths = texts_at(document, "paths");
  s.hostname = string_at(document, "hostname");
  s.username = string_at(document, "username");
  s.uid = small_number_at(document, "uid");
  s.gid = small_number_at(document, "gid");
  s.excludes = texts_at(document, "excludes");
  s.tags = texts_at(document, "tags");
  s.original = TRY(optional_id_at(document, "original"));
  s.program_version = string_at(document, "program_version");
  s.summary = summary_of(document);
  return s;
}

std::string encode(const LockFile& lock) {
  return Fields()
      .text("time", format_rfc3339_nano(lock.time))
      .boolean("exclusive", lock.exclusive)
      .text("hostname", lock.hostname)
      .text("username", lock.username)
      .number("pid", static_cast<std::uint64_t>(lock.pid))
      .optional_number("uid", lock.uid)
      .optional_number("gid", lock.gid)
      .finish();
}

Result<LockFile> decode_lock(BytesView json) {
  const Json document = TRY(parse_document(json, "the lock"));
  return LockFile{.time = TRY(time_at(document, "time")),
                  .exclusive = bool_at(document, "exclusive").value_or(false),
                  .hostname = std::string(string_at(document, "hostname")),
                  .username = std::string(string_at(document, "username")),
                  .pid = int_at(document, "pid").value_or(0),
                  .uid = small_number_at(document, "uid"),
                  .gid = small_number_at(document, "gid")};
}

}  // namespace lateen::repository::restic
