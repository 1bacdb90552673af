# syntax=docker/dockerfile:1
# Two images: `cpu` (the default) and `gpu`. The steps are the same as without Docker:
# npm ci, npm run build, npm prune, plainview model fetch, plainview serve. What does not run is left out, and sbom.cdx.json lists
# what is in. Without ORT_DISABLE_TELEMETRY, onnxruntime sends reports to its makers and keeps a database in the home folder.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Only the install script of tfjs-node-gpu is needed. It downloads more than a gigabyte, so only build-gpu runs it.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/build.mjs scripts/build-review.mjs scripts/trim-modules.mjs scripts/
# What `--version` says, because .git is not sent: --build-arg SOURCE_COMMIT=$(git rev-parse --short=12 HEAD)
ARG SOURCE_COMMIT
RUN node scripts/build.mjs && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
COPY orders orders
# `network.p[b]` copies NNCPR's network only if it is in the checkout.
COPY model/classes.txt model/nncpr-classes.txt model/categories.json model/views.json model/plainview.json model/plainview.pb model/upright.json model/side.pb model/side.json model/network.p[b] model/
COPY orthanc/hanging.yaml orthanc/ohif.js orthanc/plainview.json orthanc/
COPY lua/plainview.lua lua/
# If it is not, this downloads it and checks its hash. A site without internet names a mirror: --build-arg NNCPR_FROM=https://…
ARG NNCPR_FROM=""
RUN node dist/cli.js model fetch ${NNCPR_FROM:+--from "$NNCPR_FROM"}

FROM build AS build-gpu
# Downloads libtensorflow. A site without internet names a mirror: --build-arg TFJS_NODE_CDN_STORAGE=https://…/
ARG TFJS_NODE_CDN_STORAGE
RUN npm rebuild @tensorflow/tfjs-node-gpu && node scripts/trim-modules.mjs . && npm pkg delete devDependencies && \
    npm sbom --sbom-format=cyclonedx > sbom.cdx.json && rm -rf src scripts tsconfig.json tsconfig.build.json

# tfjs-node-gpu 4.22 is built for CUDA 11.2 and cuDNN 8.1, so it needs this base.
FROM nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 AS gpu
COPY --from=build-gpu /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build-gpu /app /app
ARG SOURCE_COMMIT
LABEL org.opencontainers.image.title="Plainview" \
      org.opencontainers.image.description="Names the body part and projection of every plain radiograph in an Orthanc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$SOURCE_COMMIT"
RUN install -d -o 1000 -g 1000 /var/lib/plainview
USER 1000
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview PLAINVIEW_ENGINE=gpu
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]

# The GPU's package is left out: it cannot run here.
FROM build AS build-cpu
RUN npm pkg delete devDependencies && \
    npm uninstall @tensorflow/tfjs-node-gpu --omit=dev --ignore-scripts --no-audit --no-fund && \
    node scripts/trim-modules.mjs . && npm sbom --sbom-format=cyclonedx > sbom.cdx.json && \
    rm -rf src scripts tsconfig.json tsconfig.build.json

FROM node:22-bookworm-slim AS cpu
WORKDIR /app
COPY --from=build-cpu /app /app
ARG SOURCE_COMMIT
LABEL org.opencontainers.image.title="Plainview" \
      org.opencontainers.image.description="Names the body part and projection of every plain radiograph in an Orthanc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$SOURCE_COMMIT"
RUN install -d -o 1000 -g 1000 /var/lib/plainview
USER 1000
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]
