#include "net/aws/profile_credentials.h"

#include <algorithm>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

namespace lateen::net::aws {
namespace {

constexpr ByteCount kLargestToken = 64_KiB;

Result<Sought> from_keys(const Profile& profile) {
  Credentials keys{
      .access_key_id = std::string(value_of(profile, "aws_access_key_id")),
      .secret_access_key = Secret(std::string(value_of(profile, "aws_secret_access_key"))),
      .session_token = Secret(std::string(value_of(profile, "aws_session_token")))};
  if (keys.access_key_id.empty() && keys.secret_access_key.empty()) return Sought{};
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return Error(Code::InvalidArgument,
                 "aws_access_key_id and aws_secret_access_key go together, and one is missing");
  }
  return Sought{.found = std::move(keys)};
}

// Its output may hold what is secret, so that only what it writes to stderr is told.
Result<Credentials> from_process(std::string_view line, std::stop_token stop) {
  constexpr std::chrono::minutes kLongest{1};
  const std::vector<std::string> command = TRY(split_command(line).wrap("credential_process"));
  if (command.empty()) return Error(Code::InvalidArgument, "credential_process is empty");
  const ProcessResult run = TRY(
      run_process({.argv = command}, Deadline::after(kLongest), stop).wrap("credential_process"));
  if (!run.ok()) {
    constexpr std::size_t kShown = 512;
    return Error(Code::Unauthenticated, "credential_process {}: {}: {}", command.front(),
                 run.describe_end(), to_valid_utf8(trim(run.err).substr(0, kShown)));
  }
  return read_json_credentials(run.out).wrap("credential_process {}", command.front());
}

RoleRequest role_of(const Profile& profile, const Clock& clock) {
  RoleRequest role{.role_arn = std::string(value_of(profile, "role_arn")),
                   .session_name = std::string(value_of(profile, "role_session_name")),
                   .external_id = std::string(value_of(profile, "external_id")),
                   .duration_seconds = std::string(value_of(profile, "duration_seconds"))};
  if (role.session_name.empty()) role.session_name = default_session_name(clock);
  return role;
}

}  // namespace

std::string default_session_name(const Clock& clock) {
  return fmt::format(
      "lateen-{}",
      std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count());
}

Sought from_environment(const Environment& environment) {
  const auto first_of = [&environment](std::initializer_list<const char*> names) -> std::string {
    for (const char* const name : names) {
      if (auto value = environment(name); value && !value->empty()) return *value;
    }
    return {};
  };
  const std::string id = first_of({"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"});
  Secret key(first_of({"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"}));
  if (id.empty()) return {.why_not = "AWS_ACCESS_KEY_ID is not set"};
  if (key.empty()) return {.why_not = "AWS_SECRET_ACCESS_KEY is not set"};
  return {.found = Credentials{.access_key_id = id,
                               .secret_access_key = std::move(key),
                               .session_token = Secret(first_of({"AWS_SESSION_TOKEN"}))}};
}

Result<Credentials> from_token_file(const StsOptions& sts,
                                    const RoleRequest& role,
                                    const std::string& token_file,
                                    std::stop_token stop) {
  auto text = read_file(token_file, kLargestToken);
  if (!text) {
    return std::move(text)
        .error()
        .with_hint(
            "The token file is not mounted: is the ServiceAccount annotated with "
            "eks.amazonaws.com/role-arn, and was the pod made after that?")
        .wrap("the web identity token");
  }
  const Secret token{std::string(trim(*text))};
  if (token.empty()) {
    return Error(Code::Unauthenticated, "the web identity token in {} is empty", token_file);
  }
  return assume_role_with_web_identity(sts, role, token, std::move(stop));
}

Result<Sought> ProfileResolver::resolve(std::string_view name, std::stop_token stop) {
  const auto found = profiles_.find(name);
  if (found == profiles_.end()) return Sought{.why_not = fmt::format("no profile {}", name)};
  const Profile& profile = found->second;
  if (!value_of(profile, "role_arn").empty()) {
    // A profile that names itself as its source means its own keys.
    const bool own_keys =
        value_of(profile, "source_profile") == name && !passed_.empty() && passed_.back() == name;
    if (!own_keys) return from_role(profile, name, std::move(stop)).wrap("profile {}", name);
  }
  Sought keys = TRY(from_keys(profile).wrap("profile {}", name));
  if (keys.found) return keys;
  if (const std::string_view line = value_of(profile, "credential_process"); !line.empty()) {
    return Sought{.found = TRY(from_process(line, std::move(stop)).wrap("profile {}", name))};
  }
  for (const std::string_view key : {"sso_session", "sso_start_url"}) {
    if (value_of(profile, key).empty()) continue;
    return Error(Code::Unsupported, "profile {}: single sign-on needs a person at a browser", name)
        .with_hint("Give a role, keys, or credential_process = aws configure export-credentials.");
  }
  return Sought{.why_not = fmt::format("profile {} has no keys, role or credential_process", name)};
}

Result<Sought> ProfileResolver::from_role(const Profile& profile,
                                          std::string_view name,
                                          std::stop_token stop) {
  if (!value_of(profile, "mfa_serial").empty()) {
    return Error(Code::Unsupported, "mfa_serial needs a person with a code");
  }
  if (std::ranges::count(passed_, name) > 0 && value_of(profile, "source_profile") != name) {
    return Error(Code::InvalidArgument, "source_profile leads back to it");
  }
  const RoleRequest role = role_of(profile, *sts_.clock);
  if (const std::string_view file = value_of(profile, "web_identity_token_file"); !file.empty()) {
    return Sought{.found = TRY(from_token_file(sts_, role, std::string(file), std::move(stop)))};
  }
  passed_.emplace_back(name);
  const auto caller = fixed_credentials(TRY(source_of(profile, name, stop)));
  return Sought{.found = TRY(assume_role(sts_, role, *caller, std::move(stop)))};
}

Result<Credentials> ProfileResolver::source_of(const Profile& profile,
                                               std::string_view name,
                                               std::stop_token stop) {
  const std::string_view source = value_of(profile, "source_profile");
  if (!source.empty()) {
    Sought sought = TRY(resolve(source, std::move(stop)));
    if (sought.found) return std::move(*sought.found);
    return Error(Code::Unauthenticated, "source_profile: {}", sought.why_not);
  }
  const std::string_view place = value_of(profile, "credential_source");
  if (!place.empty()) return from_credential_source(place, std::move(stop));
  return Error(Code::InvalidArgument,
               "profile {} has a role_arn but neither source_profile, credential_source nor "
               "web_identity_token_file",
               name);
}

Result<Credentials> ProfileResolver::from_credential_source(std::string_view source,
                                                            std::stop_token stop) {
  Sought sought;
  if (source == "Environment") {
    sought = from_environment(sts_.environment);
  } else if (source == "EcsContainer") {
    sought = TRY(from_container(sts_.environment, std::move(stop)));
  } else if (source == "Ec2InstanceMetadata") {
    sought = TRY(from_instance(sts_.environment, std::move(stop)));
  } else {
    return Error(Code::InvalidArgument,
                 "credential_source {} is none of Environment, EcsContainer, Ec2InstanceMetadata",
                 quote_go(source));
  }
  if (sought.found) return std::move(*sought.found);
  return Error(Code::Unauthenticated, "credential_source {}: {}", source, sought.why_not);
}

}  // namespace lateen::net::aws
