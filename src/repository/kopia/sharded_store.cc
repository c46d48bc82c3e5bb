#include "repository/kopia/sharded_store.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/text.h"
#include "objects/new_object.h"
#include "objects/range_reader.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kMaxShardWidth = 64;

Result<std::vector<std::size_t>> parse_widths(const JsonArray* array) {
  std::vector<std::size_t> widths;
  if (array == nullptr) return widths;
  for (const Json& width : *array) {
    if (!width.is_int64() || width.get_int64() < 1 ||
        width.get_int64() > static_cast<std::int64_t>(kMaxShardWidth)) {
      return Error(Code::Corrupt, "{}: folders of impossible names", kShardsFile);
    }
    widths.push_back(static_cast<std::size_t>(width.get_int64()));
  }
  return widths;
}

JsonArray write_widths(const std::vector<std::size_t>& widths) {
  JsonArray array;
  for (const std::size_t width : widths)
    array.emplace_back(width);
  return array;
}

// Folders for a name, or for the beginning of names: as far as it reaches.
std::string in_folders(std::string_view name, const std::vector<std::size_t>& widths) {
  std::string key;
  for (const std::size_t width : widths) {
    if (name.size() <= width) break;
    key += name.substr(0, width);
    key += '/';
    name.remove_prefix(width);
  }
  key += name;
  return key;
}

class ShardedStore final : public objects::ObjectStore,
                           public objects::RangeReader,
                           public objects::NewObjectStore {
 public:
  ShardedStore(std::unique_ptr<objects::ObjectStore> store, Sharding sharding)
      : store_(std::move(store)), sharding_(std::move(sharding)) {}

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    return store_->get(sharding_.key_of(key), max, stop);
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    return store_->get_range(sharding_.key_of(key), offset, length, stop);
  }

  Result<BytesView> read_range(std::string_view key,
                               ByteCount offset,
                               ByteCount length,
                               std::span<char> room,
                               std::stop_token stop) override {
    return objects::read_range(*store_, sharding_.key_of(key), offset, length, room, stop);
  }

  Result<std::unique_ptr<objects::ObjectReader>> open_read(std::string_view key,
                                                           std::stop_token stop) override {
    return store_->open_read(sharding_.key_of(key), stop);
  }

  Result<objects::ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    objects::ObjectInfo info = TRY(store_->head(sharding_.key_of(key), stop));
    info.key = std::string(key);
    return info;
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    return store_->put(sharding_.key_of(key), bytes, stop);
  }

  Status put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) override {
    return objects::put_if_absent(*store_, sharding_.key_of(key), bytes, stop);
  }

  Result<std::unique_ptr<objects::Upload>> begin_upload(std::string_view key,
                                                        std::stop_token stop) override {
    return store_->begin_upload(sharding_.key_of(key), stop);
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    return store_->remove(sharding_.key_of(key), stop);
  }

  Result<objects::ListPage> list(std::string_view prefix,
                                 std::string_view after,
                                 std::stop_token stop) override;

  // There are no folders among blobs.
  Result<std::vector<std::string>> list_prefixes(std::string_view, std::stop_token) override {
    return std::vector<std::string>();
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    return store_->signed_url(sharding_.key_of(key), ttl, stop);
  }

 private:
  std::unique_ptr<objects::ObjectStore> store_;
  const Sharding sharding_;
};

Result<objects::ListPage> ShardedStore::list(std::string_view prefix,
                                             std::string_view after,
                                             std::stop_token stop) {
  std::vector<std::string> where;
  if (sharding_.overrides.empty()) {
    // Long names lie in folders, short ones do not; for a short prefix both begin alike.
    where.push_back(in_folders(prefix, sharding_.shards));
    if (where.front() != prefix) where.emplace_back(prefix);
  } else {
    where.emplace_back();
  }
  std::map<std::string, objects::ObjectInfo> found;
  for (const std::string& place : where) {
    TRY(objects::for_each_object(
        *store_, place,
        [&](const objects::ObjectInfo& info) -> Status {
          std::string blob = sharding_.blob_of(info.key);
          if (!blob.empty() && blob.starts_with(prefix) && blob > after) found.emplace(blob, info);
          return {};
        },
        stop));
  }
  objects::ListPage page;
  page.objects.reserve(found.size());
  for (auto& [blob, info] : found) {
    info.key = blob;
    page.objects.push_back(std::move(info));
  }
  return page;
}

}  // namespace

Result<Sharding> Sharding::parse(BytesView json) {
  const Json value = TRY(parse_json(json).wrap("{}", kShardsFile));
  Sharding sharding{.shards = TRY(parse_widths(array_at(value, "default"))), .max_unsharded = 0};
  const auto longest = int_at(value, "maxNonShardedLength");
  if (longest && *longest > 0) sharding.max_unsharded = static_cast<std::size_t>(*longest);
  const JsonArray* overrides = array_at(value, "overrides");
  if (overrides == nullptr) return sharding;
  for (const Json& one : *overrides) {
    auto widths = TRY(parse_widths(array_at(one, "shards")));
    sharding.overrides.push_back(
        {.prefix = std::string(string_at(one, "prefix")), .shards = std::move(widths)});
  }
  return sharding;
}

std::string Sharding::write() const {
  JsonObject value;
  value["default"] = write_widths(shards);
  value["maxNonShardedLength"] = max_unsharded;
  if (!overrides.empty()) {
    JsonArray array;
    for (const Override& one : overrides) {
      JsonObject row;
      row["prefix"] = one.prefix;
      row["shards"] = write_widths(one.shards);
      array.push_back(std::move(row));
    }
    value["overrides"] = std::move(array);
  }
  return write_json_unsorted(value) + "\n";
}

std::string Sharding::key_of(std::string_view blob) const {
  if (blob.size() <= max_unsharded) return std::string(blob) + std::string(kBlobSuffix);
  const std::vector<std::size_t>* widths = &shards;
  for (const Override& one : overrides) {
    if (!blob.starts_with(one.prefix)) continue;
    widths = &one.shards;
    break;
  }
  return in_folders(blob, *widths) + std::string(kBlobSuffix);
}

std::string Sharding::blob_of(std::string_view key) const {
  if (!key.ends_with(kBlobSuffix)) return {};
  const std::string blob = replace_all(key.substr(0, key.size() - kBlobSuffix.size()), "/", "");
  // Not where it would be looked for: a copy that somebody left, or another sharding's.
  return key_of(blob) == key ? blob : std::string();
}

std::unique_ptr<objects::ObjectStore> make_sharded_store(
    std::unique_ptr<objects::ObjectStore> store, Sharding sharding) {
  return std::make_unique<ShardedStore>(std::move(store), std::move(sharding));
}

}  // namespace lateen::repository::kopia
