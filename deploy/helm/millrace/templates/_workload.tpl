{{/* The Deployment or StatefulSet of one service. Takes root and service. */}}
{{- define "millrace.workload" -}}
{{- $service := .service -}}
{{- $settings := $service.settings -}}
{{- $names := dict "root" .root "component" $service.name -}}
apiVersion: apps/v1
kind: {{ ternary "StatefulSet" "Deployment" (default false $service.facts.stateful) }}
metadata:
  name: {{ $service.fullname }}
  labels: {{- include "millrace.labels" $names | nindent 4 }}
spec:
  {{- if not $service.scales }}
  replicas: {{ $settings.replicas }}
  {{- end }}
  {{- if $service.facts.stateful }}
  serviceName: {{ $service.fullname }}
  podManagementPolicy: Parallel
  updateStrategy: { type: RollingUpdate }
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  {{- end }}
  revisionHistoryLimit: 5
  selector:
    matchLabels: {{- include "millrace.selector" $names | nindent 6 }}
  template:
    metadata:
      labels: {{- include "millrace.labels" $names | nindent 8 }}
      annotations:
        # A changed secret of this release starts the pods anew.
        checksum/credentials: {{ toJson (pick $settings "natsPassword" "databaseUrl" "redisUrl" "apiKey" "existingSecret") | sha256sum }}
        {{- with $settings.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "millrace.serviceAccountName" .root }}
      {{- include "millrace.podSecurity" .root | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "millrace.terminationGracePeriod" .root }}
      {{- with $settings.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      topologySpreadConstraints:
        {{- range $key, $hard := dict "kubernetes.io/hostname" "ScheduleAnyway" "topology.kubernetes.io/zone" "ScheduleAnyway" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: {{ $hard }}
          labelSelector:
            matchLabels: {{- include "millrace.selector" $names | nindent 14 }}
        {{- end }}
      {{- with $settings.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $settings.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $settings.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $service.name }}
          image: {{ include "millrace.image" (dict "root" .root "name" $service.name "settings" $settings) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          {{- include "millrace.containerSecurity" .root | nindent 10 }}
          env: {{- include "millrace.environment" . | nindent 12 }}
          ports:
            {{- if $service.facts.http }}
            - { name: http, containerPort: 8080 }
            {{- end }}
            - { name: health, containerPort: 8081 }
          startupProbe:
            httpGet: { path: /healthz, port: health }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /healthz, port: health }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: health }
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 2
          lifecycle:
            preStop:
              # Balancers learn of the end a moment later than the pod does.
              exec: { command: [node, -e, 'setTimeout(() => {}, {{ mul .root.Values.drain.preStopSeconds 1000 }})'] }
          resources: {{- toYaml $settings.resources | nindent 12 }}
          volumeMounts:
            - { name: temporary, mountPath: /tmp }
      volumes:
        - name: temporary
          emptyDir: { sizeLimit: {{ $settings.temporarySize }} }
{{- end -}}
