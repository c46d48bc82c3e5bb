#include "objects/s3/upload.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "net/aws/xml.h"
#include "net/retry.h"
#include "objects/s3/checksum.h"

namespace lateen::objects::s3 {
namespace {

using net::aws::XmlElement;

constexpr std::size_t kPartsOfOneSize = 1000;
constexpr std::size_t kMostParts = 10'000;

// As AWS' own clients send it: S3 takes the value alone, some that speak like it want the name.
void add_checksum(net::Headers& headers, Checksum kind, std::string_view base64) {
  if (kind == Checksum::None) return;
  headers.set("x-amz-sdk-checksum-algorithm", checksum_name(kind));
  headers.set(checksum_header(kind), base64);
}

// S3 refuses a locked object without a digest of its body.
void add_digest(const S3Client& client, net::Headers& headers, BytesView body) {
  const WriteOptions& write = client.config().write;
  add_checksum(headers, write.checksum, checksum_base64(write.checksum, body));
  if (write.checksum != Checksum::None) return;
  if (!write.object_lock_mode.empty() || write.legal_hold) {
    headers.set("Content-MD5", md5_base64(body));
  }
}

// Where the digest of an uploaded part is, for the document that completes the upload.
std::string part_xml(std::size_t number,
                     std::string_view etag,
                     Checksum kind,
                     std::string_view checksum) {
  std::string xml = fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag>", number,
                                net::aws::escape_xml(etag));
  if (!checksum.empty()) {
    const std::string element = checksum_element(kind);
    xml += fmt::format("<{}>{}</{}>", element, checksum, element);
  }
  return xml + "</Part>";
}

}  // namespace

ByteCount part_size_of(std::size_t number, ByteCount first) {
  constexpr ByteCount kLargest = 5_GiB;
  const std::size_t doublings = (number - 1) / kPartsOfOneSize;
  return std::min(first << doublings, kLargest);
}

net::Headers write_headers(const S3Client& client) {
  const WriteOptions& write = client.config().write;
  net::Headers headers;
  const auto set = [&headers](std::string_view name, std::string_view value) {
    if (!value.empty()) headers.set(name, value);
  };
  if (client.config().customer_key.empty()) {
    set("x-amz-server-side-encryption", write.server_side_encryption);
    set("x-amz-server-side-encryption-aws-kms-key-id", write.kms_key_id);
    if (write.bucket_key) set("x-amz-server-side-encryption-bucket-key-enabled", "true");
  }
  client.add_customer_key(headers);
  set("x-amz-tagging", write.tagging);
  set("x-amz-storage-class", write.storage_class);
  if (!write.object_lock_mode.empty()) {
    set("x-amz-object-lock-mode", write.object_lock_mode);
    set("x-amz-object-lock-retain-until-date",
        format_rfc3339(client.config().clock->now() + write.object_lock_retention));
  }
  if (write.legal_hold) set("x-amz-object-lock-legal-hold", "ON");
  return headers;
}

Status put_object(S3Client& client, std::string key, Bytes body, std::stop_token stop) {
  S3Call call{.permission = "s3:PutObject",
              .method = "PUT",
              .key = std::move(key),
              .headers = write_headers(client),
              .body = std::move(body)};
  add_digest(client, call.headers, call.body);
  TRY(client.send(call, std::move(stop)));
  return {};
}

Status put_object_if_absent(S3Client& client, std::string key, Bytes body, std::stop_token stop) {
  net::aws::ServiceFault fault;
  S3Call call{.permission = "s3:PutObject",
              .method = "PUT",
              .key = std::move(key),
              .headers = write_headers(client),
              .body = std::move(body),
              .fault = &fault};
  call.headers.set("If-None-Match", "*");
  add_digest(client, call.headers, call.body);
  const auto put = client.send(call, std::move(stop));
  if (put) return {};
  constexpr int kPreconditionFailed = 412;
  constexpr int kBadRequest = 400;
  constexpr int kNotImplemented = 501;
  // Of two in the same moment one may hear of a conflict instead.
  if (fault.status == kPreconditionFailed || fault.code == "ConditionalRequestConflict")
    return Error(Code::AlreadyExists, "{} is there already", client.name_of(call.key));
  if (fault.status == kNotImplemented || fault.status == kBadRequest)
    return Error(Code::Unsupported, "{}", put.error().message());
  return put.error();
}

