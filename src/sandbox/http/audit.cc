#include "sandbox/http/audit.h"

#include <utility>

#include "base/json.h"
#include "base/time.h"

namespace lateen::sandbox {

namespace {

constexpr mode_t kPrivate = 0600;

void add_text(JsonObject& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

Json object_ref(const rbac::AccessRequest& access) {
  JsonObject out;
  add_text(out, "resource", access.resource);
  add_text(out, "namespace", access.ns);
  add_text(out, "name", access.name);
  add_text(out, "apiGroup", access.group);
  add_text(out, "apiVersion", access.version);
  add_text(out, "subresource", access.subresource);
  return out;
}

}  // namespace

class AuditLog::Private {};

AuditLog::AuditLog(const Private& /*ours*/, UniqueFd file, const Clock& clock, Rng& rng)
    : file_(std::move(file)), clock_(clock), rng_(rng) {}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const FilePath& path,
                                                 const Clock& clock,
                                                 Rng& rng) {
  UniqueFd file = TRY(open_for_appending(path, kPrivate).wrap("the audit log"));
  return std::make_unique<AuditLog>(Private{}, std::move(file), clock, rng);
}

void AuditLog::write(const net::ServerRequest& request, const AuditEvent& event, int status) {
  JsonObject line;
  line["kind"] = "Event";
  line["apiVersion"] = "audit.k8s.io/v1";
  line["level"] = "Metadata";
  line["auditID"] = uuid4(rng_);
  line["stage"] = "ResponseComplete";
  line["requestURI"] = request.target;
  line["verb"] = event.access.verb;
  line["user"] = user_info(event.caller);
  line["sourceIPs"] = JsonArray{Json(request.peer_address)};
  add_text(line, "userAgent", std::string(request.headers.get("User-Agent")));
  if (event.access.is_resource) line["objectRef"] = object_ref(event.access);
  line["responseStatus"] = {{"metadata", JsonObject{}}, {"code", status}};
  line["requestReceivedTimestamp"] = format_rfc3339_micro(event.received);
  line["stageTimestamp"] = format_rfc3339_micro(clock_.now());
  line["annotations"] = {{"authorization.k8s.io/decision", event.allowed ? "allow" : "forbid"}};
  // One write a line: lines of several threads do not mix in a file that is appended to.
  (void)write_all(file_.get(), write_json_unsorted(line) + "\n");
}

}  // namespace lateen::sandbox
