# syntax=docker/dockerfile:1
# Two images from one file: `cpu` (the default) and `gpu`. The steps are those of a bare machine:
# npm ci, tsc, npm prune, plainview model fetch, plainview serve.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node_modules/.bin/tsc -p tsconfig.build.json && npm prune --omit=dev --no-audit --no-fund
COPY model/classes.txt model/nncpr-classes.txt model/plainview.json model/plainview.pb model/
# NNCPR's network, checked by its hash. A site without Internet gives a mirror: --build-arg NNCPR_FROM=https://…
ARG NNCPR_FROM=""
RUN node dist/cli.js model fetch ${NNCPR_FROM:+--from "$NNCPR_FROM"}

# tfjs-node-gpu 4.22 is built for CUDA 11.2 and cuDNN 8.1: no other base will do.
FROM nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 AS gpu
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build /app /app
RUN useradd --uid 1000 --create-home node && install -d -o node -g node /var/lib/plainview
USER node
ENV NODE_ENV=production PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview PLAINVIEW_ENGINE=gpu
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]

FROM node:22-bookworm-slim AS cpu
WORKDIR /app
COPY --from=build /app /app
RUN install -d -o node -g node /var/lib/plainview
USER node
ENV NODE_ENV=production PLAINVIEW_HOST=0.0.0.0 PLAINVIEW_STATE_DIR=/var/lib/plainview
VOLUME /var/lib/plainview
EXPOSE 8104
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8104/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli.js", "serve"]
