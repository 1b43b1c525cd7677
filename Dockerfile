# Build:   docker build -t ravelin .
# Engine:  docker run --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add BPF --cap-add PERFMON --cap-add CHOWN \
#            -v /sys/fs/bpf:/sys/fs/bpf -v ravelin-state:/var/lib/ravelin -v ravelin-run:/run/ravelin ravelin
# Gateway: docker run --network host --cap-drop ALL --user ravelin-gateway \
#            -v ravelin-gateway:/var/lib/ravelin-gateway -v ravelin-run:/run/ravelin ravelin ravelin-gateway

FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends clang-19 llvm-19 libbpf-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release --features ravelin-daemon/kernel \
    -p ravelin-daemon -p ravelin-gateway -p ravelin-cli

FROM debian:bookworm-slim
# The engine chowns the gateway's socket to this user and lets this group in without a token.
RUN groupadd --system ravelin \
    && useradd --system --no-create-home --shell /usr/sbin/nologin ravelin-gateway \
    && install -d -m 0700 /var/lib/ravelin \
    && install -d -m 0700 -o ravelin-gateway /var/lib/ravelin-gateway \
    && install -d -m 0755 /run/ravelin
COPY --from=build /src/target/release/raveld /src/target/release/ravelin-gateway /src/target/release/ravelin \
    /usr/local/bin/
COPY LICENSE-APACHE LICENSE-MIT ebpf/LICENSE-GPL-2.0 ebpf/LICENSE-BSD-2-Clause /usr/share/doc/ravelin/
VOLUME ["/var/lib/ravelin", "/var/lib/ravelin-gateway", "/run/ravelin"]
CMD ["raveld"]
