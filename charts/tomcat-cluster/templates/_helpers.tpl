{{/* The name that objects begin with: not longer than a label may be. */}}
{{- define "tomcat-cluster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $base := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- printf "%s-operator" ($base | trimSuffix "-operator" | trunc 43 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Not the name that TomcatClusters' pods have: no selector of theirs may find the operator. */}}
{{- define "tomcat-cluster.selectorLabels" -}}
app.kubernetes.io/name: tomcat-cluster-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tomcat-cluster.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "tomcat-cluster.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tomcat-cluster
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tomcat-cluster.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tomcat-cluster.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tomcat-cluster.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What the operator may do where TomcatClusters are: nothing more than it needs, and no list of Secrets. */}}
{{- define "tomcat-cluster.rules" -}}
{{- $own := list "get" "list" "watch" "create" "patch" "delete" -}}
- apiGroups: [tribes.dev]
  resources: [tomcatclusters]
  verbs: [list, watch]
- apiGroups: [tribes.dev]
  resources: [tomcatclusters/status]
  verbs: [patch]
# For blockOwnerDeletion, where the API server checks it.
- apiGroups: [tribes.dev]
  resources: [tomcatclusters/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts]
  verbs: {{ toJson $own }}
- apiGroups: [apps]
  resources: [statefulsets, deployments]
  verbs: {{ toJson $own }}
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: {{ toJson $own }}
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: {{ toJson $own }}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: {{ toJson $own }}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: {{ toJson $own }}
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules]
  verbs: {{ toJson $own }}
# Balancers get this, and nobody may give away what he has not.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# Keys of channels are made with POST, and looked at by name.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
