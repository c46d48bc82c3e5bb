#include "assurance/verify.h"

#include <algorithm>
#include <map>

#include "archive/archive_reader.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/temp.h"
#include "base/text.h"
#include "base/thread.h"
#include "model/backup.h"

namespace lateen::assurance {
namespace {

constexpr std::size_t kVerifyReaders = 4;

using model::BackupPhase;

// One backup being verified. Not thread-safe.
class FileVerifier {
 public:
  FileVerifier(objects::BackupStore& store,
               std::string_view backup,
               const VerifyOptions& options,
               const std::stop_token& stop)
      : store_(store), name_(backup), options_(options), stop_(stop) {
    verdict_.backup = name_;
  }

  Result<BackupVerdict> run() {
    scratch_.emplace(TRY(TempDir::create("lateen-verify")));
    if (!TRY(read_metadata())) return std::move(verdict_);
    TRY(check_manifest());
    TRY(digest_files());
    if (manifest_) hold_against_manifest(*manifest_);
    TRY(check_tarball());
    TRY(check_documents());
    return std::move(verdict_);
  }

 private:
  // False when there is nothing more to look at.
  Result<bool> read_metadata() {
    auto metadata = store_.get_metadata(name_, stop_);
    if (!metadata && metadata.error().is(Code::NotFound)) {
      verdict_.problem("backup-missing", "velero-backup.json",
                       "the bucket has no velero-backup.json of it: nothing can be restored");
      return false;
    }
    if (!metadata) {
      TRY(passable(metadata.error()));
      verdict_.problem("metadata-unreadable", "velero-backup.json", metadata.error().message());
      return true;
    }
    verdict_.phase = std::string(metadata->status.phase.text());
    phase_ = metadata->status.phase.value();
    if (metadata->metadata.name != name_) {
      verdict_.problem("metadata-of-another", "velero-backup.json",
                       fmt::format("it is of backup {}", metadata->metadata.name));
    }
    if (model::is_unfinished(phase_)) {
      verdict_.note("backup-unfinished", "", "it is still being made; nothing was verified");
      return false;
    }
    if (phase_ == BackupPhase::Failed || phase_ == BackupPhase::FailedValidation) {
      verdict_.note("backup-failed", "", "it failed, and holds nothing that could be restored");
      return false;
    }
    return true;
  }

  // An error that is the bucket's state, not that of our way to it.
  static Status passable(const Error& error) {
    if (error.is(Code::Corrupt) || error.is(Code::NotFound) || error.is(Code::InvalidArgument))
      return {};
    return error;
  }

  Status check_manifest() {
    const std::string file = name_ + "-manifest.jsonl";
    auto stored = read_manifest(store_, name_, options_.trusted, stop_);
    if (!stored && stored.error().is(Code::NotFound)) {
      if (options_.signed_backup) {
        verdict_.problem("manifest-missing", file,
                         "this cluster signed the backup, and its manifest is not there any more");
      } else {
        verdict_.note("manifest-none", file,
                      "it was never signed (Velero made it, or an older Lateen): that nobody "
                      "changed it cannot be told, only that it can be read");
      }
      return {};
    }
    if (!stored) {
      if (!stored.error().is(Code::Unsupported)) TRY(passable(stored.error()));
      verdict_.manifest = ManifestState::Broken;
      verdict_.problem("manifest-broken", file, stored.error().message());
      return {};
    }
    verdict_.key_id = stored->signature.key_id;
    verdict_.manifest =
        stored->signature.is_trusted ? ManifestState::Trusted : ManifestState::Untrusted;
    if (!stored->signature.is_trusted) {
      verdict_.problem(
          "manifest-untrusted", file,
          fmt::format("it is signed with key {}, which is not known here. If another cluster made "
                      "the backup, take its public key there with `lateen verify --export-key` and "
                      "give it with --public-key",
                      verdict_.key_id));
    }
    if (options_.signed_backup && options_.signed_backup->sha256 != stored->signature.sha256) {
      verdict_.problem("manifest-changed", file,
                       "it is not the manifest that this cluster wrote for the backup");
    }
    manifest_ = std::move(stored->manifest);
    return {};
  }

