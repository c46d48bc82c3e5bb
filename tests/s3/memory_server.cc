#include "s3/memory_server.h"

#include <algorithm>
#include <ctime>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "net/aws/xml.h"
#include "net/url.h"

namespace lateen::objects::s3 {
namespace {

using net::HttpResponse;
using net::aws::escape_xml;

HttpResponse refuse(int status, std::string_view code) {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = fmt::format("<?xml version='1.0'?><Error><Code>{0}</Code><Message>{0}</Message>"
                              "</Error>",
                              code)};
}

std::string time_text(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text = {};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

// "bytes=3-7"; the end beyond the last byte. Nothing where it begins behind the object's end.
std::optional<std::pair<std::size_t, std::size_t>> range_of(std::string_view header,
                                                            std::size_t size) {
  const Cut ends = cut(header.substr(std::min<std::size_t>(6, header.size())), "-");
  const auto from = static_cast<std::size_t>(parse_int(ends.before).value_or(0));
  const auto last = parse_int(ends.after);
  if (from >= size) return std::nullopt;
  const std::size_t end = last ? std::min(static_cast<std::size_t>(*last) + 1, size) : size;
  return std::pair(from, end);
}

}  // namespace

HttpResponse MemoryBuckets::list(const Bucket& bucket, const net::QueryValues& query) {
  const std::string_view prefix = query.get("prefix");
  const std::string_view delimiter = query.get("delimiter");
  const std::string after(std::max(query.get("start-after"), query.get("continuation-token")));
  const auto most = static_cast<std::size_t>(parse_int(query.get("max-keys")).value_or(1000));
  std::string found;
  std::string last;
  std::size_t count = 0;
  auto at = std::max(after, std::string(prefix)) == after && !after.empty()
                ? bucket.upper_bound(after)
                : bucket.lower_bound(prefix);
  for (; at != bucket.end() && at->first.starts_with(prefix) && count < most; ++count) {
    const std::size_t end =
        delimiter.empty() ? std::string::npos : at->first.find(delimiter, prefix.size());
    if (end == std::string::npos) {
      last = at->first;
      found += fmt::format(
          "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified></Contents>",
          percent_encode(at->first), at->second.bytes.size(), time_text("%Y-%m-%dT%H:%M:%S.000Z"));
      ++at;
      continue;
    }
    const std::string folder = at->first.substr(0, end + 1);
    last = folder + "\xff";
    found += "<CommonPrefixes><Prefix>" + percent_encode(folder) + "</Prefix></CommonPrefixes>";
    at = bucket.lower_bound(last);
  }
  const bool more = at != bucket.end() && at->first.starts_with(prefix);
  return {.headers = {{"Content-Type", "application/xml"}},
          .body = fmt::format("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{}"
                              "</IsTruncated><NextContinuationToken>{}</NextContinuationToken>{}"
                              "</ListBucketResult>",
                              more, more ? escape_xml(last) : "", found)};
}

HttpResponse MemoryBuckets::get(const Bucket& bucket,
                                const std::string& key,
                                const net::ServerRequest& request) {
  const auto found = bucket.find(key);
  if (found == bucket.end()) return refuse(404, "NoSuchKey");
  const Object& object = found->second;
  const std::string_view wanted = request.headers.get("If-Match");
  if (!wanted.empty() && wanted != object.kept.get("ETag"))
    return refuse(412, "PreconditionFailed");
  const std::string_view range = request.headers.get("Range");
  if (range.empty()) return {.headers = object.kept, .body = object.bytes};
  const auto part = range_of(range, object.bytes.size());
  if (!part) return refuse(416, "InvalidRange");
  HttpResponse answer{.status = 206, .headers = object.kept};
  for (const auto& [name, value] : object.kept) {
    if (name.starts_with("x-amz-checksum")) answer.headers.remove(name);
  }
  answer.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", part->first, part->second - 1,
                                                  object.bytes.size()));
  answer.body = object.bytes.substr(part->first, part->second - part->first);
  return answer;
}

HttpResponse MemoryBuckets::put(Bucket& bucket,
                                const std::string& key,
                                const net::ServerRequest& request) {
  if (request.headers.contains("If-None-Match") && bucket.contains(key))
    return refuse(412, "PreconditionFailed");
  Object object{.bytes = request.body};
  object.kept.set("ETag", fmt::format("\"{}\"", ++writes_));
  object.kept.set("Last-Modified", time_text("%a, %d %b %Y %H:%M:%S GMT"));
  for (const auto& [name, value] : request.headers) {
    if (to_lower(name).starts_with("x-amz-checksum-")) object.kept.set(to_lower(name), value);
  }
  HttpResponse answer;
  answer.headers.set("ETag", object.kept.get("ETag"));
  bucket.insert_or_assign(key, std::move(object));
  return answer;
}

