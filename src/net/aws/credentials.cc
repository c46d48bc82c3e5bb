#include "net/aws/credentials.h"

#include <algorithm>

#include "base/environment.h"
#include "base/text.h"
#include "base/thread.h"
#include "net/aws/profile_credentials.h"

namespace lateen::net::aws {
namespace {

constexpr ByteCount kLargestFile = 1_MiB;

// Renewed so long before the end, as AWS' own tools do; what is closer to it than the second is not
// handed out any more if it can be helped.
constexpr std::chrono::minutes kRenewBefore{5};
constexpr std::chrono::seconds kLastMoment{20};

// One source after the other. Thread-safe: it has no state of its own.
class SourceChain {
 public:
  explicit SourceChain(CredentialsOptions options) : options_(std::move(options)) {}

  const Clock& clock() const { return *options_.clock; }

  Result<Credentials> ask(std::stop_token stop) const {
    if (!options_.file.empty() || !options_.file_path.empty()) {
      return ask_named_file(std::move(stop));
    }
    if (!options_.profile.empty()) return ask_named_profile(std::move(stop));
    std::string tried;
    Sought keys = from_environment(options_.environment);
    if (keys.found) return from(std::move(keys), "the environment");
    note(tried, "environment", keys);
    Sought role = TRY(from_irsa(stop).wrap("web identity (IRSA)"));
    if (role.found) return from(std::move(role), "the web identity (IRSA)");
    note(tried, "web identity (IRSA)", role);
    Sought shared = TRY(from_shared_files(stop).wrap("shared files"));
    if (shared.found) return from(std::move(shared), "the shared files");
    note(tried, "shared files", shared);
    Sought container = TRY(from_container(options_.environment, stop).wrap("container endpoint"));
    if (container.found) return from(std::move(container), "the container's endpoint");
    note(tried, "container endpoint", container);
    Sought instance = TRY(from_instance(options_.environment, stop).wrap("instance metadata"));
    if (instance.found) return from(std::move(instance), "the instance's metadata");
    note(tried, "instance metadata", instance);
    return Error(Code::Unauthenticated, "no AWS credentials: {}", tried)
        .with_hint(
            "Name a Secret with a credentials file in spec.credential, or give the server's "
            "ServiceAccount a role (IRSA: annotation eks.amazonaws.com/role-arn; or an EKS Pod "
            "Identity association).");
  }

 private:
  static void note(std::string& tried, std::string_view source, const Sought& sought) {
    if (!tried.empty()) tried += "; ";
    tried += fmt::format("{}: {}", source, sought.why_not);
  }

  static Credentials from(Sought sought, std::string_view source) {
    Credentials credentials = std::move(*sought.found);
    credentials.source = source;
    return credentials;
  }

  std::string value(const std::string& name) const {
    return options_.environment(name).value_or("");
  }

  std::string profile() const {
    if (!options_.profile.empty()) return options_.profile;
    const std::string named = value("AWS_PROFILE");
    return named.empty() ? "default" : named;
  }

  StsOptions sts(const Profiles& profiles) const {
    StsOptions sts{.region = options_.region,
                   .tls = options_.tls,
                   .environment = options_.environment,
                   .clock = options_.clock};
    for (const char* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
      if (sts.region.empty()) sts.region = value(name);
    }
    const auto found = profiles.find(profile());
    if (sts.region.empty() && found != profiles.end()) {
      sts.region = value_of(found->second, "region");
    }
    return sts;
  }

  // The file is credentials and config in one, and excludes all other sources.
  Result<Credentials> ask_named_file(std::stop_token stop) const {
    const Profiles profiles = TRY(named_profiles());
    ProfileResolver resolver(profiles, sts(profiles));
    Sought sought = TRY(resolver.resolve(profile(), std::move(stop)).wrap("the credentials file"));
    if (sought.found) return from(std::move(sought), "the credentials file");
    return Error(Code::Unauthenticated, "the credentials file: {}", sought.why_not)
        .with_hint(
            "Its profile needs aws_access_key_id and aws_secret_access_key, or role_arn; "
            "config.profile names another profile.");
  }

  // A profile that a location names comes before the environment's keys.
  Result<Credentials> ask_named_profile(std::stop_token stop) const {
    Sought sought = TRY(from_shared_files(std::move(stop)).wrap("shared files"));
    if (sought.found) return from(std::move(sought), "the shared files");
    return Error(Code::Unauthenticated, "config.profile {}: shared files: {}", options_.profile,
                 sought.why_not);
  }

  Result<Profiles> named_profiles() const {
    if (!options_.file.empty()) {
      return parse_profiles(options_.file.reveal()).wrap("the credentials file");
    }
    const Bytes text =
        TRY(read_file(options_.file_path, kLargestFile).wrap("the credentials file"));
    return parse_profiles(text).wrap("{}", options_.file_path.native());
  }

