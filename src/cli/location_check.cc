#include "cli/location_check.h"

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/published_keys.h"
#include "cli/session.h"
#include "model/locations.h"
#include "objects/location.h"
#include "objects/s3/bucket_properties.h"

namespace lateen::cli {
namespace {

using model::BackupStorageLocation;
using objects::s3::BucketProperty;
using objects::s3::BucketReport;
using objects::s3::PropertyState;

Result<Bytes> read_secret(const Session& session,
                          const model::SecretKeySelector& selector,
                          std::stop_token stop) {
  const Json secret = TRY(
      session.client
          ->get({.gvr = {"", "v1", "secrets"}, .ns = session.ns(), .name = selector.name}, {}, stop)
          .wrap("reading Secret {}/{}", session.ns(), selector.name));
  const Json* value = find(find(secret, "data"), JsonKey{selector.key});
  if (value == nullptr) {
    return Error(Code::NotFound, "Secret {}/{} has no key {}", session.ns(), selector.name,
                 selector.key);
  }
  return base64_decode(as_text(value));
}

Json to_json(const BucketReport& report,
             const std::vector<PublishedKey>& published,
             const std::string& location) {
  JsonArray properties;
  for (const BucketProperty& one : report.properties) {
    JsonObject property{
        {"name", one.name}, {"state", to_string(one.state)}, {"detail", one.detail}};
    if (!one.terraform.empty()) property["terraform"] = one.terraform;
    if (!one.aws_cli.empty()) property["awsCli"] = one.aws_cli;
    properties.emplace_back(std::move(property));
  }
  JsonArray keys;
  for (const PublishedKey& one : published) {
    keys.emplace_back(
        JsonObject{{"repository", one.subject}, {"detail", one.detail}, {"next", one.next}});
  }
  return JsonObject{{"location", location},
                    {"publishedKeys", std::move(keys)},
                    {"bucket", report.bucket},
                    {"region", report.region},
                    {"properties", std::move(properties)}};
}

void print_keys(const std::vector<PublishedKey>& published, Invocation& call) {
  if (published.empty()) return;
  call.console.line("");
  call.console.line("Repositories of volumes' files:");
  for (const PublishedKey& one : published) {
    call.console.line(fmt::format("  {}{}{}. Then: {}", one.subject,
                                  one.subject.empty() ? "" : ": ", one.detail, one.next));
  }
}

void print_text(const BucketReport& report, const std::string& location, Invocation& call) {
  call.console.line(
      fmt::format("Bucket {} of backup storage location {}:", report.bucket, location));
  for (const BucketProperty& one : report.properties) {
    call.console.line(
        fmt::format("  {:<20} {:<19}  {}", to_string(one.state), one.name, one.detail));
  }
  if (!report.has(PropertyState::Missing)) return;
  for (const bool terraform : {true, false}) {
    call.console.line("");
    call.console.line(terraform ? "What would set the missing ones, with Terraform:"
                                : "The same with AWS' command line:");
    for (const BucketProperty& one : report.properties) {
      const std::string& lines = terraform ? one.terraform : one.aws_cli;
      if (lines.empty()) continue;
      call.console.line("");
      call.console.line(lines.substr(0, lines.size() - 1));  // its own newline comes with line()
    }
  }
}

Result<int> check(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  const auto location = TRY(session.cluster.get<BackupStorageLocation>(name, call.stop));
  const BucketReport report =
      TRY(objects::s3::check_bucket(TRY(bucket_options(location, session, call.stop)), call.stop)
              .wrap("backup storage location {}", name));
  const auto published = TRY(published_keys(session, name, call.stop));
  if (format == OutputFormat::Table) {
    print_text(report, name, call);
    print_keys(published, call);
  } else {
    call.console.out(print_document(to_json(report, published, name), format));
  }
  if (report.has(PropertyState::Missing) || !published.empty()) return kMissing;
  const bool unseen = report.has(PropertyState::NotAllowed) || report.has(PropertyState::Unknown);
  return unseen ? kUnseen : 0;
}

}  // namespace

Result<objects::StoreOptions> bucket_options(const BackupStorageLocation& location,
                                             const Session& session,
                                             std::stop_token stop) {
  const std::string& provider = location.spec.provider;
  if (provider != "aws" && provider != "velero.io/aws") {
    return Error(Code::Unsupported,
                 "backup storage location {} is of provider {}: only buckets of S3 (provider aws) "
                 "can be checked",
                 location.metadata.name, provider);
  }
  objects::LocationSecrets secrets;
  if (location.spec.credential) {
    secrets.credential = Secret(TRY(read_secret(session, *location.spec.credential, stop)));
  }
  if (location.spec.object_storage && location.spec.object_storage->ca_cert_ref) {
    secrets.ca_pem = TRY(read_secret(session, *location.spec.object_storage->ca_cert_ref, stop));
  }
  return objects::store_options(location, std::move(secrets));
}

Command location_check_command() {
  return {
      .name = "check",
      .usage = "NAME",
      .summary = "Check how the bucket of a backup storage location is set up",
      .flags = {{.name = "output",
                 .usage = "Output display format. Valid formats are 'table', 'json', 'yaml'.",
                 .value = "table",
                 .shorthand = "o",
                 .words = {"table", "json", "yaml"}}},
      .run = with_one_name(check),
      .text =
          "Asks the bucket of a backup storage location (provider aws) for six properties: "
          "versioning, encryption with a\nKMS key and a bucket key, lifecycle, denial of plain "
          "HTTP, blocked public access, and replication to another\nregion; and prints what "
          "would set those that are missing, for Terraform and for AWS' command line.\n\nThe "
          "bucket is asked with the location's credential, or else with those of whoever calls: "
          "AWS_PROFILE, an\nenvironment, a role. Nothing is changed.\n\nExit code 0: all are "
          "set; 1: an error; 2: some are missing; 3: none is missing, but some could not be "
          "looked at."};
}

Command location_commands() {
  return {.name = "location",
          .usage = "",
          .summary = "Work with backup storage locations' buckets",
          .children = {location_check_command()}};
}

}  // namespace lateen::cli
