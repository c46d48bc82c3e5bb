// Every fuzzer without libFuzzer, for `make test`: over its corpus, and then over what a second of
// blind changes makes of it. Always the same changes, as far as the second reaches.
//
//   fuzz_corpus CORPUS_DIR [SECONDS]
//
// What a fuzzer was given last stays in ./fuzz-corpus-input when it dies.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

// fuzz/CMakeLists.txt gives each fuzzer's entry point a name of its own, and lists them here.
#define LATEEN_FUZZER(name) \
  extern "C" int lateen_fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "fuzzers.inc"
#undef LATEEN_FUZZER

namespace lateen::fuzz {
namespace {

struct Fuzzer {
  std::string_view name;
  int (*run)(const std::uint8_t* data, std::size_t size);
};

constexpr Fuzzer kFuzzers[] = {
#define LATEEN_FUZZER(name) {#name, lateen_fuzz_##name},
#include "fuzzers.inc"
#undef LATEEN_FUZZER
};

constexpr std::size_t kMaxInput = 64 << 10;

using Random = std::minstd_rand;

// One change that a fuzzer's author would think of: a bit, a byte, a piece out, a piece twice, a
// piece of another input.
void change(Bytes& input, const Bytes& other, Random& random) {
  const auto below = [&random](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  const std::size_t at = below(input.size() + 1);
  const std::size_t length = below(std::min<std::size_t>(input.size() - at, 64) + 1);
  switch (random() % 6) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
      break;
    case 1:
      input.insert(at, 1, static_cast<char>(random() >> 8));
      break;
    case 2:
      input.erase(at, length);
      break;
    case 3:
      input.insert(at, input.substr(at, length));
      break;
    case 4:
      input.insert(at, other.substr(below(other.size() + 1), below(64)));
      break;
    default:
      for (std::size_t i = at; i < at + std::min<std::size_t>(length, 4); ++i)
        input[i] = static_cast<char>(random() >> 8);
      break;
  }
  if (input.size() > kMaxInput) input.resize(kMaxInput);
}

// The input, kept in a file for whoever looks for what a fuzzer died of.
class LastInput {
 public:
  LastInput() : fd_(::open(kPath, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}

  LastInput(const LastInput&) = delete;
  LastInput& operator=(const LastInput&) = delete;

  ~LastInput() {
    ::close(fd_);
    ::unlink(kPath);
  }

  void keep(BytesView input) const {
    const bool kept = ::pwrite(fd_, input.data(), input.size(), 0) >= 0 &&
                      ::ftruncate(fd_, static_cast<off_t>(input.size())) == 0;
    LATEEN_ASSERT(kept, "the working directory can be written to");
  }

 private:
  static constexpr const char* kPath = "fuzz-corpus-input";
  const int fd_;
};

Status run(const Fuzzer& fuzzer, const FilePath& corpus, std::chrono::milliseconds time) {
  std::vector<Bytes> seeds = {Bytes()};
  const FilePath dir = corpus / fuzzer.name;
  if (path_exists(dir)) {
    for (const auto& entry : TRY(list_dir(dir)))
      seeds.push_back(TRY(read_file(dir / entry.name)));
  }
  const LastInput last;
  const auto give = [&](const Bytes& input) {
    last.keep(input);
    fuzzer.run(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  };
  for (const Bytes& seed : seeds)
    give(seed);
  Random random(1);
  std::size_t runs = 0;
  for (const Deadline end = Deadline::after(time); !end.expired(); ++runs) {
    Bytes input = seeds[random() % seeds.size()];
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes)
      change(input, seeds[random() % seeds.size()], random);
    give(input);
  }
  return write_all(
      1, fmt::format("{}: {} seeds, {} changed inputs\n", fuzzer.name, seeds.size(), runs));
}

Status run_all(const FilePath& corpus, std::chrono::milliseconds time) {
  for (const Fuzzer& fuzzer : kFuzzers) {
    TRY(write_all(2, fmt::format("fuzz: {}\n", fuzzer.name)));
    TRY(run(fuzzer, corpus, time));
  }
  return {};
}

}  // namespace
}  // namespace lateen::fuzz

int main(int argc, char** argv) {
  if (argc < 2) {
    (void)lateen::write_all(2, "usage: fuzz_corpus CORPUS_DIR [SECONDS]\n");
    return 2;
  }
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 1;
  const auto done = lateen::fuzz::run_all(argv[1], std::chrono::seconds(seconds));
  if (done) return 0;
  (void)lateen::write_all(2, fmt::format("fuzz_corpus: {}\n", done.error().message()));
  return 1;
}
