{{/* What the operator needs to read ChatClusters and to say how they are. */}}
{{- define "operator.clusterRules" -}}
- apiGroups: [chatfleet.dev]
  resources: [chatclusters]
  verbs: [list, watch]
- apiGroups: [chatfleet.dev]
  resources: [chatclusters/status]
  verbs: [patch]
{{- end -}}

{{/*
What it needs in a namespace that has a ChatCluster. A server-side apply that makes an object needs create besides patch; a watch begins with a
list where the API server can't stream what there is.
*/}}
{{- define "operator.namespaceRules" -}}
# Children that stay as long as their ChatCluster.
- apiGroups: [""]
  resources: [secrets, serviceaccounts, services]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
# Children that a change of its spec takes away.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
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
# Servers of the backbone are restarted one by one. When volumes grow, the StatefulSet is made anew around its pods.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, watch, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
