#include "sandbox/sandbox_files.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"

namespace lateen::sandbox {

namespace {

constexpr mode_t kPrivateDir = 0700;
constexpr mode_t kPrivateFile = 0600;
constexpr std::size_t kTokenKeySize = 32;

}  // namespace

bool SandboxFiles::is_sandbox() const {
  return exists(lock()) || exists(state()) || exists(log());
}

Status SandboxFiles::create() const {
  if (exists(dir_) && !is_sandbox()) {
    const auto entries = TRY(list_dir(dir_));
    if (!entries.empty()) {
      return Error(Code::InvalidArgument, "{} is not a sandbox's folder and not empty",
                   dir_.string())
          .with_hint("Give another folder with --dir.");
    }
  }
  return make_dirs(dir_, kPrivateDir);
}

Result<SandboxRecord> SandboxFiles::read_record() const {
  const Bytes text = TRY(read_file(record(), 64_KiB));
  const Json json = TRY(parse_json(text).wrap("{}", record().string()));
  return SandboxRecord{.pid = static_cast<pid_t>(int_at(json, "pid").value_or(0)),
                       .started = static_cast<std::uint64_t>(int_at(json, "started").value_or(0)),
                       .port = static_cast<std::uint16_t>(int_at(json, "port").value_or(0)),
                       .ready = bool_at(json, "ready").value_or(false),
                       .runtime = std::string(string_at(json, "runtime"))};
}

Status SandboxFiles::write_record(const SandboxRecord& record_now) const {
  const Json json = {{"pid", record_now.pid},
                     {"started", record_now.started},
                     {"port", record_now.port},
                     {"ready", record_now.ready},
                     {"runtime", record_now.runtime}};
  return write_file_atomic(record(), write_json_pretty(json) + "\n", kPrivateFile);
}

Result<net::CertificatePair> SandboxFiles::certificate_authority(const Clock& clock) const {
  const FilePath key = dir_ / "ca.key";
  if (exists(key) && exists(ca_certificate())) {
    net::CertificatePair kept;
    kept.certificate_pem = TRY(read_file(ca_certificate(), 64_KiB));
    kept.key_pem = Secret(TRY(read_file(key, 64_KiB)));
    return kept;
  }
  net::CertificatePair made = TRY(net::make_certificate_authority("kubernetes", clock));
  TRY(write_file_atomic(key, made.key_pem.reveal(), kPrivateFile));
  TRY(write_file_atomic(ca_certificate(), made.certificate_pem, kPrivateFile));
  return made;
}

Result<Secret> SandboxFiles::token_key(Rng& rng) const {
  const FilePath path = dir_ / "token.key";
  if (exists(path)) return Secret(TRY(read_file(path, 64_KiB)));
  std::array<std::byte, kTokenKeySize> bytes{};
  rng.fill(bytes);
  Secret key(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  TRY(write_file_atomic(path, key.reveal(), kPrivateFile));
  return key;
}

Status SandboxFiles::write_kubeconfig(const net::CertificatePair& authority,
                                      std::uint16_t port,
                                      const Clock& clock) const {
  const net::CertificateRequest request{
      .common_name = "kubernetes-admin", .organizations = {"system:masters"}, .for_client = true};
  const net::CertificatePair admin = TRY(net::issue_certificate(authority, request, clock));
  const std::string server = fmt::format("https://127.0.0.1:{}", port);
  const Json cluster = {{"server", server},
                        {"certificate-authority-data", base64_encode(authority.certificate_pem)}};
  const Json user = {{"client-certificate-data", base64_encode(admin.certificate_pem)},
                     {"client-key-data", base64_encode(admin.key_pem.reveal())}};
  const Json context = {{"cluster", "lateen-sandbox"}, {"user", "lateen-sandbox"}};
  JsonObject config;
  config["apiVersion"] = "v1";
  config["kind"] = "Config";
  config["clusters"] = JsonArray{Json{{"name", "lateen-sandbox"}, {"cluster", cluster}}};
  config["users"] = JsonArray{Json{{"name", "lateen-sandbox"}, {"user", user}}};
  config["contexts"] = JsonArray{Json{{"name", "lateen-sandbox"}, {"context", context}}};
  config["current-context"] = "lateen-sandbox";
  config["preferences"] = JsonObject{};
  return write_file_atomic(kubeconfig(), write_yaml(config), kPrivateFile);
}

}  // namespace lateen::sandbox
