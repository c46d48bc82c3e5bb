#include "archive/item_table.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/hash.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kNameBlock = 64 << 10;

// What makes two entries the same object: all but the preferred version's name, which plain copies
// do not tell.
ItemKey identity_of(ItemKey key) {
  if (key.preferred) key.version = {};
  return key;
}

std::size_t hash_of(const ItemKey& identity) {
  const std::hash<std::string_view> hash_text;
  std::size_t hash = hash_text(identity.name);
  for (const std::string_view part : {identity.ns, identity.group_resource, identity.version}) {
    hash = hash * 0x9e3779b97f4a7c15ULL + hash_text(part);
  }
  return hash ^ (hash >> 29);
}

}  // namespace

Sha256Digest sha256_digest(BytesView bytes) {
  // Making one costs as much as hashing a small object.
  thread_local Sha256 hasher;
  hasher.update(bytes);
  const Bytes raw = hasher.finish();
  Sha256Digest digest;
  std::memcpy(digest.data(), raw.data(), digest.size());
  return digest;
}

// The bucket that holds the object, or the free one where it would be; null while there are none.
const std::uint32_t* ItemTable::bucket_of(const ItemKey& identity) const {
  if (buckets_.empty()) return nullptr;
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t at = hash_of(identity) & mask;; at = (at + 1) & mask) {
    const std::uint32_t number = buckets_[at];
    if (number == 0 || identity_of(items_[number - 1].key) == identity) return &buckets_[at];
  }
}

const ArchivedItem* ItemTable::find(const ParsedEntryName& entry) const {
  const std::uint32_t* bucket = bucket_of(identity_of(entry.key));
  return bucket == nullptr || *bucket == 0 ? nullptr : &items_[*bucket - 1];
}

const ArchivedItem* ItemTable::find(std::string_view group_resource,
                                    std::string_view ns,
                                    std::string_view name) const {
  return find(ParsedEntryName{
      .key = {.group_resource = group_resource, .ns = ns, .name = name, .version = {}},
      .copy = ItemCopy::Plain});
}

bool ItemTable::wants(const ParsedEntryName& entry) const {
  const ArchivedItem* known = find(entry);
  if (known == nullptr || entry.copy != ItemCopy::Preferred) return true;
  return !has_plain_copy_[static_cast<std::size_t>(known - items_.data())];
}

void ItemTable::grow() {
  buckets_.assign(std::max<std::size_t>(buckets_.size() * 2, 1024), 0);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const std::uint32_t* bucket = bucket_of(identity_of(items_[i].key));
    buckets_[static_cast<std::size_t>(bucket - buckets_.data())] =
        static_cast<std::uint32_t>(i + 1);
  }
}

std::string_view ItemTable::intern(std::string_view word) {
  return word.empty() ? std::string_view() : *words_.emplace(word).first;
}

std::string_view ItemTable::keep(std::string_view name) {
  if (names_.empty() || names_.back().capacity() - names_.back().size() < name.size()) {
    names_.emplace_back().reserve(std::max(kNameBlock, name.size()));
  }
  std::string& block = names_.back();
  const std::size_t begin = block.size();
  block += name;
  return std::string_view(block).substr(begin);
}

Status ItemTable::put(const ParsedEntryName& entry, const ItemLocation& location) {
  const bool plain = entry.copy == ItemCopy::Plain;
  const bool wanted = wants(entry);
  if (const ArchivedItem* known = find(entry)) {
    const auto i = static_cast<std::size_t>(known - items_.data());
    if (wanted) items_[i].location = location;
    if (plain) has_plain_copy_[i] = true;
    if (!entry.key.version.empty()) items_[i].key.version = intern(entry.key.version);
    return {};
  }
  if (items_.size() >= max_items_) {
    return Error(Code::Corrupt, "the archive has more than the {} objects that are accepted",
                 max_items_);
  }
  if (buckets_.size() < (items_.size() + 1) * 2) grow();
  const std::uint32_t* bucket = bucket_of(identity_of(entry.key));
  items_.push_back({.key = {.group_resource = intern(entry.key.group_resource),
                            .ns = intern(entry.key.ns),
                            .name = keep(entry.key.name),
                            .version = intern(entry.key.version),
                            .preferred = entry.key.preferred},
                    .location = location});
  has_plain_copy_.push_back(plain);
  buckets_[static_cast<std::size_t>(bucket - buckets_.data())] =
      static_cast<std::uint32_t>(items_.size());
  return {};
}

}  // namespace lateen::archive