HttpResponse MemoryBuckets::remove_all(Bucket& bucket, BytesView document) {
  const auto parsed = net::aws::parse_xml(document);
  if (!parsed) return refuse(400, "MalformedXML");
  for (const net::aws::XmlElement* one : parsed->all("Object"))
    bucket.erase(std::string(one->text_of("Key")));
  return {.headers = {{"Content-Type", "application/xml"}},
          .body = "<DeleteResult></DeleteResult>"};
}

// "/bucket" or "/bucket/key".
HttpResponse MemoryBuckets::answer(const net::ServerRequest& request) {
  const Cut path = cut(std::string_view(request.path).substr(1), "/");
  const auto key = percent_decode(path.after);
  if (!key) return refuse(400, "InvalidURI");
  const Lock lock(mu_);
  const std::string& method = request.method;
  if (key->empty() && method == "PUT") buckets_[std::string(path.before)];
  const auto bucket = buckets_.find(path.before);
  if (bucket == buckets_.end()) return refuse(404, "NoSuchBucket");
  if (key->empty() && method == "PUT") return {};
  if (key->empty() && method == "GET" && request.query.contains("list-type"))
    return list(bucket->second, request.query);
  if (key->empty() && method == "POST" && request.query.contains("delete"))
    return remove_all(bucket->second, request.body);
  if (key->empty() || request.query.contains("uploads") || request.query.contains("uploadId"))
    return refuse(501, "NotImplemented");
  if (method == "PUT") return put(bucket->second, *key, request);
  if (method == "GET" || method == "HEAD") return get(bucket->second, *key, request);
  if (method != "DELETE") return refuse(501, "NotImplemented");
  bucket->second.erase(*key);
  return {.status = 204};
}

Result<std::unique_ptr<MemoryWay>> MemoryWay::open(MemoryBuckets& buckets) {
  auto way = std::make_unique<MemoryWay>(buckets);
  way->server_ = TRY(net::HttpServer::start({.max_body = 64_MiB}, *way));
  way->url_ = way->server_->url();
  return way;
}

Status MemoryWay::spoil(std::string_view text) {
  const Json order = TRY(parse_json(text));
  const JsonArray* const given = array_at(order, "rules");
  if (given == nullptr) return Error(Code::InvalidArgument, "no rules");
  std::vector<Rule> rules;
  for (const Json& one : *given) {
    const std::int64_t times = int_at(one, "times").value_or(1);
    rules.push_back({.skip = int_at(one, "skip").value_or(0),
                     .left = times,
                     .always = times == 0,
                     .what = std::string(string_at(one, "do"))});
    constexpr std::array kKnown = {"500", "503", "reset", "lost", "truncate", "flip"};
    if (std::ranges::find(kKnown, std::string_view(rules.back().what)) == kKnown.end())
      return Error(Code::InvalidArgument, "{} is no fault here", rules.back().what);
  }
  const Lock lock(mu_);
  rules_ = std::move(rules);
  return {};
}

std::string MemoryWay::next_fault() {
  const Lock lock(mu_);
  for (Rule& rule : rules_) {
    if (rule.skip > 0) {
      --rule.skip;
    } else if (rule.always || rule.left-- > 0) {
      return rule.what;
    }
  }
  return {};
}

// Whether the peer hears its answer is what it is about: errors of answering say no more.
void MemoryWay::serve(net::ServerExchange& exchange) {
  const std::string fault = next_fault();
  if (fault == "reset") return exchange.abort();
  if (fault == "500" || fault == "503") {
    (void)exchange.respond(refuse(fault == "500" ? 500 : 503,
                                  fault == "500" ? "InternalError" : "ServiceUnavailable"));
    return;
  }
  HttpResponse answer = buckets_.answer(exchange.request());
  if (fault == "lost" || (fault == "truncate" && answer.body.size() < 2)) return exchange.abort();
  if (fault == "flip" && !answer.body.empty())
    answer.body.front() = static_cast<char>(answer.body.front() ^ 1);
  if (fault != "truncate") {
    (void)exchange.respond(std::move(answer));
    return;
  }
  answer.headers.set("Content-Length", std::to_string(answer.body.size()));
  (void)exchange.begin_stream(answer.status, answer.headers);
  (void)exchange.write(BytesView(answer.body).substr(0, answer.body.size() / 2));
  exchange.abort();
}

}  // namespace lateen::objects::s3