  Status digest_files() {
    const std::string folder = store_.layout().backup_dir(name_);
    auto listed = TRY(objects::list_all(store_.objects(), folder, 100'000, stop_));
    std::erase_if(listed, [this](const auto& object) {
      return object.key == store_.layout().backup_manifest(name_);
    });
    std::vector<Result<ObjectDigest>> digests(listed.size(), Result<ObjectDigest>(ObjectDigest{}));
    TRY(parallel_for(
        listed.size(), kVerifyReaders,
        [&](std::size_t i, std::stop_token inner) -> Status {
          digests[i] = listed[i].key == store_.layout().backup_contents(name_)
                           ? fetch_tarball(inner)
                           : digest_object(store_.objects(), listed[i].key, inner);
          if (!digests[i]) return passable(digests[i].error());
          return {};
        },
        stop_));
    for (std::size_t i = 0; i < listed.size(); ++i) {
      const std::string file = listed[i].key.substr(folder.size());
      if (!digests[i]) {
        verdict_.problem("object-unreadable", file, digests[i].error().message());
        continue;
      }
      ++verdict_.files;
      verdict_.bytes += digests[i]->size;
      digests_[file] = *digests[i];
    }
    return {};
  }

  FilePath tarball_path() const { return scratch_->path() / "backup.tar.gz"; }

  Result<ObjectDigest> fetch_tarball(const std::stop_token& stop) {
    const UniqueFd file = TRY(open_for_writing(tarball_path(), 0600));
    TRY(store_.download_contents(name_, file.get(), stop));
    const UniqueFd again = TRY(open_for_reading(tarball_path()));
    FdSource source(again.get(), tarball_path().string());
    Sha256 hash;
    ObjectDigest digest;
    std::string room(256 << 10, '\0');
    while (const std::size_t n = TRY(source.read(room))) {
      hash.update({room.data(), n});
      digest.size += n;
    }
    digest.sha256 = hash.finish_hex();
    return digest;
  }

  void hold_against_manifest(const Manifest& manifest) {
    std::map<std::string, ObjectDigest, std::less<>> rest = digests_;
    for (const ManifestObject& expected : manifest.objects) {
      const auto found = rest.find(expected.name);
      if (found == rest.end()) {
        verdict_.problem("object-missing", expected.name,
                         "the manifest lists it, and it is not in the bucket");
        continue;
      }
      if (found->second.sha256 != expected.sha256) {
        verdict_.problem(
            "object-changed", expected.name,
            fmt::format("it has {} bytes with SHA-256 {}, and had {} with {} when it was signed",
                        found->second.size, found->second.sha256, expected.size, expected.sha256));
      }
      rest.erase(found);
    }
    for (const auto& [file, digest] : rest) {
      verdict_.problem("object-added", file, "it was put there after the backup was signed");
    }
  }

  Status check_tarball() {
    const std::string tarball = name_ + ".tar.gz";
    if (digests_.count(tarball) == 0) {
      // Said already, if the manifest lists it.
      if (!manifest_) verdict_.problem("object-missing", tarball, "the backup has no tarball");
      return {};
    }
    archive::ArchiveReaderOptions options{.temp_dir = scratch_->path()};
    if (digests_.count(name_ + "-index.json.gz") > 0) {
      options.index = scratch_->path() / "index.json.gz";
      const Bytes index = TRY(store_.get_archive_index(name_, stop_));
      TRY(write_file(*options.index, index));
    }
    const auto opened = archive::ArchiveReader::open(tarball_path(), options, stop_);
    if (!opened) {
      TRY(passable(opened.error()));
      verdict_.problem("tarball-broken", tarball, opened.error().message());
      return {};
    }
    if (opened->index_problem()) {
      verdict_.problem("index-broken", name_ + "-index.json.gz",
                       opened->index_problem()->message());
    }
    if (opened->indexed()) {
      const Status whole = opened->verify(stop_);
      if (!whole) {
        TRY(passable(whole.error()));
        verdict_.problem("tarball-broken", tarball, whole.error().message());
      }
    }
    const auto items = opened->items();
    verdict_.items = static_cast<std::size_t>(std::count_if(
        items.begin(), items.end(), [](const auto& item) { return item.key.preferred; }));
    return {};
  }

  // A document that can't be read; one that is not there is fine where old versions wrote none.
  template <typename T>
  Status check_document(const char* suffix, const Result<T>& document) {
    if (document || document.error().is(Code::NotFound)) return {};
    TRY(passable(document.error()));
    verdict_.problem("document-unreadable", name_ + suffix, document.error().message());
    return {};
  }

  Status check_documents() {
    const auto names = store_.get_resource_list(name_, stop_);
    TRY(check_document("-resource-list.json.gz", names));
    TRY(check_document("-results.gz", store_.get_results(name_, stop_)));
    TRY(check_document("-volumeinfo.json.gz", store_.get_volume_infos(name_, stop_)));
    TRY(check_document("-itemoperations.json.gz", store_.get_item_operations(name_, stop_)));
    TRY(check_document("-podvolumebackups.json.gz", store_.get_pod_volume_backups(name_, stop_)));
    TRY(check_document("-volumesnapshots.json.gz", store_.get_volume_snapshots(name_, stop_)));
    if (names && verdict_.items > 0) compare_names(*names);
    return {};
  }

  void compare_names(const model::ResourceList& names) {
    std::size_t listed = 0;
    for (const auto& [kind, objects] : names)
      listed += objects.size();
    if (listed <= verdict_.items) return;
    const std::string message =
        fmt::format("it names {} objects, and the tarball holds {}", listed, verdict_.items);
    // Velero names objects also when saving them failed.
    if (phase_ == BackupPhase::Completed) {
      verdict_.problem("contents-incomplete", name_ + "-resource-list.json.gz", message);
    } else {
      verdict_.note("contents-incomplete", name_ + "-resource-list.json.gz", message);
    }
  }

  objects::BackupStore& store_;
  const std::string name_;
  const VerifyOptions& options_;
  const std::stop_token& stop_;
  BackupVerdict verdict_;
  BackupPhase phase_ = BackupPhase::Unset;
  std::optional<TempDir> scratch_;
  std::optional<Manifest> manifest_;
  std::map<std::string, ObjectDigest, std::less<>> digests_;  // by file
};

}  // namespace

std::string_view to_string(ManifestState state) {
  switch (state) {
    case ManifestState::None:
      return "none";
    case ManifestState::Trusted:
      return "trusted";
    case ManifestState::Untrusted:
      return "untrusted";
    case ManifestState::Broken:
      return "broken";
  }
  return "none";
}

bool BackupVerdict::has_problem() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& one) { return one.level == FindingLevel::Problem; });
}

