#include "repository/kopia/tree_format.h"

#include <algorithm>

#include "base/json.h"
#include "repository/json_reader.h"
#include "repository/kopia/additions.h"
#include "repository/kopia/directory.h"

namespace lateen::repository::kopia {
namespace {

// A list of a 20 TB file in 4 MiB pieces; a directory of three million files.
constexpr ByteCount kMaxMetadataObject = 1_GiB;
constexpr ByteCount kMaxLinkTarget = 64_KiB;
constexpr std::string_view kListStream = "kopia:indirect";

Result<ListedPiece> read_piece(JsonReader& in) {
  ListedPiece piece;
  std::string key;
  std::string text;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key == "s") {
      piece.offset = TRY(in.read_u64());
    } else if (key == "l") {
      piece.length = TRY(in.read_u64());
    } else if (key == "o") {
      TRY(in.read_string(text));
      piece.object = TRY(ObjectId::parse(text));
    } else {
      TRY(in.skip());
    }
  }
  if (piece.object.content.size == 0) return Error(Code::Corrupt, "a piece has no object");
  return piece;
}

Result<ObjectId> object_of(const StoredEntry& stored) {
  return ObjectId::parse(stored.object).wrap("entry \"{}\"", stored.entry.name);
}

}  // namespace

Result<std::vector<ListedPiece>> parse_list(BytesView json) {
  JsonReader in(json);
  std::vector<ListedPiece> pieces;
  std::string key;
  std::string stream;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key == "stream") {
      TRY(in.read_string(stream));
    } else if (key == "entries" && !in.take_null()) {
      TRY(in.begin_array());
      while (TRY(in.next_value()))
        pieces.push_back(TRY(read_piece(in)));
    } else if (key != "entries") {
      TRY(in.skip());
    }
  }
  TRY(in.end());
  if (stream != kListStream)
    return Error(Code::Corrupt, "it is not the list of an object's pieces");
  return pieces;
}

std::string write_list(std::span<const ChunkRef> pieces) {
  std::string out = R"({"stream":"kopia:indirect","entries":)";
  char before = '[';
  for (const ChunkRef& piece : pieces) {
    out += before;
    out += '{';
    if (piece.offset != 0) out += fmt::format("\"s\":{},", piece.offset);
    if (piece.length != 0) out += fmt::format("\"l\":{},", piece.length);
    out += fmt::format("\"o\":\"{}\"}}", piece.id.text());
    before = ',';
  }
  out += pieces.empty() ? "null}\n" : "]}\n";
  return out;
}

Result<std::unique_ptr<KopiaTreeFormat>> KopiaTreeFormat::create(std::string_view splitter,
                                                                 const KopiaContentFormat& contents,
                                                                 ContentIndex& index) {
  auto chunker = TRY(make_kopia_chunker(splitter));
  return std::make_unique<KopiaTreeFormat>(std::move(chunker), contents, index);
}

bool KopiaTreeFormat::stores(EntryType type) const {
  return type == EntryType::File || type == EntryType::Directory || type == EntryType::Symlink ||
         is_special(type);
}

bool KopiaTreeFormat::unchanged(const Entry& now, const StoredEntry& before) const {
  const Entry& then = before.entry;
  return then.type == now.type && then.mtime == now.mtime && then.size == now.size &&
         then.mode == now.mode && then.uid == now.uid && then.gid == now.gid;
}

// ---- Reading.

