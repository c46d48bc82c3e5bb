// `lateen verify`: whether stored backups are what they were, and can be read; `lateen
// signing-key`: whose word counts for that.
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "server/backup_signer.h"
#include "server/backup_verifier.h"
#include "server/local_context.h"
#include "server/signing_keys.h"

namespace lateen::cli {
namespace {

using assurance::BackupVerdict;
using assurance::Finding;
using assurance::FindingLevel;

// Something is wrong with a backup; 1 is a command that could not do its work.
constexpr int kExitProblem = 2;

std::string finding_line(const Finding& one) {
  return fmt::format("  {} {}{}: {}", one.level == FindingLevel::Problem ? "✗" : "‼", one.id,
                     one.object.empty() ? "" : " " + one.object, one.message);
}

std::string signature_text(const BackupVerdict& verdict) {
  switch (verdict.manifest) {
    case assurance::ManifestState::Trusted:
      return "signed by " + verdict.key_id;
    case assurance::ManifestState::Untrusted:
      return "signed by an unknown key";
    case assurance::ManifestState::Broken:
      return "signature broken";
    case assurance::ManifestState::None:
      return "not signed";
  }
  return {};
}

void print_verdict(const BackupVerdict& verdict, Console& console) {
  console.line(fmt::format("{} {} ({}): {}, {} files of {} bytes, {} objects, {} snapshots{}",
                           verdict.has_problem() ? "✗" : "✓", verdict.backup, verdict.phase,
                           signature_text(verdict), verdict.files, verdict.bytes, verdict.items,
                           verdict.snapshots, verdict.data_read ? ", data read" : ""));
  for (const Finding& one : verdict.findings)
    console.line(finding_line(one));
}

// "2/7": the second of seven parts.
Status parse_rotation(const std::string& text, server::VerifyRequest& request) {
  const Cut parts = cut(text, "/");
  const auto n = parse_int(parts.before);
  const auto t = parse_int(parts.after);
  if (!parts.found || !n || !t || *n < 1 || *n > *t) {
    return Error(Code::InvalidArgument,
                 "--rotate is \"{}\": it must be N/T, as 2/7 for the second "
                 "of seven parts",
                 text);
  }
  request.part = static_cast<std::size_t>(*n);
  request.parts = static_cast<std::size_t>(*t);
  return {};
}

Result<server::VerifyRequest> verify_request(const Invocation& call) {
  server::VerifyRequest request{.names = call.args,
                                .location = call.flags.text("storage-location"),
                                .read_data = call.flags.is("data")};
  const bool rotate = call.flags.given("rotate");
  const int ways = (call.args.empty() ? 0 : 1) + (call.flags.is("all") ? 1 : 0) + (rotate ? 1 : 0);
  if (ways != 1) {
    return Error(Code::InvalidArgument,
                 "backups must be named, or all be asked for with --all, or a part of them with "
                 "--rotate");
  }
  if (rotate) TRY(parse_rotation(call.flags.text("rotate"), request));
  for (const std::string& file : call.flags.texts("public-key")) {
    const Bytes pem = TRY(read_file(FilePath(file)));
    request.trusted.push_back(TRY(Ed25519PublicKey::from_pem(pem).wrap("{}", file)));
  }
  return request;
}

Result<int> verify(Invocation& call) {
  return_freed_memory();
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  server::VerifyRequest request = TRY(verify_request(call));
  const Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  if (format == OutputFormat::Table)
    request.tell = [&call](const BackupVerdict& verdict) { print_verdict(verdict, call.console); };
  const server::VerifyReport report = TRY(server::verify_backups(local.get(), request, call.stop));
  if (format != OutputFormat::Table) {
    call.console.out(print_document(server::report_json(report), format));
  } else {
    for (const Finding& one : report.removed)
      call.console.line(finding_line(one));
    if (report.backups.empty()) call.console.line("No backups to verify.");
  }
  return report.has_problem() ? kExitProblem : 0;
}

Result<int> accept_removal(Invocation& call) {
  const Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  for (const auto& location :
       TRY(session.cluster.list<model::BackupStorageLocation>({}, call.stop))) {
    TRY(server::forget_signed(local.get(), location.metadata.name, call.args.front(), call.stop));
  }
  call.console.line(fmt::format("Backup {} is not missed any more.", call.args.front()));
  return 0;
}

// ---- signing-key

template <typename Work>
Result<int> with_keys(Invocation& call, Work work) {
  const Session session = TRY(open_session(call));
  SystemRng rng;
  const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
  TRY(work(local.get()));
  return 0;
}

Result<int> export_key(Invocation& call) {
  return with_keys(call, [&call](const server::ServerContext& context) -> Status {
    const server::SigningKeys keys = TRY(server::read_signing_keys(context, call.stop));
    call.console.out(keys.key.public_key().to_pem());
    return {};
  });
}

Result<int> list_keys(Invocation& call) {
  return with_keys(call, [&call](const server::ServerContext& context) -> Status {
    const server::SigningKeys keys = TRY(server::read_signing_keys(context, call.stop));
    for (const Ed25519PublicKey& key : keys.trusted.keys) {
      call.console.line(
          fmt::format("{}  {}", key.id(), key == keys.key.public_key() ? "signs" : "trusted"));
    }
    return {};
  });
}

Result<int> rotate_key(Invocation& call) {
  return with_keys(call, [&call](const server::ServerContext& context) -> Status {
    const Ed25519PublicKey key = TRY(server::rotate_signing_key(context, call.stop));
    call.console.line(fmt::format(
        "Backups are signed with key {} from now on; what the former key signed stays trusted.",
        key.id()));
    return {};
  });
}

Result<int> trust(Invocation& call) {
  const Bytes pem = TRY(read_file(FilePath(call.args.front())));
  const auto key = TRY(Ed25519PublicKey::from_pem(pem).wrap("{}", call.args.front()));
  return with_keys(call, [&](const server::ServerContext& context) -> Status {
    TRY(server::trust_key(context, key, call.stop));
    call.console.line(fmt::format("What key {} signed is trusted here.", key.id()));
    return {};
  });
}

}  // namespace

Command verify_command() {
  std::vector<FlagSpec> flags = {
      {.name = "all", .kind = FlagKind::Bool, .usage = "All backups in the buckets."},
      {.name = "rotate",
       .usage = "A part of all backups: N/T is the N-th of T parts. A backup stays in its part.",
       .type_name = "N/T"},
      {.name = "data",
       .kind = FlagKind::Bool,
       .usage =
           "Also read every byte of the repositories that hold files of the backups' volumes."},
      {.name = "storage-location",
       .usage = "Only backups in this location.",
       .names = "backup-location"},
      {.name = "public-key",
       .kind = FlagKind::Texts,
       .usage = "A file with the public key of another cluster, whose signatures are trusted.",
       .names = "file"},
      {.name = "output",
       .usage = "Output format: table, json or yaml.",
       .value = "table",
       .shorthand = "o",
       .words = {"table", "json", "yaml"}}};
  return {.name = "verify",
          .usage = "[BACKUP...]",
          .summary = "Verify that stored backups are whole and unchanged",
          .flags = std::move(flags),
          .run = verify,
          .text =
              "Verify that stored backups are whole and unchanged: their files against the "
              "signed manifest, the tarball\nto its last byte, and that their snapshots are "
              "there. Exit code 2 says that something is wrong."};
}

Command signing_key_commands() {
  return {.name = "signing-key",
          .usage = "",
          .summary = "Work with the key that backups are signed with",
          .children = {{.name = "export",
                        .usage = "",
                        .summary = "Print the public key, to be kept outside of the cluster",
                        .run = export_key,
                        .max_args = 0},
                       {.name = "list",
                        .usage = "",
                        .summary = "List the keys whose signatures are trusted",
                        .run = list_keys,
                        .max_args = 0},
                       {.name = "rotate",
                        .usage = "",
                        .summary = "Sign with a new key from now on",
                        .run = rotate_key,
                        .max_args = 0},
                       {.name = "trust",
                        .usage = "FILE",
                        .summary = "Trust what the key in a file signed",
                        .run = with_one_name(trust)},
                       {.name = "accept-removal",
                        .usage = "BACKUP",
                        .summary = "Do not miss a backup that somebody removed from its bucket",
                        .run = with_one_name(accept_removal)}}};
}

}  // namespace lateen::cli
