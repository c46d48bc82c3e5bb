#include "sandbox/faults/faulty_exchange.h"

#include <algorithm>

#include "sandbox/api/served_bytes.h"

namespace lateen::sandbox {

namespace {

// Where the first `lines` lines of the text end.
std::size_t end_of_lines(BytesView text, std::uint64_t lines) {
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < lines; ++i)
    at = text.find('\n', at) + 1;
  return at;
}

}  // namespace

FaultyExchange::FaultyExchange(net::ServerExchange& inner, ExchangePlan plan, std::stop_source drop)
    : inner_(inner),
      plan_(std::move(plan)),
      drop_(std::move(drop)),
      on_inner_stop_(inner.stop(), [this] { drop_.request_stop(); }) {
  if (!plan_.lifetime) return;
  changed_ = inner_.request();
  changed_->query.set("timeoutSeconds", std::to_string(plan_.lifetime->count()));
}

Status FaultyExchange::cut() {
  ended_ = true;
  inner_.abort();
  return Error(Code::Unavailable, "the connection is cut, as was asked for");
}

Status FaultyExchange::respond(net::HttpResponse response) {
  if (!plan_.cut || *plan_.cut == ResetTime::Before) return inner_.respond(std::move(response));
  if (*plan_.cut == ResetTime::During && response.body.size() > 1) {
    TRY(inner_.begin_stream(response.status, std::move(response.headers)));
    TRY(inner_.write(BytesView(response.body).substr(0, response.body.size() / 2)));
  }
  return cut();
}

Status FaultyExchange::begin_stream(int status, net::Headers headers) {
  if (plan_.cut == ResetTime::After) return cut();
  return inner_.begin_stream(status, std::move(headers));
}

Status FaultyExchange::write(BytesView bytes) {
  if (ended_) return Error(Code::Unavailable, "the connection was cut");
  if (plan_.cut == ResetTime::During) return cut();
  if (!plan_.events) return inner_.write(bytes);
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
  const std::uint64_t left = *plan_.events - written_;
  if (lines > left) return end_events(bytes.substr(0, end_of_lines(bytes, left)));
  written_ += lines;
  return inner_.write(bytes);
}

// What is still seen, and then the watch's bad end.
Status FaultyExchange::end_events(BytesView before) {
  TRY(inner_.write(before));
  if (!plan_.gone) return cut();
  ended_ = true;
  const ApiError error = expired("too old resource version");
  TRY(inner_.write(watch_line("ERROR", write_json_unsorted(error.to_status()))));
  TRY(inner_.finish());
  return Error(Code::Gone, "the watch has ended, as was asked for");
}

Status FaultyExchange::finish() {
  if (ended_) return Error(Code::Unavailable, "the connection was cut");
  const bool dropped = drop_.stop_requested() && !inner_.stop().stop_requested();
  if (dropped || plan_.lifetime) return cut();
  return inner_.finish();
}

}  // namespace lateen::sandbox
