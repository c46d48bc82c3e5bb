#include "backup/definition_action.h"

#include "kube/object.h"

namespace lateen::backup {
namespace {

const kube::GroupVersion kBeta{"apiextensions.k8s.io", "v1beta1"};

class DefinitionAction final : public ItemAction {
 public:
  explicit DefinitionAction(kube::Client& client) : client_(client) {}

  std::string_view name() const override { return "velero.io/crd-remap-version"; }

  bool applies_to(std::string_view kind) const override {
    return kind == "customresourcedefinitions.apiextensions.k8s.io";
  }

  bool wants(const Json& definition) const override {
    if (kube::api_version_of(definition) != "apiextensions.k8s.io/v1") return false;
    const JsonArray* versions = array_at(definition, "spec.versions");
    const bool has_no_schema = versions != nullptr && !versions->empty() &&
                               find(versions->front(), "schema.openAPIV3Schema") == nullptr;
    return has_no_schema || kube::is_condition_true(definition, "NonStructuralSchema") ||
           bool_at(definition, "spec.preserveUnknownFields").value_or(false);
  }

  Result<ActionOutcome> execute(Json& definition, const Log& log, std::stop_token stop) override {
    const std::string name(kube::name_of(definition));
    definition = TRY(
        client_
            .get({.gvr = {kBeta.group, kBeta.version, "customresourcedefinitions"}, .name = name},
                 {}, stop)
            .wrap("error fetching v1beta1 version of {}", name));
    log.info("The CustomResourceDefinition appears to be v1beta1, and is stored as such");
    return ActionOutcome();
  }

 private:
  kube::Client& client_;
};

}  // namespace

std::unique_ptr<ItemAction> make_definition_action(kube::Client& client,
                                                   const kube::Discovery& discovery) {
  if (!discovery.serves(kBeta)) return nullptr;
  return std::make_unique<DefinitionAction>(client);
}

}  // namespace lateen::backup
