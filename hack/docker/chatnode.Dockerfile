# The image chatfleet/chatnode by a container engine; `make images` makes it without one.
#   docker build -f hack/docker/chatnode.Dockerfile --build-arg VERSION=dev -t chatfleet/chatnode:dev .
FROM --platform=$BUILDPLATFORM node:22 AS page
WORKDIR /page
COPY chatnode/web/page/package.json chatnode/web/page/package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /page/node_modules chatnode/web/page/node_modules
RUN cd hack/tools && go run ./webbundle -in /src/chatnode/web/page -out /src/chatnode/web/dist
RUN hack/docker/rootfs
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /rootfs/chatnode ./chatnode

FROM scratch
COPY --from=build /rootfs/ /
COPY --from=build --chown=65532:65532 /data /data
LABEL org.opencontainers.image.title="chatfleet node" \
      org.opencontainers.image.description="A chat node of chatfleet: WebSockets and HTTP streams over NATS JetStream" \
      org.opencontainers.image.source="https://github.com/chatfleet/chatfleet" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/
WORKDIR /
USER 65532:65532
EXPOSE 8080/tcp 9090/tcp
ENTRYPOINT ["/chatnode"]
