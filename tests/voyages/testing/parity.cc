#include "voyages/testing/parity.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/yaml.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/program.h"

namespace lateen::voyages {
namespace {

constexpr std::string_view kPendingClaim = "bank/waiting";
constexpr const char* kFolder = LATEEN_SOURCE_DIR "/tests/voyages/parity/";

bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0; });
}

// "velero-data-x7k2p" → "velero-data-*".
std::string without_suffix(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || name.size() - dash != 6 || !is_word(name.substr(dash + 1)))
    return std::string(name);
  return std::string(name.substr(0, dash)) + "-*";
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// Digests, which are of one restore, as "*".
std::string without_digests(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_hex(text[end]))
      ++end;
    if (end - i == 64) {
      out += '*';
    } else {
      end = std::max(end, i + 1);
      out += text.substr(i, end - i);
    }
    i = end;
  }
  return out;
}

// A volume that was made for a claim, by the claim.
std::string volume_name(std::string_view name, const Json& volumes) {
  if (!name.starts_with("pvc-")) return std::string(name);
  for (const Json& volume : items_of(volumes)) {
    if (string_at(volume, "metadata.name") != name) continue;
    return fmt::format("of {}/{}", string_at(volume, "spec.claimRef.namespace"),
                       string_at(volume, "spec.claimRef.name"));
  }
  return "of ?";
}

// What Velero says, and Lateen does not, of any case.
struct Saying {
  std::string_view part;  // of a message
  std::string_view list;  // where it counts
};

constexpr std::array<Saying, 6> kVelerosOwn = {{
    // An API that few clusters serve.
    {"failed to list stub VolumeGroupSnapshotContents", "warnings"},
    // Objects that every cluster makes for itself in a namespace: there first now and then.
    {"kube-root-ca.crt", "warnings"},
    {"serviceaccounts \"default\" not found", "warnings"},
    {"ServiceAccount:default already exists", "warnings"},
    // Definitions that are the same but for what the API server fills in.
    {"CustomResourceDefinition:", "warnings"},
    // A claim that waits for its first pod: Velero leaves it out of the backup.
    {kPendingClaim, "errors"},
}};

bool is_made_by_the_cluster(const std::string& item) {
  return item.find("/kube-root-ca.crt") != std::string::npos ||
         (item.starts_with("v1/ServiceAccount/") &&
          item.find("/default ") != std::string_view::npos) ||
         item.find(".velero.io ") != std::string_view::npos;
}

// The expected document without what kVelerosOwn speaks of.
Json settled(Json expected) {
  bool has_pending_claim = false;
  for (const Saying& saying : kVelerosOwn) {
    std::int64_t count = 0;
    for (const std::string& text : texts_at(expected, fmt::format("said.{}", saying.list))) {
      if (text.find(saying.part) != std::string::npos) ++count;
    }
    if (count == 0) continue;
    const std::int64_t rest = int_at(expected, saying.list).value_or(0) - count;
    if (rest > 0) {
      ensure(expected, saying.list) = rest;
    } else {
      erase(expected, saying.list);
    }
    has_pending_claim |= saying.part == kPendingClaim;
  }
  if (has_pending_claim) {
    ensure(expected, "items")
        .as_array()
        .emplace_back(fmt::format("persistentvolumeclaims/{}", kPendingClaim));
    if (find(expected, "errors") == nullptr) ensure(expected, "phase") = "Completed";
  }
  return expected;
}

// The items of the expected document with what the case says of them.
std::vector<std::string> expected_items(const Json& expected, const Json& test_case) {
  std::vector<std::string> items = texts_at(expected, "items");
  for (const std::string& lacking : texts_at(test_case, "differs.lacks"))
    std::erase(items, lacking);
  for (std::string& added : texts_at(test_case, "differs.adds"))
    items.push_back(std::move(added));
  const bool is_ordered = bool_at(test_case, "ordered").value_or(false);
  if (is_ordered) {
    items.resize(std::min(items.size(), std::size_t{2}));
  } else {
    std::sort(items.begin(), items.end());
  }
  std::erase_if(items, is_made_by_the_cluster);
  return items;
}

