#include "cli/repo/settings.h"

#include <limits>

#include "base/duration.h"
#include "base/environment.h"
#include "base/text.h"
#include "cli/common_flags.h"

namespace lateen::cli::repo {
namespace {

// A flag, or a variable where it is not given.
std::string flag_or_env(const Flags& flags, std::string_view flag, const std::string& variable) {
  if (flags.given(flag)) return flags.text(flag);
  return env(variable).value_or("");
}

FilePath default_cache_dir() {
  if (const auto dir = env("RESTIC_CACHE_DIR"); dir && !dir->empty()) return *dir;
  if (const auto dir = env("XDG_CACHE_HOME"); dir && !dir->empty())
    return FilePath(*dir) / "lateen";
  return FilePath(home_dir()) / ".cache" / "lateen";
}

Result<std::string> find_location(const Flags& flags) {
  std::string location = flag_or_env(flags, "repo", "RESTIC_REPOSITORY");
  const std::string file = flag_or_env(flags, "repository-file", "RESTIC_REPOSITORY_FILE");
  if (!location.empty() && !file.empty() && flags.given("repo") == flags.given("repository-file")) {
    return Error(Code::InvalidArgument,
                 "--repo and --repository-file both say where the repository is")
        .with_hint("Give one of them.");
  }
  if (!file.empty() && (location.empty() || flags.given("repository-file"))) {
    location = std::string(trim(TRY(read_file(file, 64_KiB).wrap("reading --repository-file"))));
  }
  if (!location.empty()) return location;
  return Error(Code::InvalidArgument, "no repository is named")
      .with_hint(
          "Give --repo (-r) or set RESTIC_REPOSITORY: a directory, or s3:HOST/BUCKET/PREFIX.");
}

Result<int> verbosity_of(const Flags& flags) {
  int level = 0;
  for (const std::string& value : flags.texts("verbose")) {
    const auto number = parse_int(value);
    level = number ? static_cast<int>(*number) : level + 1;
  }
  if (!flags.is("quiet")) return level >= 2 ? 3 : level + 1;
  if (level == 0) return 0;
  return Error(Code::InvalidArgument, "--quiet and --verbose exclude each other");
}

Result<ByteCount> pack_size_of(const Flags& flags) {
  const std::string text = flag_or_env(flags, "pack-size", "RESTIC_PACK_SIZE");
  if (text.empty() || text == "0") return 16_MiB;
  const auto number = parse_int(text);
  if (!number || *number < 4 || *number > 128) {
    return Error(Code::InvalidArgument, "a pack size of {} MiB: between 4 and 128 are allowed",
                 text);
  }
  return static_cast<ByteCount>(*number) << 20U;
}

Result<std::string> compression_of(const Flags& flags) {
  std::string word = flag_or_env(flags, "compression", "RESTIC_COMPRESSION");
  for (const std::string_view known : {"", "auto", "off", "fastest", "better", "max"}) {
    if (word == known) return word;
  }
  return Error(Code::InvalidArgument, "\"{}\" is no compression", word)
      .with_hint("There are auto, off, fastest, better and max.");
}

}  // namespace

std::vector<FlagSpec> with_repo_flags(std::vector<FlagSpec> flags) {
  const std::vector<FlagSpec> common = {
      {.name = "repo",
       .usage = "The repository: a directory, or s3:HOST/BUCKET/PREFIX (default: "
                "$RESTIC_REPOSITORY)",
       .shorthand = "r",
       .type_name = "repository",
       .names = "file"},
      {.name = "repository-file",
       .usage = "File to read the repository's location from (default: $RESTIC_REPOSITORY_FILE)",
       .type_name = "file",
       .names = "file"},
      {.name = "password-file",
       .usage = "File to read the password from (default: $RESTIC_PASSWORD_FILE)",
       .shorthand = "p",
       .type_name = "file",
       .names = "file"},
      {.name = "password-command",
       .usage = "Command that prints the password (default: $RESTIC_PASSWORD_COMMAND)",
       .type_name = "command"},
      {.name = "insecure-no-password",
       .kind = FlagKind::Bool,
       .usage = "The repository's password is empty"},
      {.name = "key-hint",
       .usage = "ID of the key to try first (default: $RESTIC_KEY_HINT)",
       .type_name = "key"},
      {.name = "quiet",
       .kind = FlagKind::Bool,
       .usage = "Print errors and results only",
       .shorthand = "q"},
      {.name = "verbose",
       .kind = FlagKind::Count,
       .usage = "Say more (-vv: much more)",
       .shorthand = "v"},
      {.name = "json", .kind = FlagKind::Bool, .usage = "Print JSON, in restic's schema"},
      {.name = "no-lock",
       .kind = FlagKind::Bool,
       .usage = "Read without locking: for repositories that cannot be written"},
      {.name = "retry-lock",
       .kind = FlagKind::Duration,
       .usage = "Wait so long for others' locks, like 5m or 2h",
       .value = "0s"},
      {.name = "cache-dir",
       .usage = "Local cache (default: $RESTIC_CACHE_DIR, or lateen in the user's cache folder)",
       .type_name = "directory",
       .names = "file"},
      {.name = "no-cache", .kind = FlagKind::Bool, .usage = "Keep nothing locally"},
      {.name = "compression",
       .usage = "How to compress: auto, off, fastest, better or max (default: $RESTIC_COMPRESSION)",
       .type_name = "mode",
       .words = {"auto", "off", "fastest", "better", "max"}},
      {.name = "pack-size",
       .usage = "Size of restic's packs in MiB, 4 to 128 (default: $RESTIC_PACK_SIZE, or 16)",
       .type_name = "size"},
      {.name = "limit-upload",
       .kind = FlagKind::Int,
       .usage = "Upload no more than so many KiB/s",
       .value = "0",
       .type_name = "rate"},
      {.name = "limit-download",
       .kind = FlagKind::Int,
       .usage = "Download no more than so many KiB/s",
       .value = "0",
       .type_name = "rate"},
      {.name = "cacert",
       .kind = FlagKind::ListAppend,
       .usage = "Files with CA certificates of the server (default: $RESTIC_CACERT)",
       .type_name = "file",
       .names = "file"},
      {.name = "tls-client-cert",
       .usage = "File with a certificate and key (PEM) to show the server (default: "
                "$RESTIC_TLS_CLIENT_CERT)",
       .type_name = "file",
       .names = "file"},
      {.name = "insecure-tls",
       .kind = FlagKind::Bool,
       .usage = "Do not look at the server's certificate"},
      {.name = "cleanup-cache",
       .kind = FlagKind::Bool,
       .usage = "Taken and ignored",
       .hidden = true},
      {.name = "option",
       .kind = FlagKind::Texts,
       .usage = "key=value: s3.region, s3.bucket-lookup (auto, dns, path), s3.storage-class",
       .shorthand = "o"}};
  for (const FlagSpec& spec : common) {
    bool taken = false;
    for (const FlagSpec& own : flags)
      taken = taken || own.name == spec.name;
    if (taken) continue;
    FlagSpec added = spec;
    for (const FlagSpec& own : flags) {
      if (!own.shorthand.empty() && own.shorthand == spec.shorthand) added.shorthand.clear();
    }
    flags.push_back(std::move(added));
  }
  return flags;
}

Result<RepoSettings> read_settings(const Invocation& call) {
  const Flags& flags = call.flags;
  RepoSettings settings;
  settings.location = TRY(find_location(flags));
  settings.key_hint = flag_or_env(flags, "key-hint", "RESTIC_KEY_HINT");
  settings.verbosity = TRY(verbosity_of(flags));
  settings.quiet = settings.verbosity == 0;
  settings.json = flags.is("json");
  settings.no_lock = flags.is("no-lock");
  settings.retry_lock = flags.duration("retry-lock");
  if (!flags.is("no-cache")) {
    settings.cache_dir =
        flags.given("cache-dir") ? FilePath(flags.text("cache-dir")) : default_cache_dir();
  }
  settings.limits.upload = TRY(rate_by_flag(flags, "limit-upload"));
  settings.limits.download = TRY(rate_by_flag(flags, "limit-download"));
  settings.compression = TRY(compression_of(flags));
  settings.pack_size = TRY(pack_size_of(flags));
  settings.ca_files = flags.given("cacert") ? flags.list("cacert")
                                            : split_trimmed(env("RESTIC_CACERT").value_or(""), ',');
  settings.tls_client_cert = flag_or_env(flags, "tls-client-cert", "RESTIC_TLS_CLIENT_CERT");
  settings.insecure_tls = flags.is("insecure-tls");
  for (const std::string& option : flags.texts("option")) {
    const Cut parts = cut(option, "=");
    settings.options[to_lower(trim(parts.before))] = std::string(trim(parts.after));
  }
  return settings;
}

std::vector<FlagSpec> from_repo_flags() {
  return {{.name = "from-repo",
           .usage = "The repository to take from (default: $RESTIC_FROM_REPOSITORY)",
           .type_name = "repository",
           .names = "file"},
          {.name = "from-repository-file",
           .usage = "File to read its location from (default: $RESTIC_FROM_REPOSITORY_FILE)",
           .type_name = "file",
           .names = "file"},
          {.name = "from-password-file",
           .usage = "Its password, if it is another (default: $RESTIC_FROM_PASSWORD_FILE)",
           .type_name = "file",
           .names = "file"},
          {.name = "from-password-command",
           .usage = "Command that prints it (default: $RESTIC_FROM_PASSWORD_COMMAND)",
           .type_name = "command"},
          {.name = "from-insecure-no-password",
           .kind = FlagKind::Bool,
           .usage = "Its password is empty"},
          {.name = "from-key-hint",
           .usage = "ID of its key to try first (default: $RESTIC_FROM_KEY_HINT)",
           .type_name = "key"}};
}

Result<RepoSettings> read_from_settings(const Invocation& call, const RepoSettings& settings) {
  RepoSettings from = settings;
  from.location = flag_or_env(call.flags, "from-repo", "RESTIC_FROM_REPOSITORY");
  const std::string file =
      flag_or_env(call.flags, "from-repository-file", "RESTIC_FROM_REPOSITORY_FILE");
  if (!from.location.empty() && !file.empty()) {
    return Error(Code::InvalidArgument,
                 "--from-repo and --from-repository-file both say where to take from")
        .with_hint("Give one of them.");
  }
  if (!file.empty()) {
    const Bytes text = TRY(read_file(file, 64_KiB).wrap("reading --from-repository-file"));
    from.location = std::string(trim(text));
  }
  if (from.location.empty()) {
    return Error(Code::InvalidArgument, "the repository to take from is not named")
        .with_hint("Give --from-repo or set RESTIC_FROM_REPOSITORY.");
  }
  from.key_hint = flag_or_env(call.flags, "from-key-hint", "RESTIC_FROM_KEY_HINT");
  return from;
}

Result<ByteCount> parse_size(std::string_view text) {
  std::string_view digits = text;
  ByteCount unit = 1;
  if (!digits.empty()) {
    const std::size_t at =
        std::string_view("bkmgt").find(to_lower(digits.substr(digits.size() - 1)));
    if (at != std::string_view::npos) {
      unit = ByteCount{1} << (10 * at);
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_int(digits);
  ByteCount size = 0;
  if (!number || *number < 0 ||
      __builtin_mul_overflow(static_cast<ByteCount>(*number), unit, &size)) {
    return Error(Code::InvalidArgument, "\"{}\" is not a size", text)
        .with_hint("Write a whole number with K, M, G or T, like 512M.");
  }
  return size;
}

}  // namespace lateen::cli::repo
