# Another base, or this one pinned: --build-arg BASE=node:24-bookworm-slim@sha256:…
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No script of a package is needed: the base brings Node, and better-sqlite3 its binaries.
# For a registry of yours: --secret id=npmrc,src=$HOME/.npmrc, which stays in no layer.
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc \
  npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# What is published, and beside it the one library that cannot be bundled, with the binary of this platform alone.
RUN npm pack --pack-destination /tmp \
  && mkdir -p /out/node_modules/better-sqlite3/prebuilds \
  && tar -xzf /tmp/watchkeeper-*.tgz -C /out --strip-components=1 --no-same-owner \
  && cd node_modules/better-sqlite3 \
  && cp -r package.json LICENSE lib /out/node_modules/better-sqlite3/ \
  && cp "prebuilds/linux-$(node -p process.arch).node" /out/node_modules/better-sqlite3/prebuilds/ \
  && cp /build/deploy/healthy.js /out/
# An image that cannot open a database is not made.
RUN cd /out && node --eval 'new (require("better-sqlite3"))(":memory:").exec("select 1")' \
  && node bin/watchkeeper.js --version

FROM ${BASE}
# The base's own user, by number: what runs it can see that it is not root.
RUN install -d -m 0700 -o 1000 -g 1000 /var/lib/watchkeeper \
  && install -d /config \
  && ln -s /opt/watchkeeper/bin/watchkeeper.js /usr/local/bin/watchkeeper
COPY --from=build /out /opt/watchkeeper
# The last: else the allocator keeps memory back for each thread, which the daemon mostly has for nothing.
ENV WATCHKEEPER_CONFIG=/config/agent.config.ts \
  WATCHKEEPER_STATE=/var/lib/watchkeeper \
  MALLOC_ARENA_MAX=2
WORKDIR /config
VOLUME /var/lib/watchkeeper
EXPOSE 7373
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m CMD ["node", "/opt/watchkeeper/healthy.js"]
ENTRYPOINT ["watchkeeper"]
CMD ["start"]
# Version and revision are the builder's to say: --label org.opencontainers.image.version=…
LABEL org.opencontainers.image.title="watchkeeper" \
  org.opencontainers.image.description="Keeps watch over your inbox, calendar and services, and wakes an agent only when something is new." \
  org.opencontainers.image.licenses="MIT"
