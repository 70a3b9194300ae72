{{/*
What the services are, which no value can change: what each one uses, and of Redis the cache that is its own. Where the tasks of each wait stands in files/generated/consumers.yaml.
*/}}
{{- define "millrace.catalog" -}}
gateway: { database: true, redis: api-keys, http: true }
orchestrator: { database: true, stateful: true }
research: { database: true }
llm-provider: { database: true, redis: model-answers, models: true }
evaluation: { database: true }
toolbox: { database: false }
{{- end -}}

{{/* One service's facts and settings as YAML: name, facts, settings, fullname, secret, trial. Takes root and name. */}}
{{- define "millrace.service" -}}
{{- $facts := get (include "millrace.catalog" . | fromYaml) .name -}}
{{- with get (.root.Files.Get "files/generated/consumers.yaml" | fromYaml) .name }}{{ $_ := set $facts "consumer" . }}{{ end -}}
{{- $given := default dict (get .root.Values.services .name) -}}
{{- $settings := mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy $given) -}}
{{- if hasKey $given "env" }}{{ $_ := set $settings "env" (merge (deepCopy $given.env) .root.Values.defaults.env) }}{{ end -}}
{{- $fullname := printf "%s-%s" (include "millrace.fullname" .root) .name -}}
{{- $scales := ne $settings.autoscaling.mode "none" -}}
name: {{ .name }}
fullname: {{ $fullname }}
secret: {{ default $fullname $settings.existingSecret }}
scales: {{ $scales }}
keda: {{ and (eq $settings.autoscaling.mode "keda") (hasKey $facts "consumer") }}
least: {{ ternary $settings.autoscaling.minReplicas $settings.replicas $scales }}
facts: {{ toJson $facts }}
settings: {{ toJson $settings }}
{{- end -}}
