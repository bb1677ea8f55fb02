{{/* The pod of a service: the one template of all of them. Called with root, name and s. */}}
{{- define "ward.pod" -}}
{{- $v := .root.Values -}}
metadata:
  labels:
    {{- include "ward.podLabels" . | nindent 4 }}
    {{- with .s.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .s.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "ward.fullname" .root }}-{{ .name }}
  automountServiceAccountToken: false
  # Kubernetes would add variables like WARD_AUDIT_SERVICE_HOST, and an unknown WARD_ variable stops a service.
  enableServiceLinks: false
  # Longer than WARD_LAME_MS + 2 x WARD_DRAIN_MS: docs/config.md.
  terminationGracePeriodSeconds: {{ add (div (add (int .s.drain.lameMs) (mul 2 (int .s.drain.drainMs)) 999) 1000) 15 }}
  securityContext:
    {{- include "ward.podSecurity" .s.uid | nindent 4 }}
  {{- with $v.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .s.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .s.device.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with .s.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .s.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .s.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .s.spreadOver }}
  topologySpreadConstraints:
    {{- range .s.spreadOver }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "ward.selector" $ | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- if $v.database.migration.enabled }}
  initContainers:
    - name: migrate
      image: {{ include "ward.image" . | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args: [--migrate]
      securityContext:
        {{- include "ward.containerSecurity" . | nindent 8 }}
      env:
        {{- include "ward.environment" (merge (dict "more" (dict "WARD_DB_USER" (include "ward.dbOwner" .) "WARD_DB_PASSWORD_FILE" "/etc/ward/db-owner/password")) .) | nindent 8 }}
      resources:
        {{- include "ward.resources" .s.resources | nindent 8 }}
      volumeMounts:
        {{- include "ward.mounts" . | nindent 8 }}
        - {name: db-owner, mountPath: /etc/ward/db-owner, readOnly: true}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "ward.image" . | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      securityContext:
        {{- include "ward.containerSecurity" . | nindent 8 }}
      ports:
        - {name: grpc, containerPort: 50051, protocol: TCP}
        - {name: admin, containerPort: 9090, protocol: TCP}
        {{- if .s.intake }}
        - {name: intake, containerPort: 50052, protocol: TCP}
        {{- end }}
        {{- if .s.hints }}
        - {name: hints, containerPort: 50053, protocol: TCP}
        {{- end }}
      env:
        {{- include "ward.environment" . | nindent 8 }}
      # By HTTP: the kubelet's gRPC probes have no certificate, and every gRPC call needs one.
      startupProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: {{ max 1 (div (add (int .s.startupS) 1) 2) }}
      livenessProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: admin}
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- $resources := include "ward.resources" .s.resources | fromYaml }}
        {{- if and .s.inference (ne .s.device.class "cpu") }}
        {{- $device := .s.device.resource | default (ternary "nvidia.com/gpu" "" (eq .s.device.class "gpu")) | required (printf "services.%s.device.resource is required for class npu" .name) }}
        {{- $_ := set $resources.limits $device (int .s.device.count | toString) }}
        {{- $_ := set $resources.requests $device (int .s.device.count | toString) }}
        {{- end }}
        {{- toYaml $resources | nindent 8 }}
      volumeMounts:
        {{- include "ward.mounts" . | nindent 8 }}
  volumes:
    {{- include "ward.volumes" . | nindent 4 }}
{{- end }}

{{- define "ward.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: tls, mountPath: /etc/ward/tls, readOnly: true}
- {name: db, mountPath: /etc/ward/db, readOnly: true}
{{- if and (not .root.Values.mariadb.enabled) .root.Values.database.tls.caSecret }}
- {name: db-tls, mountPath: /etc/ward/db-tls, readOnly: true}
{{- end }}
{{- if include "ward.hsm" . }}
- {name: pin, mountPath: /etc/ward/pin, readOnly: true}
{{- else if .s.rootKey.option }}
- {name: rootkey, mountPath: /etc/ward/rootkey, readOnly: true}
{{- end }}
{{- if include "ward.jwks" .root }}
- {name: jwks, mountPath: /etc/ward/jwks, readOnly: true}
{{- end }}
{{- if .s.scratch.option }}
- {name: scratch, mountPath: /var/lib/ward/scratch}
{{- end }}
{{- if and .s.anchor.option .s.anchor.claim }}
- {name: anchor, mountPath: /var/lib/ward/anchor}
{{- end }}
{{- with .s.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Secrets are mounted whole, never by subPath: only so are they exchanged in a running pod. Mode 288 is 0440, which YAML 1.1 and 1.2
     read alike; with fsGroup the files are root's, and readable by the service alone. */}}
{{- define "ward.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: tls
  secret: {secretName: {{ include "ward.tlsSecret" . | quote }}, defaultMode: 288}
- name: db
  secret: {secretName: {{ include "ward.dbSecret" . | quote }}, defaultMode: 288}
{{- if .root.Values.database.migration.enabled }}
- name: db-owner
  secret: {secretName: {{ include "ward.ownerSecret" . | quote }}, defaultMode: 288}
{{- end }}
{{- if and (not .root.Values.mariadb.enabled) .root.Values.database.tls.caSecret }}
- name: db-tls
  secret: {secretName: {{ .root.Values.database.tls.caSecret | quote }}, defaultMode: 288}
{{- end }}
{{- if include "ward.hsm" . }}
- name: pin
  secret: {secretName: {{ required "rootKeys.pkcs11.pinSecret is required" .root.Values.rootKeys.pkcs11.pinSecret | quote }}, defaultMode: 288}
{{- else if .s.rootKey.option }}
- name: rootkey
  secret: {secretName: {{ include "ward.keySecret" . | quote }}, defaultMode: 288}
{{- end }}
{{- with include "ward.jwks" .root }}
- name: jwks
  configMap: {name: {{ . | quote }}}
{{- end }}
{{- if .s.scratch.option }}
- name: scratch
  emptyDir: {sizeLimit: {{ .s.scratch.sizeLimit | quote }}}
{{- end }}
{{- if and .s.anchor.option .s.anchor.claim }}
- name: anchor
  persistentVolumeClaim: {claimName: {{ .s.anchor.claim | quote }}}
{{- end }}
{{- with .s.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
