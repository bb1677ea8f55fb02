{{/* A service's environment: only options that docs/config.md lists, which tests/chart checks. Called with root, name
     and s; more: options that come before all others. */}}
{{- define "ward.environment" -}}
{{- $v := .root.Values -}}
{{- $e := dict
    "WARD_LISTEN" "0.0.0.0:50051"
    "WARD_ADMIN_LISTEN" "0.0.0.0:9090"
    "WARD_MAX_AGE_MS" (int .s.maxAgeMs | toString)
    "WARD_LAME_MS" (int .s.drain.lameMs | toString)
    "WARD_DRAIN_MS" (int .s.drain.drainMs | toString)
    "WARD_TLS_CERT" "/etc/ward/tls/tls.crt"
    "WARD_TLS_KEY" "/etc/ward/tls/tls.key"
    "WARD_TLS_CA" "/etc/ward/tls/ca.crt"
    "WARD_DB_HOST" (include "ward.dbHost" .root)
    "WARD_DB_PORT" (ternary "3306" (int $v.database.port | toString) $v.mariadb.enabled)
    "WARD_DB_NAME" (include "ward.dbName" .)
    "WARD_DB_USER" (include "ward.dbUser" .)
    "WARD_DB_PASSWORD_FILE" "/etc/ward/db/password"
    "WARD_DB_TLS_CA" (ternary "/etc/ward/db-tls/ca.crt" "/etc/ward/tls/ca.crt" (and (not $v.mariadb.enabled) (ne $v.database.tls.caSecret "")))
-}}
{{- if .s.watchdogPercent -}}
{{- $_ := set $e "WARD_WATCHDOG_RSS_MIB" (div (mul (int .s.resources.memoryMiB) (int .s.watchdogPercent)) 100 | toString) -}}
{{- end -}}
{{- if and $v.database.tls.clientCertificate (not $v.mariadb.enabled) -}}
{{- $_ := set $e "WARD_DB_TLS_CERT" "/etc/ward/tls/tls.crt" -}}
{{- $_ := set $e "WARD_DB_TLS_KEY" "/etc/ward/tls/tls.key" -}}
{{- end -}}
{{- if include "ward.jwks" .root -}}
{{- $_ := set $e "WARD_JWKS" "/etc/ward/jwks/jwks.json" -}}
{{- $_ := set $e "WARD_ISSUER" $v.oidc.issuer -}}
{{- $_ := set $e "WARD_AUDIENCE" $v.oidc.audience -}}
{{- range $claim, $name := $v.oidc.claims -}}
{{- $_ := set $e (printf "WARD_CLAIM_%s" (upper $claim)) $name -}}
{{- end -}}
{{- with $v.oidc.roleNames -}}
{{- $list := list -}}
{{- range $theirs, $ours := . -}}{{- $list = append $list (printf "%s=%s" $theirs $ours) -}}{{- end -}}
{{- $_ := set $e "WARD_ROLE_NAMES" (join "," $list) -}}
{{- end -}}
{{- with $v.oidc.purposeAbsent -}}
{{- $_ := set $e "WARD_PURPOSE_ABSENT" . -}}
{{- end -}}
{{- end -}}
{{- with $v.tracing.endpoint -}}
{{- $_ := set $e "WARD_OTLP_ENDPOINT" . -}}
{{- $_ := set $e "WARD_OTLP_SAMPLE_PERMILLE" (int $v.tracing.samplePermille | toString) -}}
{{- end -}}
{{- with $v.callers -}}
{{- $list := list -}}
{{- range $name, $as := . -}}{{- $list = append $list (printf "%s=%s" $name $as) -}}{{- end -}}
{{- $_ := set $e "WARD_CALLERS" (join "," $list) -}}
{{- end -}}
{{- if .s.audited -}}
{{- $_ := set $e "WARD_AUDIT_BUS" (include "ward.bus" (dict "root" .root "from" .name)) -}}
{{- end -}}
{{- if .s.intake -}}
{{- $_ := set $e "WARD_AUDIT_BUS_LISTEN" "tls+tcp://0.0.0.0:50052" -}}
{{- end -}}
{{- if .s.hints -}}
{{- $_ := set $e "WARD_HINT_LISTEN" "tls+tcp://0.0.0.0:50053" -}}
{{- $_ := set $e "WARD_HINT_PEERS" (printf "tls+tcp://%s:50053" (include "ward.host" .)) -}}
{{- end -}}
{{- $root := .root -}}{{- $name := .name -}}
{{- range $option, $service := .s.calls -}}
{{- $_ := set $e $option (include "ward.address" (dict "root" $root "name" $service "from" $name)) -}}
{{- end -}}
{{- $_ := mergeOverwrite $e (include "ward.keyEnvironment" . | fromYaml) (include "ward.deviceEnvironment" . | fromYaml) -}}
{{- if .s.scratch.option -}}
{{- $_ := set $e .s.scratch.option "/var/lib/ward/scratch/data" -}}
{{- end -}}
{{- if and .s.anchor.option .s.anchor.claim -}}
{{- $_ := set $e .s.anchor.option (printf "/var/lib/ward/anchor/%s.anchor" (include "ward.fullname" .root)) -}}
{{- end -}}
{{- range $option, $text := .s.env -}}
{{- $_ := set $e $option (tpl $text $root) -}}
{{- end -}}
{{- with .more -}}
{{- $_ := mergeOverwrite $e . -}}
{{- end -}}
{{- range $option, $text := $e }}
- name: {{ $option }}
  value: {{ $text | quote }}
{{- end }}
{{- with .s.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ward.keyEnvironment" -}}
{{- $keys := .root.Values.rootKeys -}}
{{- if not .s.rootKey.option -}}
{}
{{- else if include "ward.hsm" . -}}
{{- $tail := printf "?module-path=%s&pin-source=file:/etc/ward/pin/pin" (required "rootKeys.pkcs11.modulePath is required" $keys.pkcs11.modulePath) -}}
{{ .s.rootKey.option }}: {{ printf "%s%s" (replace "{service}" .name $keys.pkcs11.uri) $tail | quote }}
{{- if and $keys.pkcs11.oldUri .s.rootKey.oldOption }}
{{ .s.rootKey.oldOption }}: {{ printf "%s%s" (replace "{service}" .name $keys.pkcs11.oldUri) $tail | quote }}
{{- end }}
{{- else -}}
{{ .s.rootKey.option }}: /etc/ward/rootkey/kek
{{- if and $keys.rotating .s.rootKey.oldOption }}
{{ .s.rootKey.oldOption }}: /etc/ward/rootkey/kek.old
{{- end }}
{{- end -}}
{{- end }}

{{- define "ward.deviceEnvironment" -}}
{{- if not .s.inference -}}
{}
{{- else -}}
WARD_DEVICES: {{ ternary "cpu" (printf "%s,cpu" .s.device.class) (eq .s.device.class "cpu") }}
WARD_DEVICE_FALLBACK: {{ .s.device.fallback }}
{{- with .s.device.npuProviders }}
WARD_NPU_PROVIDERS: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end }}
