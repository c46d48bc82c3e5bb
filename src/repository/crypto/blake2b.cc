#include "repository/crypto/blake2b.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "base/result.h"
#include "repository/crypto/blake2b_lanes.h"
#include "repository/crypto/blake_rounds.h"
#include "repository/crypto/simd.h"

namespace lateen::repository {

namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

std::uint64_t load64(const std::uint8_t* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

HashBytes digest_of(const std::uint64_t h[8]) {
  HashBytes out;
  std::memcpy(out.data(), h, out.size());
  return out;
}

const std::uint8_t* bytes_of(BytesView data) {
  return reinterpret_cast<const std::uint8_t*>(data.data());
}

// How many blocks come before the message's last one, which may be short.
std::size_t blocks_before_last(BytesView data) {
  return data.empty() ? 0 : (data.size() - 1) / kBlake2bBlock;
}

}  // namespace

void blake2b_block(std::uint64_t h[8],
                   const std::uint8_t* block,
                   std::uint64_t counter,
                   std::uint64_t last) {
  std::uint64_t m[16];
  for (std::size_t i = 0; i < 16; ++i)
    m[i] = load64(block + 8 * i);
  std::uint64_t v[16];
  for (std::size_t i = 0; i < 8; ++i) {
    v[i] = h[i];
    v[i + 8] = kBlake2bIv[i];
  }
  v[12] ^= counter;
  v[14] ^= last;
  blake_rounds<kBlakeTurns64>(v, m, kBlake2bSigma);
  for (std::size_t i = 0; i < 8; ++i)
    h[i] ^= v[i] ^ v[i + 8];
}

Blake2bKeyed::Blake2bKeyed(BytesView key, std::size_t digest_size) {
  LATEEN_ASSERT(!key.empty() && key.size() <= 64, "BLAKE2b's keys have 1 to 64 bytes");
  LATEEN_ASSERT(digest_size > 0 && digest_size <= kMaxHashSize, "a digest that fits HashBytes");
  for (std::size_t i = 0; i < 8; ++i)
    keyed_[i] = kBlake2bIv[i];
  keyed_[0] ^= 0x01010000U ^ (key.size() << 8) ^ digest_size;
  std::uint8_t block[kBlake2bBlock] = {};
  std::memcpy(block, key.data(), key.size());
  auto last = keyed_;
  blake2b_block(last.data(), block, kBlake2bBlock, kLast);
  empty_ = digest_of(last.data());
  blake2b_block(keyed_.data(), block, kBlake2bBlock, 0);
}

HashBytes Blake2bKeyed::hash(BytesView data) const {
  if (data.empty()) return empty_;
  auto h = keyed_;
  std::uint64_t counter = kBlake2bBlock;
  const std::uint8_t* at = bytes_of(data);
  for (std::size_t n = blocks_before_last(data); n > 0; --n) {
    counter += kBlake2bBlock;
    blake2b_block(h.data(), at, counter, 0);
    at += kBlake2bBlock;
  }
  const std::size_t rest = data.size() - static_cast<std::size_t>(at - bytes_of(data));
  std::uint8_t block[kBlake2bBlock] = {};
  std::memcpy(block, at, rest);
  blake2b_block(h.data(), block, counter + rest, kLast);
  return digest_of(h.data());
}

std::size_t Blake2bKeyed::lanes() {
  if (cpu_features().avx512) return 8;
  return cpu_features().avx2 ? 4 : 1;
}

void Blake2bKeyed::hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const {
  // Half-empty registers take as long as full ones.
  hash_many(data, out, data.size() <= 4 ? std::min<std::size_t>(4, lanes()) : lanes());
}

namespace {

// Feeds the lanes: each holds one message, and takes the next when it has finished. A lane without
// a message hashes zeros that nobody looks at.
class LaneFeeder {
 public:
  LaneFeeder(const std::array<std::uint64_t, 8>& keyed,
             std::span<const BytesView> data,
             std::span<HashBytes> out,
             std::size_t count)
      : keyed_(keyed), data_(data), out_(out), count_(count), order_(data.size()) {
    std::iota(order_.begin(), order_.end(), 0U);
    // Long ones first: the lanes then end at about the same time.
    std::stable_sort(order_.begin(), order_.end(), [&data](std::size_t a, std::size_t b) {
      return data[a].size() > data[b].size();
    });
    while (!order_.empty() && data[order_.back()].empty())
      order_.pop_back();
    for (std::size_t lane = 0; lane < kBlake2bMaxLanes; ++lane) {
      idle(lane);
      if (lane < count_) take_next(lane);
    }
  }

