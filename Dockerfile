# One file for every image: docker build --build-arg SERVICE=research --target service -t millrace-research .
# The command line: docker build --build-arg SERVICE=millrace --target command-line -t millrace .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# What decides which packages are installed, and nothing else: a change of code leaves the layers with packages as they are.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /source
COPY . .
RUN mkdir ../manifests && cp package-lock.json .npmrc ../manifests/ && find . -name package.json -not -path '*/node_modules/*' -exec cp --parents {} ../manifests/ \;

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY --from=manifests /manifests/ ./
RUN --mount=type=cache,target=/root/.npm npm ci --loglevel=error
COPY . .
RUN npm run build

# The packages that one service needs when it runs.
FROM ${NODE_IMAGE} AS packages
ARG SERVICE
WORKDIR /packages
COPY --from=manifests /manifests/ ./
RUN test -f "apps/${SERVICE}/package.json" || { echo "Set --build-arg SERVICE to one of: $(ls apps | tr '\n' ' ')" >&2; exit 1; }
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace "apps/${SERVICE}" --loglevel=error

# What is run: packages, the compiled service, and the libraries that the packages link to.
FROM ${NODE_IMAGE} AS assembly
ARG SERVICE
WORKDIR /app
COPY --from=packages /packages/ ./
COPY --from=build /build/apps/ ../built/apps/
COPY --from=build /build/libs/ ../built/libs/
COPY deploy/docker/assemble.js ../
RUN node ../assemble.js "${SERVICE}" ../built

FROM ${NODE_IMAGE} AS runtime
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="millrace-${SERVICE}" \
      org.opencontainers.image.description="Durable task graphs for LLM work" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    MILLRACE_LOG_FORMAT=json \
    MILLRACE_HTTP_HOST=0.0.0.0
WORKDIR /app
COPY --from=assembly /app/ ./
# A number, so that a cluster can see that it is not root. Nothing but /tmp and volumes is written to.
USER 10001:10001
# Node gets the signals itself and drains; it starts no processes whose ends somebody would have to await.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/main.js"]

FROM runtime AS command-line
CMD ["--help"]

FROM runtime AS service
# A service allocates much and keeps little: with a larger young generation it collects garbage less often.
ENTRYPOINT ["node", "--min-semi-space-size=16", "/app/main.js"]
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=5 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MILLRACE_HEALTH_PORT || 8081}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
