{{- define "lateen.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "lateen.fullname" -}}
{{- $name := include "lateen.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "lateen.labels" -}}
app.kubernetes.io/name: {{ include "lateen.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "lateen.selector" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/name: {{ include "lateen.name" . }}
{{- end -}}

{{- define "lateen.serviceAccount" -}}
{{- $made := printf "%s-server" (include "lateen.fullname" .) -}}
{{- default (ternary $made "default" .Values.serviceAccount.server.create) .Values.serviceAccount.server.name -}}
{{- end -}}

{{- define "lateen.secretName" -}}
{{- .Values.credentials.existingSecret | default .Values.credentials.name | default (include "lateen.fullname" .) -}}
{{- end -}}

{{- define "lateen.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "lateen.pullSecrets" -}}
{{- with .Values.image.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A pod's annotations: {root, monitored: is there a monitor that makes the scrape annotations superfluous?} */}}
{{- define "lateen.podAnnotations" -}}
{{- $values := .root.Values -}}
{{- $all := merge dict ($values.podAnnotations | default dict) -}}
{{- if and $values.metrics.enabled (not .monitored) -}}
{{- $all = merge $all ($values.metrics.podAnnotations | default dict) -}}
{{- end -}}
{{- if and $values.credentials.useSecret (not $values.credentials.existingSecret) -}}
{{- $text := tpl (print $values.credentials.secretContents $values.credentials.extraEnvVars) .root -}}
{{- $all = merge $all (dict "checksum/secret" (sha256sum $text)) -}}
{{- end -}}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the environment says of credentials, alike for the server and the node agents. */}}
{{- define "lateen.credentialsEnv" -}}
{{- if .Values.credentials.useSecret }}
{{- range list "AWS_SHARED_CREDENTIALS_FILE" "GOOGLE_APPLICATION_CREDENTIALS" "AZURE_CREDENTIALS_FILE" "ALIBABA_CLOUD_CREDENTIALS_FILE" }}
- {name: {{ . }}, value: /credentials/cloud}
{{- end }}
{{- end }}
{{- range $key, $value := .Values.configuration.extraEnvVars }}
- name: {{ $key }}
  value: {{ tpl (default "none" $value) $ | quote }}
{{- end }}
{{- range $key, $value := .Values.credentials.extraEnvVars }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef: {name: {{ include "lateen.secretName" $ }}, key: {{ $key }}}
{{- end }}
{{- end -}}

{{/* A location's spec.credential, config and annotations. */}}
{{- define "lateen.locationCredential" -}}
{{- $credential := dict -}}
{{- range $key, $value := .credential -}}
{{- if $value -}}{{- $_ := set $credential $key $value -}}{{- end -}}
{{- end -}}
{{- with $credential }}
credential:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lateen.textMap" -}}
{{- range $key, $value := . }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "lateen.location" -}}
{{- $root := .root -}}
{{- $one := .location -}}
apiVersion: velero.io/v1
kind: {{ .kind }}
metadata:
  name: {{ $one.name | default "default" }}
  namespace: {{ $root.Release.Namespace }}
  {{- with $one.annotations }}
  annotations:
    {{- include "lateen.textMap" . | nindent 4 }}
  {{- end }}
  labels:
    {{- include "lateen.labels" $root | nindent 4 }}
spec:
  provider: {{ $one.provider }}
  {{- include "lateen.locationCredential" $one | nindent 2 }}
  {{- with $one.config }}
  config:
    {{- include "lateen.textMap" . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "lateen.monitored" -}}
{{- if and .root.Values.metrics.enabled .monitor.enabled (or (not .monitor.autodetect) (.root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}yes{{ end -}}
{{- end -}}

{{- define "lateen.monitorMetadata" -}}
name: {{ .name }}
{{- with .monitor.namespace }}
namespace: {{ . }}
{{- end }}
{{- with .monitor.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "lateen.labels" .root | nindent 2 }}
  {{- with .monitor.additionalLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "lateen.endpoint" -}}
- port: http-monitoring
  interval: {{ .root.Values.metrics.scrapeInterval }}
  scrapeTimeout: {{ .root.Values.metrics.scrapeTimeout }}
  {{- range $field := list "scheme" "metricRelabelings" "relabelings" "tlsConfig" }}
  {{- with get $.monitor $field }}
  {{ $field }}: {{ toJson . }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "lateen.serverLabels" -}}
app.kubernetes.io/component: server
{{ include "lateen.labels" . }}
{{- end -}}

{{- define "lateen.serverSubject" -}}
- kind: ServiceAccount
  namespace: {{ .Release.Namespace }}
  name: {{ include "lateen.serviceAccount" . }}
{{- end -}}

{{- define "lateen.hook" -}}
helm.sh/hook: pre-install,pre-upgrade,pre-rollback
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