  void run() {
    while (busy_ > 0) {
      std::size_t blocks = kIdle;
      for (std::size_t lane = 0; lane < count_; ++lane)
        blocks = std::min(blocks, before_last_[lane]);
      if (blocks > 0) advance(blocks);
      finish_some();
    }
  }

 private:
  static constexpr std::size_t kIdle = std::numeric_limits<std::size_t>::max();

  void idle(std::size_t lane) {
    before_last_[lane] = kIdle;
    lanes_.at[lane] = zeros_;
    lanes_.step[lane] = 0;
    lanes_.last[lane] = 0;
  }

  void take_next(std::size_t lane) {
    if (next_ == order_.size()) return idle(lane);
    message_[lane] = order_[next_++];
    const BytesView data = data_[message_[lane]];
    before_last_[lane] = blocks_before_last(data);
    for (std::size_t w = 0; w < 8; ++w)
      lanes_.h[w * kBlake2bMaxLanes + lane] = keyed_[w];
    lanes_.at[lane] = bytes_of(data);
    lanes_.counter[lane] = kBlake2bBlock;
    lanes_.step[lane] = kBlake2bBlock;
    lanes_.last[lane] = 0;
    ++busy_;
  }

  void call(std::size_t blocks) {
    if (count_ == 8) {
      blake2b_blocks_avx512(lanes_, blocks);
    } else if (cpu_features().avx512) {
      blake2b_four_avx512(lanes_, blocks);
    } else {
      blake2b_blocks_avx2(lanes_, blocks);
    }
  }

  // All lanes, none of them at its last block. Idle ones stay where they are: in pieces that the
  // zeros suffice for.
  void advance(std::size_t blocks) {
    while (blocks > 0) {
      const bool any_idle = busy_ < count_;
      const std::size_t now = any_idle ? std::min(blocks, kZeroBlocks) : blocks;
      call(now);
      for (std::size_t lane = 0; lane < count_; ++lane) {
        if (before_last_[lane] == kIdle) {
          lanes_.at[lane] = zeros_;
        } else {
          before_last_[lane] -= now;
        }
      }
      blocks -= now;
    }
  }

  // One block: the last one of the lanes that are there, an ordinary one of the others.
  void finish_some() {
    bool ends[kBlake2bMaxLanes] = {};
    for (std::size_t lane = 0; lane < count_; ++lane) {
      if (before_last_[lane] != 0) continue;
      ends[lane] = true;
      const BytesView data = data_[message_[lane]];
      const std::size_t done = blocks_before_last(data) * kBlake2bBlock;
      std::memset(tail_[lane], 0, kBlake2bBlock);
      std::memcpy(tail_[lane], data.data() + done, data.size() - done);
      lanes_.at[lane] = tail_[lane];
      lanes_.step[lane] = data.size() - done;
      lanes_.last[lane] = kLast;
    }
    call(1);
    for (std::size_t lane = 0; lane < count_; ++lane) {
      if (ends[lane]) {
        std::uint64_t h[8];
        for (std::size_t w = 0; w < 8; ++w)
          h[w] = lanes_.h[w * kBlake2bMaxLanes + lane];
        out_[message_[lane]] = digest_of(h);
        --busy_;
        take_next(lane);
      } else if (before_last_[lane] == kIdle) {
        lanes_.at[lane] = zeros_;
      } else {
        --before_last_[lane];
      }
    }
  }

  static constexpr std::size_t kZeroBlocks = 16;

  const std::array<std::uint64_t, 8>& keyed_;
  const std::span<const BytesView> data_;
  const std::span<HashBytes> out_;
  const std::size_t count_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  std::size_t busy_ = 0;
  Blake2bLanes lanes_{};
  std::size_t message_[kBlake2bMaxLanes] = {};
  std::size_t before_last_[kBlake2bMaxLanes] = {};
  std::uint8_t tail_[kBlake2bMaxLanes][kBlake2bBlock] = {};
  std::uint8_t zeros_[(kZeroBlocks + 1) * kBlake2bBlock] = {};
};

}  // namespace

void Blake2bKeyed::hash_many(std::span<const BytesView> data,
                             std::span<HashBytes> out,
                             std::size_t lanes) const {
  if (lanes == 1 || data.size() < 2) {
    for (std::size_t i = 0; i < data.size(); ++i)
      out[i] = hash(data[i]);
    return;
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i].empty()) out[i] = empty_;
  }
  LaneFeeder(keyed_, data, out, lanes).run();
}

}  // namespace lateen::repository
