{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else if contains (include "operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "operator.name" .) | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must be given if serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image of this release: list of the root and the reference without a registry. */}}
{{- define "operator.reference" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ index . 1 -}}
{{- end -}}

{{- define "operator.image" -}}
{{- include "operator.reference" (list . (printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag))) -}}
{{- end -}}

{{- define "operator.nodeImage" -}}
{{- default (include "operator.reference" (list . (printf "chatfleet/chatnode:%s" .Chart.AppVersion))) .Values.nodeImage -}}
{{- end -}}

{{- define "operator.backboneImage" -}}
{{- $tag := printf "%s-%s" (index .Chart.Annotations "chatfleet.dev/nats-version") .Chart.AppVersion -}}
{{- default (include "operator.reference" (list . (printf "chatfleet/nats:%s" $tag))) .Values.backboneImage -}}
{{- end -}}
