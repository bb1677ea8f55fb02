{{/* Names and labels. Selectors are name, instance and component, and never a version: they cannot be changed by an upgrade. */}}
{{- define "ward.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "ward.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ward.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ward.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* What all pods of the release share. Called with the root. */}}
{{- define "ward.releaseSelector" -}}
app.kubernetes.io/name: {{ include "ward.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Called with root and name (the component). */}}
{{- define "ward.selector" -}}
{{ include "ward.releaseSelector" .root }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{/* A pod's: without the chart's version, whose change alone restarts nothing. */}}
{{- define "ward.podLabels" -}}
{{ include "ward.selector" . }}
app.kubernetes.io/part-of: ward
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ward.labels" -}}
{{ include "ward.selector" . }}
app.kubernetes.io/part-of: ward
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The names of the services that this release runs, as a YAML list. Called with the root. */}}
{{- define "ward.services" -}}
{{- $names := list -}}
{{- range $name, $svc := .Values.services -}}
{{- if (mergeOverwrite (deepCopy $.Values.defaults) (deepCopy ($svc | default dict))).enabled -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- toYaml $names -}}
{{- end }}

{{/* A service's values: its entry over the defaults. Called with root and name. */}}
{{- define "ward.service" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.services .name | default dict)) | toYaml -}}
{{- end }}

{{- define "ward.host" -}}
{{ include "ward.fullname" .root }}-{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{/* gRPC address of a service of this release, or of peers. Called with root, name and from (who calls). */}}
{{- define "ward.address" -}}
{{- $peer := index .root.Values.peers .name | default dict -}}
{{- if has .name (include "ward.services" .root | fromYamlArray) -}}
dns:///{{ include "ward.host" . }}:50051
{{- else if $peer.address -}}
{{ $peer.address }}
{{- else -}}
{{- fail (printf "%s calls %s: enable services.%s or name its address in peers.%s.address" .from .name .name .name) -}}
{{- end -}}
{{- end }}

{{- define "ward.bus" -}}
{{- $peer := .root.Values.peers.audit | default dict -}}
{{- if has "audit" (include "ward.services" .root | fromYamlArray) -}}
tls+tcp://{{ include "ward.host" (dict "root" .root "name" "audit") }}:50052
{{- else if $peer.bus -}}
{{ $peer.bus }}
{{- else -}}
{{- fail (printf "%s sends audit events: enable services.audit or name its intake in peers.audit.bus" .from) -}}
{{- end -}}
{{- end }}

{{/* Names of Secrets: called with root and name. */}}
{{- define "ward.tlsSecret" -}}
{{- index .root.Values.tls.secrets .name | default (printf "%s-%s-tls" (include "ward.fullname" .root) .name) -}}
{{- end }}
{{- define "ward.keySecret" -}}
{{- index .root.Values.rootKeys.secrets .name | default (printf "%s-%s-rootkey" (include "ward.fullname" .root) .name) -}}
{{- end }}
{{- define "ward.dbSecret" -}}
{{- index .root.Values.database.passwordSecrets .name | default (printf "%s-%s-db" (include "ward.fullname" .root) .name) -}}
{{- end }}
{{- define "ward.dbName" -}}{{ index .root.Values.database.names .name | default .name }}{{- end }}
{{- define "ward.dbUser" -}}{{ index .root.Values.database.users .name | default .name }}{{- end }}
{{- define "ward.ownerSecret" -}}
{{- index .root.Values.database.migration.passwordSecrets .name | default (printf "%s-%s-db-owner" (include "ward.fullname" .root) .name) -}}
{{- end }}
{{- define "ward.dbOwner" -}}
{{ index .root.Values.database.migration.users .name | default (printf "%s_owner" (include "ward.dbUser" .)) }}
{{- end }}
{{- define "ward.dbHost" -}}
{{- if .Values.mariadb.enabled -}}
{{ include "ward.host" (dict "root" . "name" "mariadb") }}
{{- else -}}
{{ required "database.host is required, or mariadb.enabled for a trial" .Values.database.host }}
{{- end -}}
{{- end }}

{{/* JWKS: the ConfigMap's name, empty without persons. Called with the root. */}}
{{- define "ward.jwks" -}}
{{- if .Values.oidc.issuer -}}
{{- if .Values.oidc.jwksConfigMap -}}{{ .Values.oidc.jwksConfigMap }}
{{- else if .Values.oidc.jwks -}}{{ include "ward.fullname" . }}-jwks
{{- else -}}{{- fail "oidc.issuer needs oidc.jwks or oidc.jwksConfigMap" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether the service's root key is in an HSM. Called with root and s (the service's values): "true" or "". */}}
{{- define "ward.hsm" -}}
{{- if and .s.rootKey.option .s.rootKey.hsm (eq .root.Values.rootKeys.source "pkcs11") -}}true{{- end -}}
{{- end }}

{{/* An image. Called with root, name and s. */}}
{{- define "ward.image" -}}
{{- $repository := .s.image.repository | default (printf "%s/%s" .root.Values.image.registry .name) -}}
{{- $suffix := index .root.Values.image.suffix .s.device.class | default "" -}}
{{- if .s.image.digest -}}
{{ $repository }}@{{ .s.image.digest }}
{{- else -}}
{{ $repository }}:{{ .s.image.tag | default (printf "%s%s" (.root.Values.image.tag | default .root.Chart.AppVersion) $suffix) }}
{{- end -}}
{{- end }}

{{/* Pod Security "restricted", for pods and containers alike. Called with the user's id. */}}
{{- define "ward.podSecurity" -}}
runAsNonRoot: true
{{- if . }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}
{{- define "ward.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Memory: request = limit, so that a neighbour's growth never evicts a pod. Called with resources. */}}
{{- define "ward.resources" -}}
requests:
  cpu: {{ .cpu | quote }}
  memory: {{ int .memoryMiB }}Mi
limits:
  memory: {{ int .memoryMiB }}Mi
{{- end }}
