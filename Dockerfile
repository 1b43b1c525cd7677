# The engine, its gateway and command line in a container, for labs: what it filters are interfaces of the host.
#
# Build:   docker build -t ravelin .
#          or of what `scripts/build kernel --release` made on Debian 12 or 13, in seconds:
#          docker build -t ravelin --build-arg BINARIES=given .
# Engine:  docker run -d --name raveld --network host --cap-drop ALL \
#            --cap-add NET_ADMIN --cap-add BPF --cap-add PERFMON --cap-add CHOWN \
#            -v /sys/fs/bpf:/sys/fs/bpf -v ravelin-state:/var/lib/ravelin -v ravelin-run:/run/ravelin ravelin
# Gateway: docker run -d --name ravelin-gateway --network host --cap-drop ALL --user ravelin-gateway \
#            -v ravelin-gateway:/var/lib/ravelin-gateway -v ravelin-run:/run/ravelin ravelin ravelin-gateway
#
# Stopping a container does not stop filtering: the programs stay attached; `docker run` with `raveld detach` removes
# them. There is no agent in it: no updates, no network services, and GET /api/v1/system says "appliance": false.
# /proc/sys is read-only in it: for counts of connections, set net.netfilter.nf_conntrack_acct=1 on the host. A seccomp
# profile that wants CAP_SYS_ADMIN for bpf, as old ones of podman do, has to let bpf and perf_event_open through.

ARG BINARIES=built

FROM rust:1.95.0-trixie AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends clang-19 llvm-19 libbpf-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release --features ravelin-daemon/kernel \
    -p ravelin-daemon -p ravelin-gateway -p ravelin-cli

FROM scratch AS built
COPY --from=build /src/target/release/raveld /src/target/release/ravelin-gateway /src/target/release/ravelin /

FROM scratch AS given
COPY target/ravelin/kernel/raveld target/ravelin/kernel/ravelin-gateway target/ravelin/kernel/ravelin /

FROM ${BINARIES} AS binaries

FROM debian:trixie-slim AS runtime
# nft is the other half of the data plane.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nftables \
    && rm -rf /var/lib/apt/lists/*
# The engine chowns the gateway's socket to this user and lets this group in without a token.
RUN groupadd --system ravelin \
    && useradd --system --no-create-home --shell /usr/sbin/nologin ravelin-gateway \
    && install -d -m 0700 /var/lib/ravelin \
    && install -d -m 0700 -o ravelin-gateway /var/lib/ravelin-gateway \
    && install -d -m 0755 /run/ravelin
COPY --from=binaries /raveld /ravelin-gateway /ravelin /usr/local/bin/
COPY LICENSE-APACHE LICENSE-MIT ebpf/LICENSE-GPL-2.0 ebpf/LICENSE-BSD-2-Clause /usr/share/doc/ravelin/
VOLUME ["/var/lib/ravelin", "/var/lib/ravelin-gateway", "/run/ravelin"]
CMD ["raveld"]