S3Upload::S3Upload(S3Client& client, std::string key, std::stop_token stop)
    : client_(client), key_(std::move(key)), stop_(std::move(stop)) {
  on_stop_.emplace(stop_, [this] { halt_.request_stop(); });
}

S3Upload::~S3Upload() {
  abort();
}

Status S3Upload::failed() {
  const Lock lock(mu_);
  if (failure_) return *failure_;
  if (stop_.stop_requested()) {
    return Error(Code::Canceled, "writing {} was stopped", client_.name_of(key_));
  }
  if (done_) return Error(Code::Internal, "{} is written to after its end", client_.name_of(key_));
  return {};
}

Status S3Upload::write(BytesView bytes) {
  TRY(failed());
  while (!bytes.empty()) {
    const ByteCount size = part_size_of(next_number_, client_.config().part_size);
    const auto count =
        static_cast<std::size_t>(std::min<ByteCount>(bytes.size(), size - filling_.size()));
    if (filling_.capacity() < filling_.size() + count) {
      // Grows as small objects need it, and at once to the whole part for larger ones.
      constexpr std::size_t kSmall = 256_KiB;
      filling_.reserve(filling_.size() + count <= kSmall ? kSmall : static_cast<std::size_t>(size));
    }
    filling_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    total_ += count;
    if (filling_.size() == size) TRY(hand_over());
  }
  return {};
}

// Gives the filled part to the senders, when there is room for it in flight.
Status S3Upload::hand_over() {
  if (upload_id_.empty()) TRY(begin());
  if (next_number_ > kMostParts) {
    return Error(Code::Unsupported, "{} is larger than the 5 TiB that S3 takes",
                 client_.name_of(key_));
  }
  const ByteCount budget = client_.config().parallel * client_.config().part_size;
  Part part{.number = next_number_++, .bytes = std::move(filling_)};
  filling_.clear();
  const Lock lock(mu_);
  changed_.wait(mu_, Deadline::never(), stop_, [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return failure_ || in_flight_ == 0 || in_flight_ + part.bytes.size() <= budget;
  });
  if (failure_) return *failure_;
  if (stop_.stop_requested()) {
    return Error(Code::Canceled, "writing {} was stopped", client_.name_of(key_));
  }
  in_flight_ += part.bytes.size();
  sent_.resize(part.number);
  waiting_.push_back(std::move(part));
  if (!spare_.empty()) {
    filling_ = std::move(spare_.back());
    spare_.pop_back();
    filling_.clear();
  }
  changed_.notify_all();
  return {};
}

Status S3Upload::begin() {
  const TimePoint since = client_.config().clock->now();
  int attempts = 0;
  S3Call call{.permission = "s3:PutObject",
              .method = "POST",
              .key = key_,
              .query = {{"uploads", ""}},
              .headers = write_headers(client_),
              .attempts = &attempts};
  const Checksum kind = client_.config().write.checksum;
  if (kind != Checksum::None) call.headers.set("x-amz-checksum-algorithm", checksum_name(kind));
  if (kind == Checksum::Crc64Nvme) call.headers.set("x-amz-checksum-type", "FULL_OBJECT");
  const net::HttpResponse answer = TRY(client_.send(call, stop_));
  const XmlElement document = TRY(
      net::aws::parse_xml(answer.body).wrap("beginning the upload of {}", client_.name_of(key_)));
  upload_id_ = document.text_of("UploadId");
  if (upload_id_.empty()) {
    return Error(Code::Corrupt, "beginning the upload of {}: the answer has no UploadId",
                 client_.name_of(key_));
  }
  if (attempts > 1) abort_lost_beginnings(since);
  for (std::size_t i = 0; i < client_.config().parallel; ++i) {
    senders_.emplace_back([this](const std::stop_token&) { send_parts(halt_.get_token()); });
  }
  return {};
}

