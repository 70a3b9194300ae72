{{/* The parts that every pod of this chart has in common. */}}

{{- define "millrace.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- range $key, $value := .Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $value) }}
  {{ $key }}: {{ $value }}
  {{- end }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "millrace.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* A variable from a secret. Takes name, secret, key and optional. */}}
{{- define "millrace.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end -}}

{{/* The addresses of Postgres: the login's for the service, both for a migration. Takes root, service and migrates. */}}
{{- define "millrace.databaseVariables" -}}
{{- $schema := .service.name | replace "-" "_" -}}
{{- if .root.Values.trial.enabled }}
{{- $host := printf "%s-trial-postgres" (include "millrace.fullname" .root) }}
{{ include "millrace.secretVariable" (dict "name" "TRIAL_DATABASE_PASSWORD" "secret" (include "millrace.trialSecret" .root) "key" (printf "%s-database" .service.name)) }}
- name: MILLRACE_DATABASE_URL
  value: postgres://millrace_{{ $schema }}:$(TRIAL_DATABASE_PASSWORD)@{{ $host }}:5432/millrace_{{ $schema }}
{{- if .migrates }}
{{ include "millrace.secretVariable" (dict "name" "TRIAL_OWNER_PASSWORD" "secret" (include "millrace.trialSecret" .root) "key" (printf "%s-owner" .service.name)) }}
- name: MILLRACE_DATABASE_MIGRATION_URL
  value: postgres://millrace_{{ $schema }}_owner:$(TRIAL_OWNER_PASSWORD)@{{ $host }}:5432/millrace_{{ $schema }}
{{- end }}
{{- else if .migrates }}
{{- $own := ternary (printf "%s-migrate" .service.fullname) .service.secret (empty .service.settings.existingSecret) }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_DATABASE_URL" "secret" $own "key" "database-url") }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_DATABASE_MIGRATION_URL" "secret" (default $own .service.settings.existingMigrationSecret) "key" "database-migration-url") }}
{{- else }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_DATABASE_URL" "secret" .service.secret "key" "database-url") }}
{{- end }}
{{- end -}}

{{/* The environment of a service's container. Takes root and service. */}}
{{- define "millrace.environment" -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
- name: NODE_ENV
  value: production
- name: MILLRACE_LOG_FORMAT
  value: json
- name: MILLRACE_LOG_LEVEL
  value: {{ $values.telemetry.logLevel | quote }}
- name: MILLRACE_HEALTH_PORT
  value: '8081'
- name: MILLRACE_DRAIN_GRACE_MS
  value: {{ mul $values.drain.graceSeconds 1000 | quote }}
- name: MILLRACE_NATS_URL
  value: {{ include "millrace.natsUrl" .root | quote }}
- name: MILLRACE_NATS_REPLICAS
  value: {{ ternary 1 $values.nats.replicas $values.trial.enabled | quote }}
- name: MILLRACE_NATS_USER
  value: {{ default $service.name $service.settings.natsUser }}
{{- if $values.trial.enabled }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_NATS_PASSWORD" "secret" (include "millrace.trialSecret" .root) "key" (printf "%s-nats" $service.name)) }}
{{- else }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_NATS_PASSWORD" "secret" $service.secret "key" "nats-password") }}
{{- end }}
{{- if $service.facts.database }}
- name: MILLRACE_DATABASE_MIGRATE
  value: {{ ternary "never" "auto" $values.migrations.enabled }}
{{- include "millrace.databaseVariables" (dict "root" .root "service" $service "migrates" (not $values.migrations.enabled)) }}
{{- end }}
{{- if and $service.facts.redis $values.redis.enabled }}
{{- if $values.trial.enabled }}
{{ include "millrace.secretVariable" (dict "name" "TRIAL_REDIS_PASSWORD" "secret" (include "millrace.trialSecret" .root) "key" (printf "%s-redis" $service.name)) }}
- name: MILLRACE_REDIS_URL
  value: redis://{{ $service.name }}:$(TRIAL_REDIS_PASSWORD)@{{ include "millrace.fullname" .root }}-trial-redis:6379
{{- else }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_REDIS_URL" "secret" $service.secret "key" "redis-url") }}
{{- end }}
{{- end }}
{{- if $service.facts.http }}
- name: MILLRACE_HTTP_HOST
  value: 0.0.0.0
- name: MILLRACE_HTTP_PORT
  value: '8080'
{{- end }}
{{- if $service.facts.stateful }}
# A name that outlives the pod: after a crash it takes its own partitions back at once.
- name: MILLRACE_ORCHESTRATOR_REPLICA
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- end }}
{{- if and $service.facts.models (or $service.settings.existingSecret $service.settings.apiKey) }}
{{ include "millrace.secretVariable" (dict "name" "MILLRACE_LLM_API_KEY" "secret" $service.secret "key" "api-key" "optional" true) }}
{{- end }}
{{- with $values.telemetry.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := $service.settings.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "millrace.natsUrl" -}}
{{- if .Values.trial.enabled -}}
nats://{{ include "millrace.fullname" . }}-trial-nats:4222
{{- else -}}
{{- required "nats.url is needed: the address of NATS, or trial.enabled=true for one in this release" .Values.nats.url -}}
{{- end -}}
{{- end -}}

{{/* How long a pod may take to end: it leaves the balancer, drains, and has a margin to exit. */}}
{{- define "millrace.terminationGracePeriod" -}}
{{- add .Values.drain.preStopSeconds .Values.drain.graceSeconds 10 -}}
{{- end -}}