Status KopiaTreeFormat::collect(const ObjectId& object,
                                ByteCount offset,
                                std::optional<ByteCount> length,
                                ContentReader& reader,
                                Workspace& workspace,
                                std::vector<ListedPiece>& pieces,
                                std::vector<ContentId>* lists) const {
  if (object.is_direct()) {
    if (!length) {
      const auto entry = reader.index().find(object.content);
      if (!entry) return Error(Code::NotFound, "content {} is in no index", object.content.text());
      length = entry->length;
    }
    pieces.push_back({.offset = offset, .length = *length, .object = object});
    return {};
  }
  if (lists != nullptr) {
    std::vector<ListedPiece> own;
    TRY(collect(object.list(), 0, std::nullopt, reader, workspace, own, lists));
    for (const ListedPiece& piece : own)
      lists->push_back(piece.object.content);
  }
  const Bytes json = TRY(read_object(object.list(), kMaxMetadataObject, reader, workspace));
  ByteCount at = 0;
  for (const ListedPiece& piece : TRY(parse_list(json).wrap("object {}", object.to_string()))) {
    // A list that names lists goes down one level each time, or it is none that kopia wrote.
    if (piece.offset != at || piece.object.indirection >= object.indirection) {
      return Error(Code::Corrupt, "the list of object {} is not in order", object.to_string());
    }
    TRY(collect(piece.object, offset + at, piece.length, reader, workspace, pieces, lists));
    at += piece.length;
  }
  if (length && at != *length) {
    return Error(Code::Corrupt, "the pieces of object {} are {} bytes, not {}", object.to_string(),
                 at, *length);
  }
  return {};
}

Result<Bytes> KopiaTreeFormat::read_object(const ObjectId& object,
                                           ByteCount max,
                                           ContentReader& reader,
                                           Workspace& workspace) const {
  std::vector<ListedPiece> pieces;
  TRY(collect(object, 0, std::nullopt, reader, workspace, pieces, nullptr));
  Bytes all;
  for (const ListedPiece& piece : pieces) {
    Bytes bytes = TRY(reader.read(piece.object.content, workspace));
    if (piece.object.compressed) bytes = TRY(decompress_object(bytes, workspace.decompressor));
    if (bytes.size() > max - std::min<ByteCount>(all.size(), max)) {
      return Error(Code::Corrupt, "object {} has more than {} bytes", object.to_string(), max);
    }
    all = all.empty() ? std::move(bytes) : std::move(all) + bytes;
  }
  return all;
}

Result<std::vector<StoredEntry>> KopiaTreeFormat::read_directory(BytesView object,
                                                                 ContentReader& reader,
                                                                 Workspace& workspace) const {
  const ObjectId id = TRY(ObjectId::parse(object));
  const Bytes json = TRY(read_object(id, kMaxMetadataObject, reader, workspace));
  Directory directory = TRY(parse_directory(json).wrap("directory {}", id.to_string()));
  const auto name = [](const StoredEntry& one) -> const Bytes& { return one.entry.name; };
  std::ranges::sort(directory.entries, {}, name);
  const auto twice = std::ranges::adjacent_find(directory.entries, {}, name);
  if (twice != directory.entries.end()) {
    return Error(Code::Corrupt, "directory {} has two entries \"{}\"", id.to_string(),
                 twice->entry.name);
  }
  return std::move(directory.entries);
}

// A piece that version 1 compressed, by the ID that its plain bytes have: see CompressedObjects.
Result<ContentId> KopiaTreeFormat::plain_piece(const ListedPiece& piece,
                                               ContentReader& reader,
                                               Workspace& workspace) const {
  const ContentId& real = piece.object.content;
  const auto stored = reader.index().find(real);
  if (!stored) return Error(Code::NotFound, "content {} is in no index", real.text());
  const Bytes packed = TRY(reader.read(real, workspace));
  const Bytes plain = TRY(decompress_object(packed, workspace.decompressor));
  if (plain.size() != piece.length) {
    return Error(Code::Corrupt, "content {} unpacks to {} bytes, not {}", real.text(), plain.size(),
                 piece.length);
  }
  const KeyedHash& hash = contents_.hash();
  const ContentId id = ContentId::of(kDataPrefix, hash.hash(plain), hash.size());
  if (index_.find(id)) return id;
  contents_.compressed_objects().add(id, real);
  ContentEntry entry = *stored;
  entry.id = id;
  entry.length = static_cast<std::uint32_t>(plain.size());
  entry.codec = kObjectCompression;
  index_.add(std::span(&entry, 1));
  return id;
}

