#include <algorithm>

#include "repository/engine/restorer.h"

namespace lateen::repository {

Status read_file_range(const StoredEntry& file,
                       ByteCount offset,
                       ByteCount length,
                       const TreeFormat& trees,
                       ContentReader& reader,
                       Workspace& workspace,
                       Buffer& out,
                       std::stop_token stop) {
  const std::vector<ChunkRef> pieces = TRY(trees.file_pieces(file, reader, workspace));
  const ByteCount end = std::min(file.entry.size, offset + std::min(length, file.entry.size));
  Buffer piece;
  for (const ChunkRef& ref : pieces) {
    if (ref.offset + ref.length <= offset || ref.offset >= end) continue;
    piece.clear();
    TRY(reader.read(ref.id, workspace, piece, stop));
    if (piece.size() != ref.length) {
      return Error(Code::Corrupt, "content {} is {} bytes instead of {}", ref.id.text(),
                   piece.size(), ref.length);
    }
    const ByteCount from = std::max(offset, ref.offset) - ref.offset;
    const ByteCount to = std::min(end, ref.offset + ref.length) - ref.offset;
    out.append(piece.view(from, to - from));
  }
  return {};
}

Status dump_file(const StoredEntry& file,
                 ByteSink& sink,
                 const TreeFormat& trees,
                 ContentReader& reader,
                 std::stop_token stop) {
  Workspace workspace;
  const std::vector<ChunkRef> pieces = TRY(trees.file_pieces(file, reader, workspace));
  Buffer piece;
  for (const ChunkRef& ref : pieces) {
    piece.clear();
    TRY(reader.read(ref.id, workspace, piece, stop));
    if (piece.size() != ref.length) {
      return Error(Code::Corrupt, "content {} is {} bytes instead of {}", ref.id.text(),
                   piece.size(), ref.length);
    }
    TRY(sink.write(piece.view()));
  }
  return {};
}

}  // namespace lateen::repository
