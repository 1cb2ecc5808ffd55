{{- define "session-gateway.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "session-gateway.fullname" -}}
{{- $name := include "session-gateway.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 57 | trimSuffix "-" -}}
{{- end -}}

{{- define "session-gateway.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "session-gateway.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "session-gateway.selector" -}}
app.kubernetes.io/name: {{ include "session-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "session-gateway.labels" -}}
{{ include "session-gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "session-gateway.testSelector" -}}
app.kubernetes.io/name: {{ include "session-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{- define "session-gateway.testLabels" -}}
{{ include "session-gateway.testSelector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "session-gateway.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The address of Redis; empty without one. Everything that needs more than one replica uses this. */}}
{{- define "session-gateway.redisUrl" -}}
{{- if (index .Values "redis-ha").enabled -}}
redis://{{ include "redis-ha.fullname" (index .Subcharts "redis-ha") }}-haproxy:6379/0
{{- else -}}
{{ .Values.redis.url }}
{{- end -}}
{{- end -}}

{{/* The Secret with the credentials for Redis; empty if it needs none. */}}
{{- define "session-gateway.redisSecret" -}}
{{- .Values.redis.existingSecret | default (ternary (index .Values "redis-ha").existingSecret "" (index .Values "redis-ha").enabled) -}}
{{- end -}}

{{/* The container of the gateway: alone in its pod, or an init container that stays (sidecar). */}}
{{- define "session-gateway.container" -}}
{{- $redis := include "session-gateway.redisUrl" . -}}
{{- $secret := include "session-gateway.redisSecret" . -}}
name: gateway
image: {{ include "session-gateway.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if eq .Values.mode "sidecar" }}
restartPolicy: Always
{{- end }}
args:
  - run
  - --config
  - /etc/session-gateway/gateway.toml
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  - {name: SESSION_GATEWAY__LISTEN__ADDRESS, value: ":8080"}
  - {name: SESSION_GATEWAY__LISTEN__DRAIN, value: "{{ .Values.drainSeconds }}s"}
  - {name: SESSION_GATEWAY__ADMIN__ADDRESS, value: ":9090"}
  - {name: SESSION_GATEWAY_SEAL_KEYS_FILE, value: /run/session-gateway/seal/seal.keys}
  {{- if $redis }}
  - {name: SESSION_GATEWAY__STATE__ENGINE, value: redis}
  - {name: SESSION_GATEWAY__STATE__URL, value: {{ $redis | quote }}}
  {{- if and $secret .Values.redis.userKey }}
  - {name: SESSION_GATEWAY__STATE__USER_FILE, value: /run/session-gateway/redis/user}
  {{- end }}
  {{- if and $secret .Values.redis.passwordKey }}
  - {name: SESSION_GATEWAY__STATE__PASSWORD_FILE, value: /run/session-gateway/redis/password}
  {{- end }}
  {{- if and $secret .Values.redis.caKey }}
  - {name: SESSION_GATEWAY__STATE__CA_FILE, value: /run/session-gateway/redis/ca.crt}
  {{- end }}
  {{- with .Values.redis.sentinels }}
  - {name: SESSION_GATEWAY__STATE__SENTINEL, value: {{ toJson . | quote }}}
  {{- end }}
  {{- if and $secret .Values.redis.sentinelPasswordKey }}
  - {name: SESSION_GATEWAY__STATE__SENTINEL_PASSWORD_FILE, value: /run/session-gateway/redis/sentinel-password}
  {{- end }}
  {{- if .Values.redis.cluster }}
  - {name: SESSION_GATEWAY__STATE__CLUSTER, value: "true"}
  {{- end }}
  {{- else }}
  - {name: SESSION_GATEWAY__STATE__DIRECTORY, value: /var/lib/session-gateway}
  {{- end }}
  {{- if .Values.tls.existingSecret }}
  - {name: SESSION_GATEWAY__LISTEN__TLS_CERTIFICATE, value: /run/session-gateway/tls/tls.crt}
  - {name: SESSION_GATEWAY__LISTEN__TLS_KEY, value: /run/session-gateway/tls/tls.key}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - {name: http, containerPort: 8080}
  - {name: admin, containerPort: 9090}
startupProbe:
  {{- toYaml .Values.startupProbe | nindent 2 }}
readinessProbe:
  {{- toYaml .Values.readinessProbe | nindent 2 }}
livenessProbe:
  {{- toYaml .Values.livenessProbe | nindent 2 }}
{{- if .Values.preStopSeconds }}
lifecycle:
  preStop: {sleep: {seconds: {{ .Values.preStopSeconds }}}}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/session-gateway, readOnly: true}
  - {name: seal, mountPath: /run/session-gateway/seal, readOnly: true}
  {{- if .Values.tls.existingSecret }}
  - {name: tls, mountPath: /run/session-gateway/tls, readOnly: true}
  {{- end }}
  {{- if not $redis }}
  - {name: state, mountPath: /var/lib/session-gateway}
  {{- else if $secret }}
  - {name: redis, mountPath: /run/session-gateway/redis, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
