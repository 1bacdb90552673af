# syntax=docker/dockerfile:1
# Two images from one file: `cpu` (the default) and `gpu`. The steps are those of a bare machine:
# npm ci, npm run build, npm prune, plainview model fetch, plainview serve. ORT_DISABLE_TELEMETRY: onnxruntime reports to its
# makers and keeps a database in the home folder unless it is told not to.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Of the install scripts only that of tfjs-node-gpu matters, and it fetches more than a gigabyte: see build-gpu.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/build.mjs scripts/build-review.mjs scripts/
RUN node scripts/build.mjs && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
COPY orders orders
# `network.p[b]`: NNCPR's network is taken along where it has been fetched here already.
COPY model/classes.txt model/nncpr-classes.txt model/categories.json model/plainview.json model/plainview.pb model/network.p[b] model/
COPY orthanc/hanging.yaml orthanc/ohif.js orthanc/
# Else it is fetched now, and checked by its hash. A site without Internet gives a mirror: --build-arg NNCPR_FROM=https://…
ARG NNCPR_FROM=""
RUN node dist/cli.js model fetch ${NNCPR_FROM:+--from "$NNCPR_FROM"}

FROM build AS build-gpu
# Fetches libtensorflow. A site without Internet gives a mirror: --build-arg TFJS_NODE_CDN_STORAGE=https://…/
ARG TFJS_NODE_CDN_STORAGE
RUN npm rebuild @tensorflow/tfjs-node-gpu

# tfjs-node-gpu 4.22 is built for CUDA 11.2 and cuDNN 8.1: no other base will do.
FROM nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 AS gpu
COPY --from=build-gpu /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build-gpu /app /app
RUN install -d -o 1000 -g 1000 /var/lib/plainview
USER 1000
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview PLAINVIEW_ENGINE=gpu
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]

FROM node:22-bookworm-slim AS cpu
WORKDIR /app
COPY --from=build /app /app
RUN install -d -o 1000 -g 1000 /var/lib/plainview
USER 1000
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]
