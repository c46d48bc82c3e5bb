// Where time goes, as spans in OpenTelemetry's sense: a tree for each backup and each restore.
//
//   const Trace trace = Trace::of_object(tracer, backup.metadata.uid);
//   Span span = trace.span("rank", {{"lateen.rank", 3}});
//   … Span inner = span.trace().span("resource", {{"k8s.resource.name", "pods"}}) …
//
// The trace of an object is the 128 bits of its UID, so that whoever has the object finds its
// trace, and the parts of its work that other processes do, or later ones, are of the same tree.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"

namespace lateen {

// A span that has ended.
struct SpanRecord {
  std::string trace_id = {};   // 32 hexadecimal digits, as W3C's Trace Context has them
  std::string span_id = {};    // 16
  std::string parent_id = {};  // 16, or none
  std::string name = {};
  TimePoint start = {};
  TimePoint end = {};
  std::vector<LogField> attributes = {};
  std::string error = {};  // why it failed; empty: it did not
};

// Where spans go. Never waits: what it has no room for is lost. Implementations are thread-safe.
class SpanSink {
 public:
  SpanSink() = default;
  SpanSink(const SpanSink&) = delete;
  SpanSink& operator=(const SpanSink&) = delete;
  virtual ~SpanSink() = default;
  virtual void ended(SpanRecord record) = 0;
};

// What spans are made with; outlives them. A sink of null: nothing is recorded, and nothing costs.
struct Tracer {
  std::shared_ptr<SpanSink> sink = {};
  const Clock* clock = nullptr;
  Rng* rng = nullptr;

  bool is_on() const { return sink != nullptr; }
};

class Span;

// A place in a tree, where spans can be hung. Immutable.
class Trace {
 public:
  // Records nothing.
  Trace() = default;

  // Below the root span of this object.
  static Trace of_object(const Tracer& tracer, std::string_view uid);

  // "" when nothing is recorded.
  const std::string& id() const { return trace_id_; }

  Span span(std::string_view name, std::initializer_list<LogField> attributes = {}) const;

  // One whose times are known only afterwards.
  void note(SpanRecord record) const;

  // The root itself, once the object has come to its end.
  void note_root(SpanRecord record) const;

 private:
  friend class Span;

  Tracer tracer_ = {};
  std::string trace_id_ = {};
  std::string parent_id_ = {};
};

// Ends when it goes. Not thread-safe.
class Span {
 public:
  Span(const Trace& parent, std::string_view name, std::initializer_list<LogField> attributes);
  Span(Span&& other) noexcept;
  Span& operator=(Span&&) = delete;
  ~Span();

  // Where its own parts hang.
  const Trace& trace() const { return below_; }

  void set(LogField attribute);

  // Of several the first. A success is passed over.
  void fail(const Error& error);
  void note(const Status& done);

 private:
  Trace below_;
  SpanRecord record_;
};

}  // namespace lateen