// An answer that was lost on its way may have begun an upload that nobody knows: it would be paid
// for until a lifecycle rule finds it. Those of this key, begun since, and not ours, are ended.
void S3Upload::abort_lost_beginnings(TimePoint since) {
  S3Call list{.permission = "s3:ListBucketMultipartUploads",
              .query = {{"uploads", ""}, {"prefix", key_}}};
  const auto answer = client_.send(list, stop_);
  if (!answer) return;  // may not be allowed; nothing is lost but tidiness
  const auto document = net::aws::parse_xml(answer->body);
  if (!document) return;
  constexpr std::chrono::seconds kClocksDiffer{2};
  for (const XmlElement* const found : document->all("Upload")) {
    const std::string id(found->text_of("UploadId"));
    const auto begun = parse_rfc3339(found->text_of("Initiated"));
    const bool ours = found->text_of("Key") == key_ && id != upload_id_ && begun &&
                      *begun >= since - kClocksDiffer;
    if (!ours) continue;
    S3Call abort{.permission = "s3:AbortMultipartUpload",
                 .method = "DELETE",
                 .key = key_,
                 .query = {{"uploadId", id}}};
    (void)client_.send(abort, stop_);  // as above
  }
}

void S3Upload::send_parts(const std::stop_token& stop) {
  for (;;) {
    std::optional<Part> part;
    {
      const Lock lock(mu_);
      changed_.wait(mu_, Deadline::never(), stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
        return no_more_ || failure_ || !waiting_.empty();
      });
      if (stop.stop_requested() || failure_ || waiting_.empty()) return;
      part = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const ByteCount size = part->bytes.size();
    Result<Sent> sent = send_part(*part, stop);
    const Lock lock(mu_);
    in_flight_ -= size;
    if (sent) {
      sent_[part->number - 1] = std::move(*sent);
      // A part of the sizes to come would not fit into it.
      if (size == client_.config().part_size) spare_.push_back(std::move(part->bytes));
    } else if (!failure_) {
      failure_ = std::move(sent).error();
      halt_.request_stop();
    }
    changed_.notify_all();
  }
}

Result<S3Upload::Sent> S3Upload::send_part(Part& part, std::stop_token stop) {
  S3Call call{.permission = "s3:PutObject",
              .method = "PUT",
              .key = key_,
              .query = {{"partNumber", fmt::to_string(part.number)}, {"uploadId", upload_id_}},
              .body = std::move(part.bytes)};
  client_.add_customer_key(call.headers);
  const Checksum kind = client_.config().write.checksum;
  Sent sent{.checksum = checksum_base64(kind, call.body)};
  add_checksum(call.headers, kind, sent.checksum);
  const net::HttpResponse answer = TRY(client_.send(call, std::move(stop)));
  sent.etag = answer.headers.get("ETag");
  part.bytes = std::move(call.body);
  if (!sent.etag.empty()) return sent;
  return Error(Code::Corrupt, "part {} of {}: the answer has no ETag", part.number,
               client_.name_of(key_));
}

Status S3Upload::wait_for_parts() {
  {
    const Lock lock(mu_);
    no_more_ = true;
    changed_.notify_all();
    changed_.wait(mu_, Deadline::never(), stop_, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
      return failure_ || in_flight_ == 0;
    });
  }
  return failed();
}

Status S3Upload::complete() {
  TRY(failed());
  if (upload_id_.empty()) {
    TRY(put_object(client_, key_, std::move(filling_), stop_));
    done_ = true;
    return {};
  }
  if (!filling_.empty()) TRY(hand_over());
  const Status sent = wait_for_parts();
  const Status finished = sent ? finish() : sent;
  if (finished) {
    done_ = true;
  } else {
    abort();
  }
  senders_.clear();
  return finished;
}