void note_missing(const std::vector<std::string>& wanted,
                  const std::vector<std::string>& there,
                  std::string_view what,
                  std::vector<std::string>& out) {
  for (const std::string& one : wanted) {
    if (std::find(there.begin(), there.end(), one) == there.end())
      out.push_back(fmt::format("{}: {}", what, one));
  }
}

// The volume of its token, whose name is made up.
void strip_pod(Json& pod) {
  erase(pod, "spec.nodeName");
  const auto is_token = [](const Json& one) {
    return string_at(one, "name").starts_with("kube-api-access-");
  };
  const auto drop = [&is_token](Json& owner, std::string_view list) {
    if (array_at(owner, list) == nullptr) return;
    JsonArray kept;
    for (const Json& one : *array_at(owner, list)) {
      if (!is_token(one)) kept.push_back(one);
    }
    ensure(owner, list) = std::move(kept);
  };
  drop(pod, "spec.volumes");
  for (const char* containers : {"spec.containers", "spec.initContainers"}) {
    if (array_at(pod, containers) == nullptr) continue;
    for (Json& container : ensure(pod, containers).as_array())
      drop(container, "volumeMounts");
  }
}

// The UID that its controller gives it.
void strip_job(Json& job) {
  for (const char* labels :
       {"metadata.labels", "spec.selector.matchLabels", "spec.template.metadata.labels"}) {
    if (object_at(job, labels) == nullptr) continue;
    JsonObject& all = ensure(job, labels).as_object();
    erase(all, JsonKey{"controller-uid"});
    erase(all, JsonKey{"batch.kubernetes.io/controller-uid"});
  }
}

}  // namespace

Json parity_data(std::string_view file) {
  const std::string text = text_of(FilePath(kFolder + std::string(file)));
  auto data = file.ends_with(".json") ? parse_json(text) : parse_yaml(text);
  EXPECT_TRUE(data) << file;
  return data ? std::move(*data) : Json();
}

std::vector<Json> parity_documents(std::string_view file) {
  auto documents = parse_yaml_documents(text_of(FilePath(kFolder + std::string(file))));
  EXPECT_TRUE(documents) << file;
  return documents ? std::move(*documents) : std::vector<Json>();
}

ParityCluster::ParityCluster() : cluster_scoped_({"standard", "sandbox-snapshots"}) {
  for (const char* file : {"kinds.yaml", "cluster.yaml"}) {
    for (const Json& object : parity_documents(file)) {
      const std::string name(string_at(object, "metadata.name"));
      if (string_at(object, "kind") == "Namespace") {
        namespaces_.insert(name);
      } else if (string_at(object, "metadata.namespace").empty()) {
        cluster_scoped_.insert(name);
      }
    }
  }
}

bool ParityCluster::is_compared(std::string_view kind,
                                std::string_view ns,
                                std::string_view name) const {
  if (kind == "events" || kind == "events.events.k8s.io") return name == "shop-event";
  if (!ns.empty()) return namespaces_.contains(ns);
  if (kind == "namespaces") return namespaces_.contains(name);
  if (kind == "persistentvolumes" || kind == "volumesnapshotcontents.snapshot.storage.k8s.io")
    return true;
  return cluster_scoped_.contains(name);
}

std::string ParityCluster::item(std::string_view entry, const Json& volumes) const {
  // resources/<kind>/cluster/<name>.json, resources/<kind>/namespaces/<ns>/<name>.json
  const std::vector<std::string_view> parts = split(entry, '/');
  if (parts.size() < 4 || parts[0] != "resources") return {};
  if (parts[2] != "cluster" && parts[2] != "namespaces") return {};
  const std::string_view kind = parts[1];
  const std::string_view ns = parts[2] == "cluster" ? std::string_view() : parts[3];
  const std::string_view name = cut(parts.back(), ".json").before;
  if (!is_compared(kind, ns, name)) return {};
  std::string shown(name);
  if (kind == "persistentvolumes") shown = volume_name(name, volumes);
  if (kind == "volumesnapshotcontents.snapshot.storage.k8s.io") shown = "snapcontent-*";
  if (kind == "volumesnapshots.snapshot.storage.k8s.io" ||
      kind == "endpointslices.discovery.k8s.io")
    shown = without_suffix(name);
  return fmt::format("{}/{}/{}", kind, ns, shown);
}

