#include <cstring>
#include <functional>

#include <zlib.h>

#include "archive/archive_writer.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/json_slice.h"
#include "bench/commands.h"
#include "bench/measure.h"
#include "bench/objects.h"

namespace lateen::bench {
namespace {

constexpr double kSeconds = 0.4;  // of one round
constexpr int kRounds = 5;

// Bytes of `size` that one call of `work` goes through, as MB/s: the best of some rounds, since
// only other programs can make a round slower.
Result<double> rate(std::size_t size, const std::function<Status()>& work) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::size_t calls = 0;
    const Stopwatch watch;
    while (watch.seconds() < kSeconds) {
      TRY(work());
      ++calls;
    }
    best = std::max(best, static_cast<double>(size * calls) / 1e6 / watch.seconds());
  }
  return best;
}

// The same for work that uses its input up: making that is not counted.
Result<double> slicing_rate(const Bytes& text) {
  constexpr std::size_t kPages = 16;
  double best = 0;
  for (int round = 0; round < 4 * kRounds; ++round) {
    std::vector<Bytes> bodies(kPages);
    for (Bytes& body : bodies) {
      body.reserve(text.size() + 4_KiB);  // as an answer grows, it has some room left
      body = text;
    }
    const Stopwatch watch;
    for (Bytes& body : bodies)
      TRY(ListPage::parse(std::move(body)));
    best = std::max(best, static_cast<double>(text.size() * kPages) / 1e6 / watch.seconds());
  }
  return best;
}

// What an API server would answer: 500 objects of the mix.
Bytes make_page() {
  Bytes page = R"({"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[)";
  for (std::size_t i = 0; i < 500; ++i) {
    if (i > 0) page += ',';
    page += make_object(i).json;
  }
  return page + "]}";
}

class Counted final : public ByteSink {
 public:
  Status write(BytesView bytes) override {
    size_ += bytes.size();
    return {};
  }

 private:
  std::size_t size_ = 0;
};

// What Go's compress/gzip is closest to: zlib at its default level.
Status zlib_default(BytesView data, std::string& room) {
  room.resize(::compressBound(data.size()));
  uLongf size = room.size();
  const int done =
      ::compress2(reinterpret_cast<Bytef*>(room.data()), &size,
                  reinterpret_cast<const Bytef*>(data.data()), data.size(), Z_DEFAULT_COMPRESSION);
  return done == Z_OK ? Status() : Status(Error(Code::Internal, "zlib answered {}", done));
}

Status write_archive(const ListPage& page, std::stop_token stop) {
  const SystemClock clock;
  Counted tarball;
  archive::ArchiveWriter writer(tarball, nullptr, clock, {.backup = "bench"});
  for (int copy = 0; copy < 4; ++copy) {
    for (const ObjectSlice& item : page.items()) {
      TRY(writer.add(
          {.group_resource = "configmaps", .ns = item.ns, .name = item.name, .version = "v1"},
          item.raw, stop));
    }
  }
  TRY(writer.finish(stop));
  return {};
}

}  // namespace

Result<JsonObject> micro(std::stop_token stop) {
  const Bytes text = make_page();
  const Bytes member = text.substr(0, 256_KiB);
  const ListPage page = TRY(ListPage::parse(text));
  Bytes copy = text;
  std::string room;
  GzipCompressor gzip;
  JsonObject answer;
  answer["pageKiB"] = text.size() / 1024;
  answer["copyMBs"] = TRY(rate(text.size(), [&]() -> Status {
    std::memcpy(copy.data(), text.data(), text.size());
    return {};
  }));
  answer["sliceMBs"] = TRY(slicing_rate(text));
  answer["treeMBs"] = TRY(rate(text.size(), [&]() -> Status {
    TRY(parse_json(text));
    return {};
  }));
  answer["sha256MBs"] = TRY(rate(text.size(), [&]() -> Status {
    (void)sha256_hex(text);
    return {};
  }));
  answer["memberMBs"] = TRY(rate(member.size(), [&]() -> Status {
    (void)gzip.member(member);
    return {};
  }));
  answer["memberRatio"] =
      static_cast<double>(member.size()) / static_cast<double>(gzip.member(member).size());
  answer["zlibMBs"] = TRY(rate(member.size(), [&] { return zlib_default(member, room); }));
  // Each object goes in twice, as Velero's format has it: so many bytes of tar.
  answer["archiveMBs"] = TRY(rate(2 * 4 * text.size(), [&] { return write_archive(page, stop); }));
  answer["peakRssMiB"] = peak_rss_mib();
  return answer;
}

}  // namespace lateen::bench
