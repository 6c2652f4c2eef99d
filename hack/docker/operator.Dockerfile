# The image chatfleet/operator by a container engine; `make images` makes it without one.
#   docker build -f hack/docker/operator.Dockerfile --build-arg VERSION=dev -t chatfleet/operator:dev .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN hack/docker/rootfs
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /rootfs/operator ./controllers

FROM scratch
COPY --from=build /rootfs/ /
LABEL org.opencontainers.image.title="chatfleet operator" \
      org.opencontainers.image.description="Runs chat fleets and their NATS backbone on Kubernetes" \
      org.opencontainers.image.source="https://github.com/chatfleet/chatfleet" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/operator"]
