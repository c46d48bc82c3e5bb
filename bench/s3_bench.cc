// One copy, or one pass over many small objects, as Lateen does it; bench/s3.sh drives it and its
// peers.
//   s3_bench put|get ENDPOINT BUCKET KEY FILE | list|read|delete ENDPOINT BUCKET PREFIX |
//     fill ENDPOINT BUCKET PREFIX COUNT
// Credentials are the environment's.
#include <string>
#include <vector>

#include "base/file.h"
#include "base/memory.h"
#include "base/signal.h"
#include "base/text.h"
#include "base/thread.h"
#include "bench/measure.h"
#include "objects/s3/s3_store.h"

namespace lateen::bench {
namespace {

using objects::ObjectInfo;
using objects::ObjectStore;

// As many small requests at once as the peers are told to.
constexpr std::size_t kSmallAtOnce = 16;

Result<std::unique_ptr<ObjectStore>> open(const std::string& endpoint, const std::string& bucket) {
  objects::s3::S3Config config{.bucket = bucket, .region = "us-east-1", .endpoint = endpoint};
  config.force_path_style = true;
  return objects::s3::open_s3_store(std::move(config));
}

Status each_below(ObjectStore& store,
                  const std::string& prefix,
                  const std::function<Status(const std::string&, std::stop_token)>& visit,
                  std::stop_token stop) {
  const std::vector<ObjectInfo> found = TRY(objects::list_all(store, prefix, 1'000'000, stop));
  return parallel_for(
      found.size(), kSmallAtOnce,
      [&](std::size_t i, std::stop_token inner) { return visit(found[i].key, std::move(inner)); },
      stop);
}

Status copy(ObjectStore& store, const std::vector<std::string>& words, std::stop_token stop) {
  if (words[1] == "put") {
    const UniqueFd file = TRY(open_for_reading(words[5]));
    return objects::upload_file(store, words[4], file.get(), stop);
  }
  const UniqueFd file = TRY(open_for_writing(words[5]));
  return store.download(words[4], file.get(), stop);
}

Status pass(ObjectStore& store, const std::vector<std::string>& words, std::stop_token stop) {
  const std::string& verb = words[1];
  const std::string& prefix = words[4];
  if (verb == "delete") return store.remove_below(prefix, stop);
  if (verb == "list") {
    TRY(objects::list_all(store, prefix, 1'000'000, stop));
    return {};
  }
  if (verb == "read") {
    const auto read = [&store](const std::string& key, std::stop_token inner) -> Status {
      TRY(store.get(key, 1_MiB, std::move(inner)));
      return {};
    };
    return each_below(store, prefix, read, stop);
  }
  const std::int64_t count = TRY(parse_int(words[5]));
  return parallel_for(
      static_cast<std::size_t>(count), kSmallAtOnce,
      [&](std::size_t i, std::stop_token inner) {
        return store.put(fmt::format("{}{:03}/{:06}", prefix, i % 100, i), Bytes(2048, 'x'),
                         std::move(inner));
      },
      stop);
}

Result<JsonObject> run(const std::vector<std::string>& words, std::stop_token stop) {
  const std::string verb = words.size() > 1 ? words[1] : "";
  const bool copies = verb == "put" || verb == "get" || verb == "fill";
  const bool passes = verb == "list" || verb == "read" || verb == "delete";
  if ((!copies || words.size() != 6) && (!passes || words.size() != 5)) {
    return Error(Code::InvalidArgument,
                 "usage: s3_bench put|get ENDPOINT BUCKET KEY FILE | list|read|delete ENDPOINT "
                 "BUCKET PREFIX | fill ENDPOINT BUCKET PREFIX COUNT");
  }
  const auto store = TRY(open(words[2], words[3]));
  const Stopwatch watch;
  if (verb == "put" || verb == "get") {
    TRY(copy(*store, words, stop));
  } else {
    TRY(pass(*store, words, stop));
  }
  return cost(watch);
}

}  // namespace
}  // namespace lateen::bench

int main(int argc, char** argv) {
  lateen::ignore_sigpipe();
  lateen::return_freed_memory();
  const lateen::StopOnSignals signals;
  const auto answer = lateen::bench::run({argv, argv + argc}, signals.token());
  if (!answer) {
    (void)lateen::write_all(2, "s3_bench: " + std::string(answer.error().describe()) + "\n");
    return 1;
  }
  return lateen::write_all(1, lateen::write_json(*answer) + "\n") ? 0 : 1;
}
