# syntax=docker/dockerfile:1

# Everything that a build needs, and nothing of it in the image.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsup.config.ts openapi.json ./
COPY src ./src
COPY adapters ./adapters
RUN npm run build

# The packages that run, with those of every engine and store.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY docker/install-packages.sh ./docker/
RUN sh docker/install-packages.sh

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="ckan-datastore" \
      org.opencontainers.image.description="The tabular data API behind open-data portals" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE openapi.json ./
COPY adapters/node/start.cjs ./adapters/node/
COPY docker/entrypoint.sh docker/healthcheck.cjs ./docker/
RUN ln -s /app/adapters/node/start.cjs /usr/local/bin/ckan-datastore \
 && chmod 755 /app/adapters/node/start.cjs /app/docker/entrypoint.sh \
 && install -d -m 700 -o node -g node /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DUCKDB_PATH=/data
# For those who run it with a root file system that is read-only: nothing is written but here.
VOLUME /data
# The user `node`, by its number: orchestrators that insist on no root can tell.
USER 1000
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "/app/docker/healthcheck.cjs"]
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["serve"]
