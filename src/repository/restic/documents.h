// The JSON documents of a repository: what they hold, read and written. Encryption is elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "repository/restic/id.h"

namespace lateen::repository::restic {

// `config`: made once, never changed.
struct Config {
  int version = 2;
  std::string id = {};  // 64 hex digits
  std::uint64_t polynomial = 0;
};

std::string encode(const Config& config);
// Unsupported for other versions than 1 and 2. Whether the polynomial is any good is the chunker's
// to say.
Result<Config> decode_config(BytesView json);

// `keys/<ID>`: a password's way to the master key.
struct KeyFile {
  TimePoint created = {};
  std::string username = {};
  std::string hostname = {};
  std::uint64_t n = 32768;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
  Bytes salt = {};
  Bytes data = {};  // the master key, encrypted
};

std::string encode(const KeyFile& key);
// Unsupported for another KDF, Corrupt for parameters that no one should compute with.
Result<KeyFile> decode_key_file(BytesView json);

// The three keys, raw: 32 bytes for AES-256, 16 for the nonce's AES-128, 16 for Poly1305.
struct MasterKey {
  Secret encrypt = {};
  Secret mac_k = {};
  Secret mac_r = {};
};

std::string encode(const MasterKey& key);
Result<MasterKey> decode_master_key(BytesView json);

// What a backup did, as restic 0.17 and later keep it with the snapshot.
struct SnapshotSummary {
  TimePoint backup_start = {};
  TimePoint backup_end = {};
  std::uint64_t files_new = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_unmodified = 0;
  std::uint64_t dirs_new = 0;
  std::uint64_t dirs_changed = 0;
  std::uint64_t dirs_unmodified = 0;
  std::uint64_t data_blobs = 0;
  std::uint64_t tree_blobs = 0;
  std::uint64_t data_added = 0;
  std::uint64_t data_added_packed = 0;
  std::uint64_t total_files_processed = 0;
  std::uint64_t total_bytes_processed = 0;

  bool operator==(const SnapshotSummary&) const = default;
};

struct SnapshotFile {
  TimePoint time = {};
  std::string time_text = {};  // as it was written, with its zone; time in UTC if empty
  std::optional<Id> parent = {};
  Id tree = {};
  std::vector<std::string> paths = {};
  std::string hostname = {};
  std::string username = {};
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::string> excludes = {};
  std::vector<std::string> tags = {};
  std::optional<Id> original = {};
  std::string program_version = {};
  std::optional<SnapshotSummary> summary = {};
};

std::string encode(const SnapshotFile& snapshot);
Result<SnapshotFile> decode_snapshot(BytesView json);

// `locks/<ID>`.
struct LockFile {
  TimePoint time = {};
  bool exclusive = false;
  std::string hostname = {};
  std::string username = {};
  std::int64_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

std::string encode(const LockFile& lock);
Result<LockFile> decode_lock(BytesView json);

}  // namespace lateen::repository::restic
