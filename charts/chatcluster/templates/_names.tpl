{{- define "chatcluster.name" -}}
{{- default .Release.Name .Values.nameOverride -}}
{{- end -}}

{{/* With what the names of a ChatCluster's children begin: the operator shortens long names so. */}}
{{- define "chatcluster.base" -}}
{{- $name := include "chatcluster.name" . -}}
{{- if gt (len $name) 40 -}}
{{- printf "%s-%s" (trunc 31 $name) (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{- define "chatcluster.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Where the Service for clients is. */}}
{{- define "chatcluster.service" -}}
{{- $scheme := ternary "https" "http" (not (empty (.Values.exposure).tlsSecretName)) -}}
{{- $port := ternary 443 80 (eq $scheme "https") -}}
{{- printf "%s://%s.%s.svc:%d" $scheme (include "chatcluster.base" .) .Release.Namespace $port -}}
{{- end -}}

{{/* The addresses that the operator will write into the status. */}}
{{- define "chatcluster.endpoints" -}}
{{- $exposure := default dict .Values.exposure -}}
{{- $within := ternary "wss" "ws" (not (empty $exposure.tlsSecretName)) -}}
{{- $outside := $within -}}
{{- if or (hasKey $exposure "ingress") (hasKey $exposure "gateway") -}}
{{- $outside = ternary "wss" "ws" (not (empty ($exposure.ingress).tlsSecretName)) -}}
{{- end -}}
{{- with $exposure.host }}
- {{ $outside }}://{{ . }}/connection/websocket
{{- end }}
- {{ $within }}://{{ include "chatcluster.base" . }}.{{ .Release.Namespace }}.svc/connection/websocket
{{- end -}}

{{/* As whom the test connects: token, secret, anonymous, or nothing if nobody may. */}}
{{- define "chatcluster.identity" -}}
{{- if .Values.check.tokenSecretRef.name -}}token
{{- else if (((.Values.auth).jwt).secretRef).name -}}secret
{{- else if and (.Values.auth).anonymous (or .Values.check.channel (.Values.auth).openChannels) -}}anonymous
{{- end -}}
{{- end -}}
