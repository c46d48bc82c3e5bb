#include "objects/s3/listing.h"

#include "base/encoding.h"
#include "base/text.h"
#include "base/time.h"
#include "net/aws/xml.h"

namespace lateen::objects::s3 {
namespace {

using net::aws::XmlElement;

Result<std::string> decode(std::string_view text, bool encoded) {
  return encoded ? query_decode(text) : Result<std::string>(std::string(text));
}

Result<ObjectInfo> read_object(const XmlElement& element, bool encoded) {
  ObjectInfo info{.key = TRY(decode(element.text_of("Key"), encoded))};
  const std::int64_t size = TRY(parse_int(element.text_of("Size")).wrap("size of {}", info.key));
  if (size < 0) return Error(Code::Corrupt, "object {} has a negative size", info.key);
  info.size = static_cast<ByteCount>(size);
  info.modified = TRY(parse_rfc3339(element.text_of("LastModified")).wrap("time of {}", info.key));
  return info;
}

}  // namespace

Result<Listing> parse_listing(BytesView document) {
  const XmlElement root = TRY(net::aws::parse_xml(document));
  if (root.name != "ListBucketResult") {
    return Error(Code::Corrupt, "the answer is <{}>, no listing of a bucket",
                 to_valid_utf8(root.name));
  }
  const bool encoded = root.text_of("EncodingType") == "url";
  Listing listing{.continuation = std::string(root.text_of("NextContinuationToken")),
                  .truncated = root.text_of("IsTruncated") == "true"};
  for (const XmlElement& child : root.children) {
    if (child.name == "Contents") {
      listing.objects.push_back(TRY(read_object(child, encoded)));
    } else if (child.name == "CommonPrefixes") {
      listing.prefixes.push_back(TRY(decode(child.text_of("Prefix"), encoded)));
    }
  }
  return listing;
}

std::string delete_document(std::span<const std::string> keys) {
  std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
  for (const std::string& key : keys)
    xml += "<Object><Key>" + net::aws::escape_xml(key) + "</Key></Object>";
  return xml + "</Delete>";
}

Result<std::vector<NotDeleted>> parse_delete_result(BytesView document) {
  std::vector<NotDeleted> failures;
  const XmlElement root = TRY(net::aws::parse_xml(document));
  for (const XmlElement* const error : root.all("Error")) {
    failures.push_back({.key = std::string(error->text_of("Key")),
                        .code = std::string(error->text_of("Code")),
                        .message = std::string(error->text_of("Message"))});
  }
  return failures;
}

}  // namespace lateen::objects::s3
