{{/* What the operator needs to read ChatClusters and to say how they are. */}}
{{- define "operator.clusterRules" -}}
- apiGroups: [chatfleet.dev]
  resources: [chatclusters]
  verbs: [get, list, watch]
- apiGroups: [chatfleet.dev]
  resources: [chatclusters/status]
  verbs: [patch]
# Children name the ChatCluster as their owner and block its deletion in the foreground.
- apiGroups: [chatfleet.dev]
  resources: [chatclusters/finalizers]
  verbs: [update]
{{- end -}}

{{/* What it needs in a namespace that has a ChatCluster. */}}
{{- define "operator.namespaceRules" -}}
- apiGroups: [""]
  resources: [configmaps, secrets, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
# Servers of the backbone are restarted one by one.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
# Volumes grow, and go with a ChatCluster that says so.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch, delete]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, list, watch, create, patch, delete]
{{- end -}}
