#include "base/trace.h"

#include <array>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/hash.h"

namespace lateen {
namespace {

constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kSpanDigits = 16;

// A UUID's digits; of any other text its hash.
std::string trace_id_of(std::string_view uid) {
  std::string digits;
  for (const char c : uid) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) digits += c;
  }
  const bool is_null = digits.find_first_not_of('0') == std::string::npos;
  if (digits.size() == kTraceDigits && !is_null) return digits;
  return sha256_hex(uid).substr(0, kTraceDigits);
}

// The same in every process that works for the object.
std::string root_span_of(std::string_view trace_id) {
  return sha256_hex(trace_id).substr(0, kSpanDigits);
}

std::string new_span_id(Rng& rng) {
  std::array<std::byte, kSpanDigits / 2> bytes{};
  rng.fill(bytes);
  return hex_encode(BytesView(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

Trace Trace::of_object(const Tracer& tracer, std::string_view uid) {
  Trace trace;
  if (!tracer.is_on()) return trace;
  trace.tracer_ = tracer;
  trace.trace_id_ = trace_id_of(uid);
  trace.parent_id_ = root_span_of(trace.trace_id_);
  return trace;
}

Span Trace::span(std::string_view name, std::initializer_list<LogField> attributes) const {
  return Span(*this, name, attributes);
}

void Trace::note(SpanRecord record) const {
  if (!tracer_.is_on()) return;
  record.trace_id = trace_id_;
  record.span_id = new_span_id(*tracer_.rng);
  record.parent_id = parent_id_;
  tracer_.sink->ended(std::move(record));
}

void Trace::note_root(SpanRecord record) const {
  if (!tracer_.is_on()) return;
  record.trace_id = trace_id_;
  record.span_id = root_span_of(trace_id_);
  tracer_.sink->ended(std::move(record));
}

Span::Span(const Trace& parent, std::string_view name, std::initializer_list<LogField> attributes) {
  if (!parent.tracer_.is_on()) return;
  below_ = parent;
  below_.parent_id_ = new_span_id(*parent.tracer_.rng);
  record_.trace_id = parent.trace_id_;
  record_.span_id = below_.parent_id_;
  record_.parent_id = parent.parent_id_;
  record_.name = name;
  record_.attributes = attributes;
  record_.start = parent.tracer_.clock->now();
}

Span::Span(Span&& other) noexcept
    : below_(std::exchange(other.below_, Trace())), record_(std::move(other.record_)) {}

Span::~Span() {
  const Tracer& tracer = below_.tracer_;
  if (!tracer.is_on()) return;
  record_.end = tracer.clock->now();
  tracer.sink->ended(std::move(record_));
}

void Span::set(LogField attribute) {
  if (below_.tracer_.is_on()) record_.attributes.push_back(std::move(attribute));
}

void Span::fail(const Error& error) {
  if (below_.tracer_.is_on() && record_.error.empty()) record_.error = error.message();
}

void Span::note(const Status& done) {
  if (!done) fail(done.error());
}

}  // namespace lateen
