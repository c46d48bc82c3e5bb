// What every `repo` command needs to know: where the repository is, its password, how to print.
// From flags, then the RESTIC_* environment (and KOPIA_PASSWORD).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "cli/command.h"
#include "objects/limited_store.h"

namespace lateen::cli::repo {

struct RepoSettings {
  std::string location = {};  // a directory, or s3:…
  std::string key_hint = {};
  bool quiet = false;
  int verbosity = 1;  // 0 quiet, 1, 2 verbose, 3 very
  bool json = false;
  bool no_lock = false;
  Duration retry_lock = {};
  FilePath cache_dir = {};  // empty: no cache
  objects::RateLimits limits = {};
  std::string compression = {};  // empty: not asked for
  ByteCount pack_size = 16_MiB;
  std::vector<std::string> ca_files = {};
  std::string tls_client_cert = {};  // a file with certificate and key
  bool insecure_tls = false;
  std::map<std::string, std::string> options = {};  // -o s3.region=eu-west-1
};

// The flags of all commands, and those of one put behind them.
std::vector<FlagSpec> with_repo_flags(std::vector<FlagSpec> flags);

// InvalidArgument says which flag or variable is at fault.
Result<RepoSettings> read_settings(const Invocation& call);

// --from-repo, --from-repository-file, --from-password-file, …: where init and copy take from.
std::vector<FlagSpec> from_repo_flags();
// The call's settings but for the place and its key, which are those flags' or RESTIC_FROM_…'s.
Result<RepoSettings> read_from_settings(const Invocation& call, const RepoSettings& settings);

// The name of the variable or flag where a second password comes from: init's, key add's, and the
// other repository's, which is the same as the first one's if none is given.
enum class PasswordUse { Open, Create, New, From };

// From --password-file, --password-command, RESTIC_PASSWORD…, KOPIA_PASSWORD; else asked for on the
// terminal (twice if it is to be set). A new one is only ever read from --new-password-file or
// asked for.
Result<Secret> read_password(const Invocation& call, PasswordUse use);

// "3", "512k", "1.5G" is not: restic takes whole numbers with B, K, M, G, T.
Result<ByteCount> parse_size(std::string_view text);

}  // namespace lateen::cli::repo
