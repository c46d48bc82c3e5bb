// What this machine can do for a repository, stage by stage: which of them will be the limit.
#include "base/random.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "repository/chunker/chunker.h"
#include "repository/compress/codec.h"
#include "repository/crypto/aead.h"
#include "repository/crypto/ctr_poly1305.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::cli::repo {
namespace {

using repository::Buffer;

constexpr std::size_t kSample = 16 << 20;
constexpr Duration kLong = std::chrono::milliseconds(500);

struct Stage {
  std::string name;
  double bytes_per_second;
};

// Until it has run for a while.
template <typename Work>
Stage measure(std::string name, ByteCount bytes, Work work) {
  const auto start = monotonic_now();
  ByteCount done = 0;
  do {
    work();
    done += bytes;
  } while (monotonic_now() - start < kLong);
  const double seconds = std::chrono::duration<double>(monotonic_now() - start).count();
  return {.name = std::move(name), .bytes_per_second = static_cast<double>(done) / seconds};
}

// Half noise, half text that repeats: neither the best nor the worst case.
Bytes make_sample(Rng& rng) {
  Bytes sample(kSample, '\0');
  rng.fill(std::as_writable_bytes(std::span(sample)).first(kSample / 2));
  constexpr std::string_view kText = "2026-11-22T10:09:21Z level=info msg=\"Backed up item\" n=";
  for (std::size_t at = kSample / 2, line = 0; at < kSample; ++line) {
    const std::string text = std::string(kText) + std::to_string(line * 7919) + "\n";
    const std::size_t length = std::min(text.size(), kSample - at);
    std::copy_n(text.begin(), length, sample.begin() + static_cast<std::ptrdiff_t>(at));
    at += length;
  }
  return sample;
}

Result<std::vector<Stage>> measure_all(Rng& rng) {
  const Bytes sample = make_sample(rng);
  const auto restic = TRY(repository::make_restic_chunker(0x3da3358b4dc173));
  const auto kopia = TRY(repository::make_kopia_chunker("DYNAMIC-4M-BUZHASH"));
  const auto sha = repository::make_sha256_hash();
  const auto blake = TRY(repository::make_keyed_hash("BLAKE2B-256-128", std::string(32, 'k')));
  repository::CtrPoly1305 ctr(repository::CtrPolyKey{.encrypt = {1}, .mac_k = {2}, .mac_r = {3}});
  repository::Aead aead;
  repository::Compressor compressor;
  Buffer out(2 * kSample);
  const Bytes key(repository::kAeadKeySize, 'k');
  const Bytes nonce(repository::kAeadNonceSize, 'n');
  const Bytes iv(repository::kCtrPolyIvSize, 'i');
  std::vector<Stage> stages;
  stages.push_back(measure("cut (restic: Rabin)", kSample, [&] { (void)restic->cut(sample); }));
  stages.push_back(measure("cut (kopia: Buzhash)", kSample, [&] { (void)kopia->cut(sample); }));
  stages.push_back(measure("hash (restic: SHA-256)", kSample, [&] { (void)sha->hash(sample); }));
  stages.push_back(measure("hash (kopia: BLAKE2b)", kSample, [&] { (void)blake->hash(sample); }));
  stages.push_back(measure("encrypt (restic: AES-CTR, Poly1305)", kSample, [&] {
    out.clear();
    ctr.seal(iv, sample, out.extend(kSample + repository::kCtrPolyOverhead));
  }));
  stages.push_back(measure("encrypt (kopia: AES-GCM)", kSample, [&] {
    out.clear();
    aead.seal(repository::AeadCipher::Aes256Gcm, key, nonce, {}, sample,
              out.extend(kSample + repository::kAeadTagSize));
  }));
  Status packed;
  stages.push_back(measure("compress (zstd 3)", kSample, [&] {
    out.clear();
    packed =
        compressor.compress({.algorithm = repository::Algorithm::Zstd, .level = 3}, sample, out);
  }));
  TRY(packed);
  return stages;
}

Result<int> run(Invocation& call) {
  SystemRng rng;
  const std::vector<Stage> stages = TRY(measure_all(rng));
  if (call.flags.is("json")) {
    JsonObject out;
    for (const Stage& stage : stages)
      out[stage.name] = stage.bytes_per_second;
    call.console.line(write_json_unsorted(out));
    return kExitOk;
  }
  call.console.line("One core, bytes of files per second:");
  for (const Stage& stage : stages) {
    call.console.line(fmt::format("  {:<38} {:>14}/s", stage.name,
                                  format_bytes(static_cast<ByteCount>(stage.bytes_per_second))));
  }
  return kExitOk;
}

}  // namespace

Command bench_command() {
  return {.name = "bench",
          .usage = "",
          .summary = "Measure this machine's speed at each stage of a backup",
          .flags = {{.name = "json", .kind = FlagKind::Bool, .usage = "Print JSON"}},
          .run = run,
          .max_args = 0};
}

}  // namespace lateen::cli::repo
