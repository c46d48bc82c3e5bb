// A bucket: keys and bytes. Every implementation (a directory, S3, a plugin, memory) passes the
// same contract, tests/objects/testing/object_store_contract.h.
//
// Keys are texts of segments parted by '/', not beginning or ending with one and without empty, "."
// or ".." segments; others are InvalidArgument everywhere. Listings are in byte order of the keys.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen::objects {

// More than any JSON document of a backup has; what is larger is read as a stream.
inline constexpr ByteCount kMaxDocument = 512_MiB;

struct ObjectInfo {
  std::string key = {};
  ByteCount size = 0;
  TimePoint modified = {};
  // Size and time are; not where only a read would tell them (a plugin's protocol has neither).
  bool size_known = true;
};

struct ListPage {
  std::vector<ObjectInfo> objects = {};
  bool more = false;  // ask again with the last key as `after`
};

// An object being read from the front, by the read() of ByteSource. It hears the stop that it was
// opened with. A connection that breaks before the object's end is an error, never an early end.
// Not thread-safe.
class ObjectReader : public ByteSource {
 public:
  virtual ByteCount size() const = 0;
};

// An object being written. It appears, whole, when complete() succeeds; destroyed before that, it
// never was. Not thread-safe.
class Upload : public ByteSink {
 public:
  // Once. After an error, here or in write(), the upload is as good as aborted.
  virtual Status complete() = 0;
};

// Implementations are thread-safe.
class ObjectStore {
 public:
  ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  virtual ~ObjectStore() = default;

  // All of it. NotFound if there is none; InvalidArgument if it is larger than `max`.
  virtual Result<Bytes> get(std::string_view key,
                            ByteCount max = kMaxDocument,
                            std::stop_token stop = {}) = 0;

  // Up to `length` bytes from `offset`; fewer (or none) only at the object's end.
  virtual Result<Bytes> get_range(std::string_view key,
                                  ByteCount offset,
                                  ByteCount length,
                                  std::stop_token stop = {}) = 0;

  virtual Result<std::unique_ptr<ObjectReader>> open_read(std::string_view key,
                                                          std::stop_token stop = {}) = 0;

  virtual Result<ObjectInfo> head(std::string_view key, std::stop_token stop = {}) = 0;

  // Whole or not at all; replaces what was there.
  virtual Status put(std::string_view key, BytesView bytes, std::stop_token stop = {}) = 0;

  // The stop is heard by every call on the upload.
  virtual Result<std::unique_ptr<Upload>> begin_upload(std::string_view key,
                                                       std::stop_token stop = {}) = 0;

  // What isn't there is fine, as in S3.
  virtual Status remove(std::string_view key, std::stop_token stop = {}) = 0;

  // A page of the objects whose keys start with `prefix` (any text, also half a segment) and sort
  // behind `after`.
  virtual Result<ListPage> list(std::string_view prefix,
                                std::string_view after = {},
                                std::stop_token stop = {}) = 0;

  // The "directories" directly below `prefix`, which is empty or ends with '/': for "backups/"
  // those are "backups/a/", "backups/b/". Only those with an object below them, sorted.
  virtual Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                         std::stop_token stop = {}) = 0;

  // An object to a local file, from where that stands; in parallel where that is faster.
  virtual Status download(std::string_view key, int fd, std::stop_token stop = {});

  // Every object whose key starts with `prefix`, many at a time.
  virtual Status remove_below(std::string_view prefix, const std::stop_token& stop = {});

  // A URL that anyone can GET for `ttl`. Unsupported where there is no server that would answer it.
  virtual Result<std::string> signed_url(std::string_view key,
                                         Duration ttl,
                                         std::stop_token stop = {}) = 0;
};

// Whether a key is one that all stores take; InvalidArgument says what is wrong with it.
Status check_key(std::string_view key);

// Calls `visit` for every object under the prefix, page by page; the first error ends it.
Status for_each_object(ObjectStore& store,
                       std::string_view prefix,
                       const std::function<Status(const ObjectInfo&)>& visit,
                       const std::stop_token& stop = {});

// All keys under a prefix; InvalidArgument if there are more than `max`.
Result<std::vector<ObjectInfo>> list_all(ObjectStore& store,
                                         std::string_view prefix,
                                         std::size_t max = 100'000,
                                         const std::stop_token& stop = {});

// True, false, or why that can't be said.
Result<bool> object_exists(ObjectStore& store, std::string_view key, std::stop_token stop = {});

// Copies an object to a local file, or a file to an object, in pieces.
inline Status download_to_file(ObjectStore& store,
                               std::string_view key,
                               int fd,
                               std::stop_token stop = {}) {
  return store.download(key, fd, std::move(stop));
}

Status upload_file(ObjectStore& store, std::string_view key, int fd, std::stop_token stop = {});

// Removes every object under a prefix, several at a time.
inline Status remove_all(ObjectStore& store,
                         std::string_view prefix,
                         const std::stop_token& stop = {}) {
  return store.remove_below(prefix, stop);
}

}  // namespace lateen::objects
