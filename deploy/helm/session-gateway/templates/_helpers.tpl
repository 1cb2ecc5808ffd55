{{- define "session-gateway.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "session-gateway.fullname" -}}
{{- $name := include "session-gateway.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 57 | trimSuffix "-" -}}
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
{{- end -}}

{{- define "session-gateway.testLabels" -}}
app.kubernetes.io/name: {{ include "session-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{- define "session-gateway.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "session-gateway.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "session-gateway.securityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
privileged: false
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* The container of the gateway: alone in its pod, or an init container that stays (sidecar). */}}
{{- define "session-gateway.container" -}}
name: gateway
image: {{ include "session-gateway.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if eq .Values.mode "sidecar" }}
restartPolicy: Always
{{- end }}
args: [run, --config, /etc/session-gateway/gateway.toml]
env:
  - {name: SESSION_GATEWAY__LISTEN__ADDRESS, value: ":8080"}
  - {name: SESSION_GATEWAY__LISTEN__DRAIN, value: "{{ .Values.drainSeconds }}s"}
  - {name: SESSION_GATEWAY__ADMIN__ADDRESS, value: ":9090"}
  - {name: SESSION_GATEWAY_SEAL_KEYS_FILE, value: /run/session-gateway/seal/seal.keys}
  - {name: SESSION_GATEWAY__STATE__DIRECTORY, value: /var/lib/session-gateway}
  {{- if .Values.tls.existingSecret }}
  - {name: SESSION_GATEWAY__LISTEN__TLS_CERTIFICATE, value: /run/session-gateway/tls/tls.crt}
  - {name: SESSION_GATEWAY__LISTEN__TLS_KEY, value: /run/session-gateway/tls/tls.key}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - {name: http, containerPort: 8080}
  - {name: admin, containerPort: 9090}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- if .Values.preStopSeconds }}
lifecycle:
  preStop: {sleep: {seconds: {{ .Values.preStopSeconds }}}}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "session-gateway.securityContext" . | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/session-gateway, readOnly: true}
  - {name: seal, mountPath: /run/session-gateway/seal, readOnly: true}
  {{- if .Values.tls.existingSecret }}
  - {name: tls, mountPath: /run/session-gateway/tls, readOnly: true}
  {{- end }}
  - {name: state, mountPath: /var/lib/session-gateway}
  - {name: tmp, mountPath: /tmp}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
