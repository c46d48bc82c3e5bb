#include "repository/crypto/blake3.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/result.h"
#include "repository/crypto/blake3_lanes.h"
#include "repository/crypto/blake_rounds.h"
#include "repository/crypto/simd.h"

namespace lateen::repository {

void blake3_block(std::uint32_t cv[8],
                  const std::uint8_t* block,
                  std::uint32_t block_size,
                  std::uint64_t counter,
                  std::uint32_t flags) {
  std::uint32_t m[16];
  std::memcpy(m, block, sizeof m);
  std::uint32_t v[16];
  for (std::size_t i = 0; i < 8; ++i)
    v[i] = cv[i];
  for (std::size_t i = 0; i < 4; ++i)
    v[i + 8] = kBlake3Iv[i];
  v[12] = static_cast<std::uint32_t>(counter);
  v[13] = static_cast<std::uint32_t>(counter >> 32);
  v[14] = block_size;
  v[15] = flags;
  blake_rounds<kBlakeTurns32>(v, m, kBlake3Schedule);
  for (std::size_t i = 0; i < 8; ++i)
    cv[i] = v[i] ^ v[i + 8];
}

namespace {

// A tree is hashed level by level: chunks, then pairs of nodes, an odd one at the end going up as
// it is. That is BLAKE3's tree, whose left parts are the greatest that are full.
class Tree {
 public:
  Tree(const Blake3Key& key, std::uint32_t mode, std::size_t lanes)
      : key_(key), mode_(mode), lanes_(lanes) {}

  HashBytes hash(BytesView data) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
    if (data.size() <= kBlake3Chunk) {
      HashBytes root{};
      chunk(bytes, data.size(), 0, kBlake3Root, root.data());
      return root;
    }
    const std::size_t chunks = (data.size() + kBlake3Chunk - 1) / kBlake3Chunk;
    std::vector<std::uint8_t> nodes(chunks * kNode);
    hash_chunks(bytes, data.size(), nodes.data());
    std::size_t count = chunks;
    while (count > 2)
      count = hash_pairs(nodes.data(), count);
    HashBytes root{};
    parent(nodes.data(), kBlake3Root, root.data());
    return root;
  }

 private:
  static constexpr std::size_t kNode = 32;

  void run_lanes(const Blake3Nodes& nodes) const {
    if (lanes_ == 16) {
      blake3_nodes_avx512(nodes);
    } else {
      blake3_nodes_avx2(nodes);
    }
  }

  void chunk(const std::uint8_t* data,
             std::size_t size,
             std::uint64_t counter,
             std::uint32_t root,
             std::uint8_t* out) const {
    Blake3Key cv = key_;
    std::uint32_t flags = mode_ | kBlake3ChunkStart;
    for (; size > kBlake3Block; size -= kBlake3Block, data += kBlake3Block) {
      blake3_block(cv.data(), data, kBlake3Block, counter, flags);
      flags = mode_;
    }
    std::uint8_t block[kBlake3Block] = {};
    if (size > 0) std::memcpy(block, data, size);
    flags |= kBlake3ChunkEnd | root;
    blake3_block(cv.data(), block, static_cast<std::uint32_t>(size), counter, flags);
    std::memcpy(out, cv.data(), kNode);
  }

  void parent(const std::uint8_t* pair, std::uint32_t root, std::uint8_t* out) const {
    Blake3Key cv = key_;
    blake3_block(cv.data(), pair, kBlake3Block, 0, mode_ | kBlake3Parent | root);
    std::memcpy(out, cv.data(), kNode);
  }

  void hash_chunks(const std::uint8_t* data, std::size_t size, std::uint8_t* out) const {
    std::uint64_t counter = 0;
    const std::size_t group = lanes_ * kBlake3Chunk;
    // The last chunk ends differently if it is short, but not otherwise: a full one fits the lanes.
    for (; lanes_ > 1 && size >= group; size -= group) {
      run_lanes({.key = key_.data(),
                 .input = data,
                 .blocks = kBlake3Chunk / kBlake3Block,
                 .counter = counter,
                 .counts = true,
                 .flags = mode_,
                 .first_flags = kBlake3ChunkStart,
                 .last_flags = kBlake3ChunkEnd,
                 .out = out});
      data += group;
      out += lanes_ * kNode;
      counter += lanes_;
    }
    while (size > 0) {
      const std::size_t length = std::min(size, kBlake3Chunk);
      chunk(data, length, counter++, 0, out);
      data += length;
      size -= length;
      out += kNode;
    }
  }

  std::size_t hash_pairs(std::uint8_t* nodes, std::size_t count) const {
    std::size_t pairs = count / 2;
    const std::uint8_t* in = nodes;
    std::uint8_t* out = nodes;
    for (; lanes_ > 1 && pairs >= lanes_; pairs -= lanes_) {
      run_lanes({.key = key_.data(),
                 .input = in,
                 .blocks = 1,
                 .counter = 0,
                 .counts = false,
                 .flags = mode_ | kBlake3Parent,
                 .first_flags = 0,
                 .last_flags = 0,
                 .out = out});
      in += lanes_ * 2 * kNode;
      out += lanes_ * kNode;
    }
    for (; pairs > 0; --pairs, in += 2 * kNode, out += kNode)
      parent(in, 0, out);
    if (count % 2 == 1) std::memmove(out, in, kNode);
    return (count + 1) / 2;
  }

  const Blake3Key& key_;
  const std::uint32_t mode_;
  const std::size_t lanes_;
};

}  // namespace

Blake3Key blake3_key(BytesView key) {
  LATEEN_ASSERT(key.size() == 32, "BLAKE3's keys have 32 bytes");
  Blake3Key words;
  std::memcpy(words.data(), key.data(), key.size());
  return words;
}

std::size_t blake3_lanes() {
  if (cpu_features().avx512) return 16;
  return cpu_features().avx2 ? 8 : 1;
}

HashBytes blake3_derive(BytesView context, BytesView material) {
  Blake3Key iv;
  std::copy(std::begin(kBlake3Iv), std::end(kBlake3Iv), iv.begin());
  const HashBytes middle = Tree(iv, kBlake3DeriveContext, 1).hash(context);
  const Blake3Key key = blake3_key({reinterpret_cast<const char*>(middle.data()), middle.size()});
  return Tree(key, kBlake3DeriveMaterial, 1).hash(material);
}

HashBytes blake3_keyed(const Blake3Key& key, BytesView data) {
  return blake3_keyed(key, data, blake3_lanes());
}

HashBytes blake3_keyed(const Blake3Key& key, BytesView data, std::size_t lanes) {
  return Tree(key, kBlake3Keyed, lanes).hash(data);
}

}  // namespace lateen::repository
