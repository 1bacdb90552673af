# syntax=docker/dockerfile:1
# Two images: `cpu` (the default) and `gpu`, which is the same with the files of the engine `cuda`. The steps are the same as
# without Docker: npm ci, npm run build, npm prune, plainview model fetch, plainview serve. What does not run is left out, and
# sbom.cdx.json lists what is in. Without ORT_DISABLE_TELEMETRY, onnxruntime sends reports to its makers and keeps a database in
# the home folder.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here. That of tfjs-node-gpu would download more than a gigabyte.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/build.mjs scripts/build-review.mjs scripts/trim-modules.mjs scripts/
# What `--version` says, because .git is not sent: --build-arg SOURCE_COMMIT=$(git rev-parse --short=12 HEAD)
ARG SOURCE_COMMIT
RUN node scripts/build.mjs && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
COPY orders orders
# `network.p[b]` copies NNCPR's network only if it is in the checkout.
COPY model/classes.txt model/nncpr-classes.txt model/categories.json model/views.json model/plainview.json model/plainview.pb model/upright.json model/side.pb model/side.json model/mirrored.pb model/mirrored.json model/self-test.json model/network.p[b] model/
COPY orthanc/hanging.yaml orthanc/ohif.js orthanc/plainview.json orthanc/
COPY lua/plainview.lua lua/
# If it is not, this downloads it and checks its hash. A site without internet names a mirror: --build-arg NNCPR_FROM=https://…
ARG NNCPR_FROM=""
RUN node dist/cli.js model fetch ${NNCPR_FROM:+--from "$NNCPR_FROM"}

# CUDA 13 and cuDNN 9 of the wheels that cuda-files.sha256 names: no base image of NVIDIA's is needed.
FROM build AS cuda
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip unzip && rm -rf /var/lib/apt/lists/*
COPY scripts/fetch-cuda.sh scripts/cuda-files.sha256 scripts/
# A site without internet names a mirror of PyPI: --build-arg PIP_INDEX_URL=https://…
ARG PIP_INDEX_URL
RUN sh scripts/fetch-cuda.sh && rm -rf cuda/wheels && cp scripts/cuda-files.sha256 cuda/

# tfjs-node-gpu is left out: it needs CUDA 11.2, which no image has here. npm does not list a folder that was trimmed, so its list
# has the compilers too that are trimmed.
FROM build AS trimmed
RUN npm pkg delete devDependencies && \
    npm uninstall @tensorflow/tfjs-node-gpu --omit=dev --ignore-scripts --no-audit --no-fund && \
    npm sbom --sbom-format=cyclonedx > sbom.cdx.json && node scripts/trim-modules.mjs . && \
    rm -rf src scripts tsconfig.json tsconfig.build.json

FROM node:22-bookworm-slim AS runtime
WORKDIR /app
COPY --from=trimmed /app /app
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

FROM runtime AS gpu
COPY --from=cuda /app/cuda /app/cuda
COPY --from=cuda /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_*.so /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/
# What the NVIDIA container toolkit mounts into the container: the driver's own libraries.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility PLAINVIEW_ENGINE=gpu

FROM runtime AS cpu
