#include "archive/member_pipeline.h"

#include <algorithm>

#include "base/gzip.h"

namespace lateen::archive {

namespace {

// What a large object took is given back.
constexpr ByteCount kMaxSpare = 512_KiB;

}  // namespace

MemberPipeline::MemberPipeline(std::size_t threads, Write write)
    : write_(std::move(write)),
      max_spare_(2 * threads + 2),
      to_compress_(2 * threads + 2),
      in_order_(2 * threads + 2) {
  threads_.emplace_back([this](std::stop_token stop) { write_all_in_order(std::move(stop)); });
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    threads_.emplace_back([this](std::stop_token stop) { compress_all(std::move(stop)); });
  }
}

MemberPipeline::~MemberPipeline() {
  for (std::jthread& thread : threads_)
    thread.request_stop();
}

Status MemberPipeline::push(std::shared_ptr<Member> member, std::stop_token stop) {
  auto slot = std::make_shared<Slot>();
  slot->member = std::move(member);
  slot->packed = slot->member->same != nullptr;
  const bool repeated = slot->packed;
  if (!in_order_.push(slot, stop)) return failure_or_canceled();
  // As bounded as in_order_; the compressors empty it whatever happens behind them.
  if (!repeated && !to_compress_.push(std::move(slot), stop)) return failure_or_canceled();
  return {};
}

Status MemberPipeline::finish(std::stop_token stop) {
  in_order_.close();
  to_compress_.close();
  const Lock lock(mu_);
  const bool ended = changed_.wait(
      mu_, Deadline::never(), stop,
      [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return all_written_ || failure_.has_value(); });
  if (failure_) return *failure_;
  if (!ended) return Error(Code::Canceled, "writing the tarball was stopped");
  return {};
}

Error MemberPipeline::failure_or_canceled() {
  const Lock lock(mu_);
  if (failure_) return *failure_;
  return {Code::Canceled, "writing the tarball was stopped"};
}

void MemberPipeline::compress_all(std::stop_token stop) {
  GzipCompressor compressor;
  while (auto slot = to_compress_.pop(stop)) {
    Member& member = *(*slot)->member;
    member.packed = compressor.member(member.raw);
    member.unpacked_size = member.raw.size();
    Bytes room = std::exchange(member.raw, Bytes());
    const Lock lock(mu_);
    keep_room(std::move(room));
    (*slot)->packed = true;
    changed_.notify_all();
  }
}

void MemberPipeline::keep_room(Bytes room) {
  if (room.capacity() > kMaxSpare || spare_.size() >= max_spare_) return;
  room.clear();
  spare_.push_back(std::move(room));
}

Bytes MemberPipeline::spare_room() {
  const Lock lock(mu_);
  if (spare_.empty()) return {};
  Bytes room = std::move(spare_.back());
  spare_.pop_back();
  return room;
}

Status MemberPipeline::wait_and_write(const std::shared_ptr<Slot>& slot, std::stop_token stop) {
  {
    const Lock lock(mu_);
    const bool packed = changed_.wait(mu_, Deadline::never(), stop, [&] { return slot->packed; });
    if (!packed) return Error(Code::Canceled, "writing the tarball was stopped");
  }
  return write_(*slot->member);
}

void MemberPipeline::write_all_in_order(std::stop_token stop) {
  while (auto slot = in_order_.pop(stop)) {
    Status written = wait_and_write(*slot, stop);
    if (written) continue;
    {
      const Lock lock(mu_);
      failure_ = std::move(written).error();
      changed_.notify_all();
    }
    // Wakes who waits for room.
    in_order_.close();
    to_compress_.close();
    return;
  }
  const Lock lock(mu_);
  all_written_ = !stop.stop_requested();
  changed_.notify_all();
}

}  // namespace lateen::archive