void BackupVerdict::problem(std::string_view id, std::string_view object, std::string message) {
  findings.push_back(
      {std::string(id), FindingLevel::Problem, std::string(object), std::move(message)});
}

void BackupVerdict::note(std::string_view id, std::string_view object, std::string message) {
  findings.push_back(
      {std::string(id), FindingLevel::Note, std::string(object), std::move(message)});
}

Json verdict_json(const BackupVerdict& verdict) {
  JsonArray findings;
  for (const Finding& one : verdict.findings) {
    findings.push_back(
        JsonObject{{"id", one.id},
                   {"level", one.level == FindingLevel::Problem ? "problem" : "note"},
                   {"object", one.object},
                   {"message", one.message}});
  }
  return JsonObject{{"backup", verdict.backup},
                    {"location", verdict.location},
                    {"phase", verdict.phase},
                    {"verified", !verdict.has_problem()},
                    {"manifest", to_string(verdict.manifest)},
                    {"keyID", verdict.key_id},
                    {"files", verdict.files},
                    {"bytes", verdict.bytes},
                    {"items", verdict.items},
                    {"snapshots", verdict.snapshots},
                    {"dataRead", verdict.data_read},
                    {"findings", std::move(findings)}};
}

Result<BackupVerdict> verify_files(objects::BackupStore& store,
                                   std::string_view backup,
                                   const VerifyOptions& options,
                                   const std::stop_token& stop) {
  return FileVerifier(store, backup, options, stop).run();
}

std::vector<Finding> find_removed(const SignedBackups& ledger,
                                  const std::vector<Manifest>& manifests,
                                  const std::vector<std::string>& present,
                                  TimePoint now) {
  std::vector<Finding> findings;
  const auto is_present = [&](std::string_view name) {
    return std::find(present.begin(), present.end(), name) != present.end();
  };
  for (const auto& [name, backup] : ledger) {
    if (is_present(name)) continue;
    findings.push_back({"backup-removed", FindingLevel::Problem, name,
                        "this cluster signed it and did not delete it, and it is not in the bucket "
                        "any more"});
  }
  if (!ledger.empty()) return findings;
  const auto newest = std::max_element(
      manifests.begin(), manifests.end(),
      [](const Manifest& a, const Manifest& b) { return a.signed_at < b.signed_at; });
  if (newest == manifests.end()) return findings;
  for (const auto& [name, backup] : newest->present) {
    const bool has_expired = backup.expiration && *backup.expiration <= now;
    if (is_present(name) || has_expired) continue;
    findings.push_back(
        {"backup-gone", FindingLevel::Note, name,
         fmt::format("it was there when {} was signed, would not have expired yet, and is not in "
                     "the bucket any more: ask the cluster that made it whether it deleted it",
                     newest->backup)});
  }
  return findings;
}

bool in_part(std::string_view backup, std::size_t n, std::size_t t) {
  return t <= 1 || std::stoul(sha256_hex(backup).substr(0, 8), nullptr, 16) % t == n - 1;
}

}  // namespace lateen::assurance