Result<std::vector<ChunkRef>> KopiaTreeFormat::file_pieces(const StoredEntry& file,
                                                           ContentReader& reader,
                                                           Workspace& workspace) const {
  const ObjectId object = TRY(object_of(file));
  std::vector<ChunkRef> chunks;
  if (file.entry.size == 0 && object.is_direct()) return chunks;
  std::vector<ListedPiece> pieces;
  TRY(collect(object, 0, file.entry.size, reader, workspace, pieces, nullptr));
  chunks.reserve(pieces.size());
  for (const ListedPiece& piece : pieces) {
    if (piece.length == 0) continue;
    ContentId id = piece.object.content;
    if (piece.object.compressed) id = TRY(plain_piece(piece, reader, workspace));
    const auto entry = reader.index().find(id);
    if (entry && entry->length != piece.length) {
      return Error(Code::Corrupt, "content {} has {} bytes, where \"{}\" needs {}", id.text(),
                   entry->length, file.entry.name, piece.length);
    }
    chunks.push_back({.id = id, .offset = piece.offset, .length = piece.length});
  }
  return chunks;
}

Result<Bytes> KopiaTreeFormat::link_target(const StoredEntry& link,
                                           ContentReader& reader,
                                           Workspace& workspace) const {
  return read_object(TRY(object_of(link)), kMaxLinkTarget, reader, workspace);
}

Status KopiaTreeFormat::contents_of(const StoredEntry& entry,
                                    ContentReader& reader,
                                    Workspace& workspace,
                                    std::vector<ContentId>& out) const {
  if (is_special(entry.entry.type)) return {};
  std::vector<ListedPiece> pieces;
  TRY(collect(TRY(object_of(entry)), 0, std::nullopt, reader, workspace, pieces, &out));
  for (const ListedPiece& piece : pieces)
    out.push_back(piece.object.content);
  return {};
}

// ---- Writing.

Result<ObjectId> KopiaTreeFormat::write_pieces(std::span<const ChunkRef> pieces,
                                               std::uint8_t prefix,
                                               ContentWriter& writer,
                                               Workspace& workspace) const {
  if (pieces.empty()) return ObjectId{.content = TRY(writer.add(prefix, {}, workspace))};
  if (pieces.size() == 1) return ObjectId{.content = pieces.front().id};
  ObjectId list = TRY(write_object(prefix == kDataPrefix ? kIndirectPrefix : prefix,
                                   write_list(pieces), writer, workspace));
  ++list.indirection;
  return list;
}

Result<ObjectId> KopiaTreeFormat::write_object(std::uint8_t prefix,
                                               BytesView bytes,
                                               ContentWriter& writer,
                                               Workspace& workspace) const {
  std::vector<ChunkRef> pieces;
  ByteCount at = 0;
  for (const std::size_t length : chunker_->cut(bytes)) {
    const ContentId id = TRY(writer.add(prefix, bytes.substr(at, length), workspace));
    pieces.push_back({.id = id, .offset = at, .length = length});
    at += length;
  }
  return write_pieces(pieces, prefix, writer, workspace);
}

Result<Bytes> KopiaTreeFormat::write_file(std::span<const ChunkRef> pieces,
                                          ContentWriter& writer,
                                          Workspace& workspace) const {
  return TRY(write_pieces(pieces, kDataPrefix, writer, workspace)).to_string();
}

Result<Bytes> KopiaTreeFormat::write_symlink(const Entry& link,
                                             ContentWriter& writer,
                                             Workspace& workspace) const {
  return TRY(write_object(kDataPrefix, link.link_target, writer, workspace)).to_string();
}

Result<Bytes> KopiaTreeFormat::write_directory(std::span<const StoredEntry> entries,
                                               const DirectorySummary& summary,
                                               ContentWriter& writer,
                                               Workspace& workspace) const {
  const std::string json = kopia::write_directory(
      entries, {.summary = summary, .incomplete = summary.partial ? std::string(kCheckpoint) : ""});
  return TRY(write_object(kDirectoryPrefix, json, writer, workspace)).to_string();
}

}  // namespace lateen::repository::kopia