  Result<Sought> from_irsa(std::stop_token stop) const {
    // As in Velero's plugin, which asks no web identity beside a credentials file.
    if (!value("AWS_SHARED_CREDENTIALS_FILE").empty()) {
      return Sought{.why_not = "not asked, since AWS_SHARED_CREDENTIALS_FILE is set"};
    }
    const std::string file = value("AWS_WEB_IDENTITY_TOKEN_FILE");
    const std::string arn = value("AWS_ROLE_ARN");
    if (file.empty()) {
      return Sought{
          .why_not = "AWS_WEB_IDENTITY_TOKEN_FILE is not set (is the ServiceAccount annotated?)"};
    }
    if (arn.empty()) return Error(Code::InvalidArgument, "AWS_ROLE_ARN is not set");
    RoleRequest role{.role_arn = arn, .session_name = value("AWS_ROLE_SESSION_NAME")};
    if (role.session_name.empty()) role.session_name = default_session_name(*options_.clock);
    return Sought{.found = TRY(from_token_file(sts({}), role, file, std::move(stop)))};
  }

  Result<Sought> from_shared_files(std::stop_token stop) const {
    const FilePath folder = FilePath(options_.environment("HOME").value_or(home_dir())) / ".aws";
    const auto path_of = [&](const std::string& variable, const char* usual) {
      const std::string named = value(variable);
      return named.empty() ? folder / usual : FilePath(named);
    };
    Profiles profiles;
    bool any = false;
    for (const FilePath& path : {path_of("AWS_CONFIG_FILE", "config"),
                                 path_of("AWS_SHARED_CREDENTIALS_FILE", "credentials")}) {
      auto text = read_file(path, kLargestFile);
      if (!text && text.error().is(Code::NotFound)) continue;
      any = true;
      merge_profiles(profiles, TRY(parse_profiles(TRY(std::move(text))).wrap("{}", path.native())));
    }
    if (!any) return Sought{.why_not = fmt::format("there are none in {}", folder.native())};
    ProfileResolver resolver(profiles, sts(profiles));
    return resolver.resolve(profile(), std::move(stop));
  }

  const CredentialsOptions options_;
};

// Keeps what the chain gave until shortly before it expires. One thread asks at a time; others go
// on with what is still good, or wait for it. Thread-safe.
class KeptCredentials final : public CredentialsProvider {
 public:
  explicit KeptCredentials(CredentialsOptions options) : chain_(std::move(options)) {}

  Result<Credentials> get(std::stop_token stop) override {
    {
      const Lock lock(mu_);
      if (good_for(kRenewBefore)) return *kept_;
      if (asking_ && good_for(kLastMoment)) return *kept_;
      const bool free =
          changed_.wait(mu_, Deadline::never(), stop,
                        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !asking_; });
      if (!free) return Error(Code::Canceled, "stopped while waiting for AWS credentials");
      if (good_for(kRenewBefore)) return *kept_;
      asking_ = true;
    }
    Result<Credentials> fresh = chain_.ask(std::move(stop));
    const Lock lock(mu_);
    asking_ = false;
    changed_.notify_all();
    if (fresh) {
      kept_ = *fresh;
      return fresh;
    }
    // A source that fails just now does no harm while the old ones last.
    if (good_for(kLastMoment)) return *kept_;
    return fresh;
  }

  bool refuse(const Credentials& used) override {
    const Lock lock(mu_);
    const bool same = kept_ && kept_->access_key_id == used.access_key_id &&
                      kept_->session_token == used.session_token;
    if (!same) return true;  // somebody else has renewed them
    const bool renewable = kept_->expires.has_value();
    if (renewable) kept_.reset();
    return renewable;
  }

 private:
  bool good_for(Duration time) const LATEEN_REQUIRES(mu_) {
    return kept_ && (!kept_->expires || *kept_->expires - chain_.clock().now() > time);
  }

  const SourceChain chain_;
  Mutex mu_;
  Condition changed_;
  std::optional<Credentials> kept_ LATEEN_GUARDED_BY(mu_);
  bool asking_ LATEEN_GUARDED_BY(mu_) = false;
};

// Immutable.
class FixedCredentials final : public CredentialsProvider {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}

  Result<Credentials> get(std::stop_token /*stop*/) override { return credentials_; }

  bool refuse(const Credentials& /*used*/) override { return false; }

 private:
  const Credentials credentials_;
};

}  // namespace

Result<std::unique_ptr<CredentialsProvider>> make_credentials(CredentialsOptions options) {
  if (!options.file.empty()) {
    TRY(parse_profiles(options.file.reveal()).wrap("the credentials file"));
  }
  std::unique_ptr<CredentialsProvider> provider =
      std::make_unique<KeptCredentials>(std::move(options));
  return provider;
}

std::unique_ptr<CredentialsProvider> fixed_credentials(Credentials credentials) {
  return std::make_unique<FixedCredentials>(std::move(credentials));
}

}  // namespace lateen::net::aws