std::string restored_item(std::string_view kind, std::string_view entry) {
  const std::size_t paren = entry.rfind('(');
  std::string name(entry.substr(0, paren));
  const std::string_view action = entry.substr(paren + 1, entry.size() - paren - 2);
  if (kind == "v1/PersistentVolume" && name.starts_with("pvc-")) name = "pvc-*";
  if (kind.find("EndpointSlice") != std::string_view::npos ||
      kind.find("VolumeSnapshot") != std::string_view::npos) {
    name = without_suffix(without_digests(name));
  }
  return fmt::format("{}/{} {}", kind, name, action);
}

std::vector<std::string> Comparison::differences() const {
  std::vector<std::string> out;
  const Json settled_expected = settled(expected);
  const std::vector<std::string> wanted = expected_items(settled_expected, test_case);
  std::vector<std::string> there = texts_at(found, "items");
  std::erase_if(there, is_made_by_the_cluster);
  note_missing(wanted, there, "is lacking", out);
  note_missing(there, wanted, "is too much", out);
  if (out.empty() && wanted != there) out.emplace_back("the items' order differs");
  for (const char* field :
       {"phase", "warnings", "errors", "hookStatus", "csiVolumeSnapshotsAttempted",
        "csiVolumeSnapshotsCompleted", "volumes"}) {
    const Json* on_purpose = find(test_case, fmt::format("differs.{}", field));
    const Json* want = on_purpose != nullptr ? on_purpose : find(settled_expected, field);
    const Json* have = find(found, field);
    const std::string left = want == nullptr ? "nothing" : write_json(*want);
    const std::string right = have == nullptr ? "nothing" : write_json(*have);
    if (left != right) out.push_back(fmt::format("{}: {} is expected, not {}", field, left, right));
  }
  // In words of our own, but one for one.
  const std::size_t faults = texts_at(found, "validationErrors").size();
  const std::size_t expected_faults = texts_at(expected, "validationErrors").size();
  if (faults != expected_faults && find(test_case, "differs.validationErrors") == nullptr)
    out.push_back(
        fmt::format("{} validation errors are expected, not {}", expected_faults, faults));
  return out;
}

void note_differences(const Json& expected,
                      const Json& found,
                      const std::string& path,
                      std::vector<std::string>& out) {
  if (expected == found) return;
  if (expected.is_object() && found.is_object()) {
    std::set<std::string> names;
    for (const auto& [name, value] : expected.get_object())
      names.emplace(name);
    for (const auto& [name, value] : found.get_object())
      names.emplace(name);
    const Json nothing;
    for (const std::string& name : names) {
      const Json* left = find(expected, JsonKey{name});
      const Json* right = find(found, JsonKey{name});
      note_differences(left != nullptr ? *left : nothing, right != nullptr ? *right : nothing,
                       path + "." + name, out);
    }
    return;
  }
  if (expected.is_array() && found.is_array() &&
      expected.get_array().size() == found.get_array().size()) {
    for (std::size_t i = 0; i < expected.get_array().size(); ++i) {
      note_differences(expected.get_array()[i], found.get_array()[i],
                       fmt::format("{}[{}]", path, i), out);
    }
    return;
  }
  out.push_back(fmt::format("{}: {} is expected, not {}", path.empty() ? "." : path,
                            write_json(expected), write_json(found)));
}

Json comparable_object(Json object) {
  const bool has_finalizers = array_at(object, "metadata.finalizers") != nullptr;
  const Json finalizers = has_finalizers ? *find(object, "metadata.finalizers") : Json();
  object = as_written(std::move(object));
  if (has_finalizers) ensure(object, "metadata.finalizers") = finalizers;
  if (string_at(object, "kind") == "Pod") strip_pod(object);
  if (string_at(object, "kind") == "Job") strip_job(object);
  if (string_at(object, "kind") == "PersistentVolume") {
    for (const char* own : {"spec.claimRef.uid", "spec.claimRef.resourceVersion"})
      erase(object, own);
  }
  return object;
}

}  // namespace lateen::voyages
