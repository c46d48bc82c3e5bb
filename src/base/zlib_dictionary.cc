#include "base/zlib_dictionary.h"

#include <array>

#include <zlib.h>

namespace lateen {

namespace {

// zlib does not write through its input pointers, whatever their type says.
Bytef* input_of(BytesView bytes) {
  return const_cast<Bytef*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast): see above
      reinterpret_cast<const Bytef*>(bytes.data()));
}

constexpr std::size_t kPiece = 4096;

}  // namespace

struct DictionaryDeflater::Stream {
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  ~Stream() { deflateEnd(&z); }

  z_stream z{};
};

DictionaryDeflater::DictionaryDeflater(BytesView dictionary) : stream_(std::make_unique<Stream>()) {
  const int made = deflateInit(&stream_->z, Z_BEST_COMPRESSION);
  LATEEN_ASSERT(made == Z_OK, "zlib refuses only for want of memory");
  deflateSetDictionary(&stream_->z, input_of(dictionary), static_cast<uInt>(dictionary.size()));
}

DictionaryDeflater::~DictionaryDeflater() = default;

Bytes DictionaryDeflater::deflate(BytesView message) {
  z_stream& z = stream_->z;
  z.next_in = input_of(message);
  z.avail_in = static_cast<uInt>(message.size());
  Bytes out;
  do {
    std::array<char, kPiece> piece{};
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    ::deflate(&z, Z_SYNC_FLUSH);
    out.append(piece.data(), piece.size() - z.avail_out);
  } while (z.avail_out == 0);
  return out;
}

struct DictionaryInflater::Stream {
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  ~Stream() { inflateEnd(&z); }

  z_stream z{};
};

DictionaryInflater::DictionaryInflater(BytesView dictionary)
    : stream_(std::make_unique<Stream>()), dictionary_(dictionary) {
  const int made = inflateInit(&stream_->z);
  LATEEN_ASSERT(made == Z_OK, "zlib refuses only for want of memory");
}

DictionaryInflater::~DictionaryInflater() = default;

Result<Bytes> DictionaryInflater::inflate(BytesView message, std::size_t max_size) {
  z_stream& z = stream_->z;
  z.next_in = input_of(message);
  z.avail_in = static_cast<uInt>(message.size());
  Bytes out;
  while (true) {
    std::array<char, kPiece> piece{};
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    const int code = ::inflate(&z, Z_SYNC_FLUSH);
    if (code == Z_NEED_DICT) {
      const auto* dictionary = reinterpret_cast<const Bytef*>(dictionary_.data());
      if (inflateSetDictionary(&z, dictionary, static_cast<uInt>(dictionary_.size())) != Z_OK) {
        return Error(Code::Corrupt, "the compressed headers need another dictionary");
      }
      continue;
    }
    if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) {
      return Error(Code::Corrupt, "the compressed headers are no zlib stream");
    }
    out.append(piece.data(), piece.size() - z.avail_out);
    if (out.size() > max_size) {
      return Error(Code::Corrupt, "the compressed headers unpack to more than {} bytes", max_size);
    }
    if (z.avail_out != 0) return out;
  }
}

}  // namespace lateen
