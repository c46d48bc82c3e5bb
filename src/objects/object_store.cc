#include "objects/object_store.h"

#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"

namespace lateen::objects {
namespace {

// S3's limit; also well below what a path may have.
constexpr std::size_t kMaxKey = 1024;

// A piece of a file on its way to or from a store.
constexpr std::size_t kPiece = 1_MiB;

// Deletions are one round trip each.
constexpr std::size_t kRemovers = 8;

}  // namespace

Status check_key(std::string_view key) {
  if (key.empty()) return Error(Code::InvalidArgument, "an object's key cannot be empty");
  if (key.size() > kMaxKey) {
    return Error(Code::InvalidArgument, "key {}… is longer than {} bytes", key.substr(0, 64),
                 kMaxKey);
  }
  if (key.find('\0') != std::string_view::npos)
    return Error(Code::InvalidArgument, "a key has a NUL byte in it");
  for (const std::string_view segment : split(key, '/')) {
    if (segment.empty() || segment == "." || segment == "..") {
      return Error(Code::InvalidArgument, "key {} has an empty, . or .. segment", key);
    }
  }
  return {};
}

Status for_each_object(ObjectStore& store,
                       std::string_view prefix,
                       const std::function<Status(const ObjectInfo&)>& visit,
                       const std::stop_token& stop) {
  std::string after;
  for (;;) {
    const ListPage page = TRY(store.list(prefix, after, stop));
    for (const ObjectInfo& object : page.objects)
      TRY(visit(object));
    if (!page.more || page.objects.empty()) return {};
    after = page.objects.back().key;
  }
}

Result<std::vector<ObjectInfo>> list_all(ObjectStore& store,
                                         std::string_view prefix,
                                         std::size_t max,
                                         const std::stop_token& stop) {
  std::vector<ObjectInfo> objects;
  const auto collect = [&](const ObjectInfo& object) -> Status {
    if (objects.size() == max) {
      return Error(Code::InvalidArgument, "there are more than {} objects under {}", max, prefix);
    }
    objects.push_back(object);
    return {};
  };
  TRY(for_each_object(store, prefix, collect, stop));
  return objects;
}

Result<bool> object_exists(ObjectStore& store, std::string_view key, std::stop_token stop) {
  const Result<ObjectInfo> info = store.head(key, std::move(stop));
  if (info) return true;
  if (info.error().is(Code::NotFound)) return false;
  return info.error();
}

Status ObjectStore::download(std::string_view key, int fd, std::stop_token stop) {
  const std::unique_ptr<ObjectReader> reader = TRY(open_read(key, std::move(stop)));
  Bytes piece(kPiece, '\0');
  ByteCount total = 0;
  for (;;) {
    const std::size_t got = TRY(reader->read(piece));
    if (got == 0) break;
    total += got;
    TRY(write_all(fd, BytesView(piece).substr(0, got)));
  }
  if (total == reader->size()) return {};
  return Error(Code::Corrupt, "object {} ended after {} of {} bytes", key, total, reader->size());
}

Status upload_file(ObjectStore& store, std::string_view key, int fd, std::stop_token stop) {
  const std::unique_ptr<Upload> upload = TRY(store.begin_upload(key, std::move(stop)));
  FdSource file(fd, std::string(key));
  Bytes piece(kPiece, '\0');
  for (;;) {
    const std::size_t got = TRY(file.read(piece));
    if (got == 0) break;
    TRY(upload->write(BytesView(piece).substr(0, got)));
  }
  return upload->complete();
}

Status ObjectStore::remove_below(std::string_view prefix, const std::stop_token& stop) {
  std::string after;
  for (;;) {
    const ListPage page = TRY(list(prefix, after, stop));
    if (page.objects.empty()) return {};
    TRY(parallel_for(
        page.objects.size(), kRemovers,
        [&](std::size_t i, std::stop_token inner) {
          return remove(page.objects[i].key, std::move(inner));
        },
        stop));
    if (!page.more) return {};
    after = page.objects.back().key;
  }
}

}  // namespace lateen::objects
