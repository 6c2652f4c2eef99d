# The image chatfleet/nats by a container engine; `make images` makes it without one. Its tag begins with the version of NATS in go.mod.
#   docker build -f hack/docker/nats.Dockerfile --build-arg VERSION=dev -t chatfleet/nats:2.15.2-dev .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN hack/docker/rootfs
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /rootfs/natsboot ./controllers/natsboot
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /rootfs/nats-server github.com/nats-io/nats-server/v2

FROM scratch
COPY --from=build /rootfs/ /
COPY --from=build --chown=65532:65532 /data /data
LABEL org.opencontainers.image.title="NATS server for chatfleet" \
      org.opencontainers.image.description="nats-server and the small program that starts it for the chatfleet operator" \
      org.opencontainers.image.source="https://github.com/chatfleet/chatfleet" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/
WORKDIR /
USER 65532:65532
EXPOSE 4222/tcp 6222/tcp 8222/tcp
ENTRYPOINT ["/natsboot"]