Status S3Upload::finish() {
  const TimePoint since = client_.config().clock->now();
  const Checksum kind = client_.config().write.checksum;
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  {
    const Lock lock(mu_);
    for (std::size_t i = 0; i < sent_.size(); ++i)
      body += part_xml(i + 1, sent_[i].etag, kind, sent_[i].checksum);
  }
  body += "</CompleteMultipartUpload>";
  int attempts = 0;
  net::aws::ServiceFault fault;
  S3Call call{.permission = "s3:PutObject",
              .method = "POST",
              .key = key_,
              .query = {{"uploadId", upload_id_}},
              .headers = {{"Content-Type", "application/xml"}},
              .body = std::move(body),
              .slow = true,
              .attempts = &attempts,
              .fault = &fault};
  client_.add_customer_key(call.headers);
  if (kind == Checksum::Crc64Nvme) call.headers.set("x-amz-checksum-type", "FULL_OBJECT");
  for (int tries = 1;; ++tries) {
    auto answer = client_.send(call, stop_);
    if (!answer) {
      // The answer to an attempt before may have been lost after it had worked; some servers then
      // know the upload no more, and some fail.
      const bool unknown = attempts > 1 || tries > 1;
      if (unknown && finished_all_the_same(since)) return {};
      return std::move(answer).error();
    }
    // S3 begins to answer 200 before it knows, and may end with an error.
    const auto document = net::aws::parse_xml(answer->body);
    if (!document || document->name != "Error") return {};
    net::HttpResponse refused{.status = 500, .body = answer->body};
    const Error error = error_of_fault(net::aws::read_fault(refused), client_.name_of(key_));
    if (!error.retryable() || tries >= client_.config().attempts || !client_.pause(tries, stop_)) {
      return error;
    }
  }
}

// What S3 calls an object that was put together of these parts; empty where that can't be said, as
// with keys of KMS or of a customer.
std::string S3Upload::expected_etag() {
  const Lock lock(mu_);
  Bytes digests;
  for (const Sent& part : sent_) {
    std::string_view etag = part.etag;
    if (etag.starts_with('"') && etag.ends_with('"') && etag.size() > 1) {
      etag = etag.substr(1, etag.size() - 2);
    }
    const auto digest = hex_decode(etag);
    constexpr std::size_t kMd5 = 16;
    if (!digest || digest->size() != kMd5) return {};
    digests += *digest;
  }
  const WriteOptions& write = client_.config().write;
  if (write.server_side_encryption.starts_with("aws:kms")) return {};
  if (!client_.config().customer_key.empty()) return {};
  return fmt::format("\"{}-{}\"", md5_hex(digests), sent_.size());
}

bool S3Upload::finished_all_the_same(TimePoint since) {
  S3Call head{.permission = "s3:GetObject", .method = "HEAD", .key = key_};
  client_.add_customer_key(head.headers);
  const auto answer = client_.send(head, stop_);
  if (!answer) return false;
  const auto size = parse_int(answer->headers.get("Content-Length"));
  if (!size || static_cast<ByteCount>(*size) != total_) return false;
  const std::string expected = expected_etag();
  if (!expected.empty() && answer->headers.get("ETag") == expected) return true;
  // A bucket may encrypt with KMS by itself, so that the ETag says nothing.
  const bool own_kind =
      answer->headers.contains("x-amz-server-side-encryption-aws-kms-key-id") || expected.empty();
  const auto modified = net::parse_http_date(answer->headers.get("Last-Modified"));
  constexpr std::chrono::seconds kClocksDiffer{30};
  return own_kind && modified && *modified > since - kClocksDiffer;
}

void S3Upload::abort() {
  halt_.request_stop();
  {
    const Lock lock(mu_);
    no_more_ = true;
    waiting_.clear();
    changed_.notify_all();
  }
  senders_.clear();  // a part that arrives after the abort would begin it anew
  if (done_ || upload_id_.empty()) return;
  done_ = true;
  S3Call call{.permission = "s3:AbortMultipartUpload",
              .method = "DELETE",
              .key = key_,
              .query = {{"uploadId", upload_id_}},
              .deadline = Deadline::after(std::chrono::seconds(30))};
  // Also when told to stop; what can't be reached now, a lifecycle rule of the bucket removes.
  (void)client_.send(call, {});
}

}  // namespace lateen::objects::s3
