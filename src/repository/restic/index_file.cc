#include "repository/restic/index_file.h"

#include <limits>
#include <utility>

#include "base/text.h"
#include "repository/json_reader.h"

namespace lateen::repository::restic {
namespace {

Result<std::uint32_t> read_length(JsonReader& in) {
  const std::uint64_t value = TRY(in.read_u64());
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    return Error(Code::Corrupt, "the index names a blob at or of {} bytes", value);
  }
  return static_cast<std::uint32_t>(value);
}

Result<BlobType> parse_blob_type(std::string_view text) {
  if (text == "data") return BlobType::Data;
  if (text == "tree") return BlobType::Tree;
  return Error(Code::Corrupt, "the index names a blob of type {}", quote_go(text));
}

// Keeps its strings from blob to blob. Not thread-safe.
class IndexDecoder {
 public:
  IndexDecoder(JsonReader& in, int version) : in_(in), version_(version) {}

  Status read_pack(IndexedPack& pack) {
    pack.blobs.clear();
    pack.id = Id();
    TRY(in_.begin_object());
    while (TRY(in_.next_key(key_))) {
      if (key_ == "id") {
        TRY(in_.read_string(text_));
        pack.id = TRY(parse_id(text_));
      } else if (key_ == "blobs") {
        TRY(read_blobs(pack));
      } else {
        TRY(in_.skip());
      }
    }
    if (pack.id.is_null()) return Error(Code::Corrupt, "the index has a pack without ID");
    return {};
  }

 private:
  Status read_blobs(IndexedPack& pack) {
    if (in_.take_null()) return {};
    TRY(in_.begin_array());
    while (TRY(in_.next_value())) {
      PackedBlob blob;
      TRY(read_blob(blob));
      pack.blobs.push_back(blob);
    }
    return {};
  }

  Status read_blob(PackedBlob& blob) {
    TRY(in_.begin_object());
    while (TRY(in_.next_key(key_))) {
      if (key_ == "id") {
        TRY(in_.read_string(text_));
        blob.id = TRY(parse_id(text_));
      } else if (key_ == "type") {
        TRY(in_.read_string(text_));
        blob.type = TRY(parse_blob_type(text_));
      } else if (key_ == "offset") {
        blob.offset = TRY(read_length(in_));
      } else if (key_ == "length") {
        blob.length = TRY(read_length(in_));
      } else if (key_ == "uncompressed_length") {
        blob.plain_length = TRY(read_length(in_));
      } else {
        TRY(in_.skip());
      }
    }
    if (blob.length < kCryptoOverhead) {
      return Error(Code::Corrupt, "the index gives blob {} only {} bytes", blob.id.short_hex(),
                   blob.length);
    }
    if (blob.compressed() && version_ < 2) {
      return Error(Code::Corrupt, "blob {} is compressed, which version 1 does not know",
                   blob.id.short_hex());
    }
    return {};
  }

  JsonReader& in_;
  int version_;
  std::string key_;
  std::string text_;
};

}  // namespace

Status decode_index(BytesView json,
                    int repository_version,
                    const std::function<Status(IndexedPack&)>& visit) {
  JsonReader in(json);
  IndexDecoder decoder(in, repository_version);
  IndexedPack pack;
  std::string key;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key != "packs") {
      TRY(in.skip());
      continue;
    }
    if (in.take_null()) continue;
    TRY(in.begin_array());
    while (TRY(in.next_value())) {
      TRY(decoder.read_pack(pack));
      TRY(visit(pack));
    }
  }
  return in.end();
}

void IndexEncoder::add(const Id& pack, const std::vector<PackedBlob>& blobs) {
  if (text_.back() == '}') text_ += ',';
  fmt::format_to(std::back_inserter(text_), "{{\"id\":\"{}\",\"blobs\":[", pack.hex());
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    const PackedBlob& blob = blobs[i];
    fmt::format_to(std::back_inserter(text_),
                   "{}{{\"id\":\"{}\",\"type\":\"{}\",\"offset\":{},\"length\":{}",
                   i > 0 ? "," : "", blob.id.hex(), to_string(blob.type), blob.offset, blob.length);
    if (blob.compressed()) {
      fmt::format_to(std::back_inserter(text_), ",\"uncompressed_length\":{}", blob.plain_length);
    }
    text_ += '}';
  }
  text_ += "]}";
  blobs_ += blobs.size();
}

Bytes IndexEncoder::finish() {
  text_ += "]}\n";
  blobs_ = 0;
  return std::exchange(text_, "{\"packs\":[");
}

}  // namespace lateen::repository::restic
