module github.com/chatfleet/chatfleet/hack/localcluster

go 1.26.4

godebug default=go1.26

require k8s.io/kubernetes v1.37.1

require bitbucket.org/bertimus9/systemstat v0.5.0

require github.com/JeffAshton/win_pdh v0.0.0-20161109143554-76bb4ee9f0ab

require github.com/Microsoft/go-winio v0.6.2

require github.com/Microsoft/hnslib v0.1.3

require github.com/blang/semver/v4 v4.0.0

require github.com/container-storage-interface/spec v1.12.1-0.20260720052920-cd9e7ad1ae09

require github.com/coredns/corefile-migration v1.0.34

require github.com/coreos/go-oidc v2.5.0+incompatible

require github.com/coreos/go-systemd/v22 v22.7.0

require github.com/cpuguy83/go-md2man/v2 v2.0.7

require github.com/cyphar/filepath-securejoin v0.7.0

require github.com/distribution/reference v0.6.0

require github.com/docker/go-units v0.5.0

require github.com/emicklei/go-restful/v3 v3.13.0

require github.com/fsnotify/fsnotify v1.10.1

require github.com/go-logr/logr v1.4.4

require github.com/go-openapi/jsonreference v1.0.0

require github.com/godbus/dbus/v5 v5.2.2

require github.com/google/cadvisor/lib v0.60.5

require github.com/google/cel-go v0.29.2

require github.com/google/gnostic-models v0.7.1

require github.com/google/go-cmp v0.7.0

require github.com/google/uuid v1.6.0

require github.com/gorilla/websocket v1.5.4-0.20250319132907-e064f32e3674

require github.com/ishidawataru/sctp v0.0.0-20250521072954-ae8eb7fa7995

require github.com/lithammer/dedent v1.1.0

require github.com/moby/ipvs v1.1.0

require github.com/moby/sys/userns v0.1.0

require github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822

require github.com/onsi/ginkgo/v2 v2.32.0

require github.com/onsi/gomega v1.42.1

require github.com/opencontainers/cgroups v0.0.7

require github.com/opencontainers/selinux v1.15.1

require github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2

require github.com/prometheus/client_model v0.6.3

require github.com/prometheus/common v0.72.0

require github.com/robfig/cron/v3 v3.0.1

require github.com/spf13/cobra v1.10.2

require github.com/spf13/pflag v1.0.10

require github.com/stretchr/testify v1.12.1

require github.com/vishvananda/netlink v1.3.1

require github.com/vishvananda/netns v0.0.5

require go.etcd.io/etcd/api/v3 v3.7.2

require go.etcd.io/etcd/client/pkg/v3 v3.7.2

require go.etcd.io/etcd/client/v3 v3.7.2

require go.opentelemetry.io/contrib/instrumentation/github.com/emicklei/go-restful/otelrestful v0.69.0

require go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.69.0

require go.opentelemetry.io/otel v1.45.0

require go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc v1.45.0

require go.opentelemetry.io/otel/metric v1.45.0

require go.opentelemetry.io/otel/sdk v1.45.0

require go.opentelemetry.io/otel/trace v1.45.0

require go.opentelemetry.io/proto/otlp v1.11.0

require go.uber.org/goleak v1.3.0

require go.uber.org/zap v1.28.0

require go.yaml.in/yaml/v2 v2.4.4

require golang.org/x/crypto v0.58.0

require golang.org/x/net v0.60.0

require golang.org/x/oauth2 v0.37.0

require golang.org/x/sync v0.24.0

require golang.org/x/sys v0.49.0

require golang.org/x/term v0.47.0

require golang.org/x/text v0.43.0

require golang.org/x/time v0.16.0

require golang.org/x/tools v0.51.0

require google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc

require google.golang.org/grpc v1.84.0

require google.golang.org/protobuf v1.36.12

require gopkg.in/evanphx/json-patch.v4 v4.13.0

require gopkg.in/go-jose/go-jose.v2 v2.6.3

require gopkg.in/inf.v0 v0.9.1

require k8s.io/api v0.37.1

require k8s.io/apiextensions-apiserver v0.37.1

require k8s.io/apimachinery v0.37.1

require k8s.io/apiserver v0.37.1

require k8s.io/cli-runtime v0.37.1

require k8s.io/client-go v0.37.1

require k8s.io/cloud-provider v0.37.1

require k8s.io/cluster-bootstrap v0.37.1

require k8s.io/code-generator v0.37.1

require k8s.io/component-base v0.37.1

require k8s.io/component-helpers v0.37.1

require k8s.io/controller-manager v0.37.1

require k8s.io/cri-api v0.37.1

require k8s.io/cri-client v0.37.1

require k8s.io/cri-streaming v0.37.1

require k8s.io/csi-translation-lib v0.37.1

require k8s.io/dynamic-resource-allocation v0.37.1

require k8s.io/endpointslice v0.37.1

require k8s.io/externaljwt v0.37.1

require k8s.io/klog/v2 v2.140.0

require k8s.io/kms v0.37.1

require k8s.io/kube-aggregator v0.37.1

require k8s.io/kube-controller-manager v0.37.1

require k8s.io/kube-openapi v0.0.0-20260721132016-d427ff9ee9ad

require k8s.io/kube-proxy v0.37.1

require k8s.io/kube-scheduler v0.37.1

require k8s.io/kubectl v0.37.1

require k8s.io/kubelet v0.37.1

require k8s.io/metrics v0.37.1

require k8s.io/mount-utils v0.37.1

require k8s.io/pod-security-admission v0.37.1

require k8s.io/sample-apiserver v0.37.1

require k8s.io/streaming v0.37.1

require k8s.io/system-validators v1.12.1

require k8s.io/utils v0.0.0-20260626114624-be93311217bd

require sigs.k8s.io/json v0.0.0-20250730193827-2d320260d730

require sigs.k8s.io/knftables v0.0.22

require sigs.k8s.io/randfill v1.0.0

require sigs.k8s.io/structured-merge-diff/v6 v6.4.2

require sigs.k8s.io/yaml v1.6.0

require (
	github.com/coredns/coredns v1.15.0
	sigs.k8s.io/metrics-server v0.9.0
	tags.cncf.io/container-device-interface/specs-go v1.1.0
)

require cel.dev/expr v0.25.2 // indirect

require cyphar.com/go-pathrs v0.2.5 // indirect

require github.com/Azure/go-ansiterm v0.0.0-20250102033503-faa5f7b0171c // indirect

require github.com/MakeNowJust/heredoc v1.0.0 // indirect

require github.com/Masterminds/semver/v3 v3.5.0 // indirect

require github.com/NYTimes/gziphandler v1.1.1 // indirect

require github.com/antlr4-go/antlr/v4 v4.13.1 // indirect

require github.com/beorn7/perks v1.0.1 // indirect

require github.com/cenkalti/backoff/v5 v5.0.3 // indirect

require github.com/cespare/xxhash/v2 v2.3.0 // indirect

require github.com/chai2010/gettext-go v1.0.2 // indirect

require github.com/containerd/containerd/api v1.11.1 // indirect

require github.com/containerd/log v0.1.0 // indirect

require github.com/containerd/ttrpc v1.2.9 // indirect

require github.com/coredns/caddy v1.1.4 // indirect

require github.com/coreos/go-semver v0.3.1 // indirect

require github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc // indirect

require github.com/dustin/go-humanize v1.0.1 // indirect

require github.com/exponent-io/jsonpath v0.0.0-20210407135951-1de76d718b3f // indirect

require github.com/fatih/camelcase v1.0.0 // indirect

require github.com/felixge/httpsnoop v1.1.0 // indirect

require github.com/fxamacker/cbor/v2 v2.9.2 // indirect

require github.com/go-errors/errors v1.5.1 // indirect

require github.com/go-logr/stdr v1.2.2 // indirect

require github.com/go-logr/zapr v1.3.0 // indirect

require github.com/go-openapi/jsonpointer v1.0.0 // indirect

require github.com/go-openapi/swag v0.27.1 // indirect

require github.com/go-openapi/swag/cmdutils v0.27.1 // indirect

require github.com/go-openapi/swag/conv v0.27.1 // indirect

require github.com/go-openapi/swag/fileutils v0.27.1 // indirect

require github.com/go-openapi/swag/jsonutils v0.27.1 // indirect

require github.com/go-openapi/swag/loading v0.27.1 // indirect

require github.com/go-openapi/swag/mangling v0.27.1 // indirect

require github.com/go-openapi/swag/netutils v0.27.1 // indirect

require github.com/go-openapi/swag/pools v0.27.1 // indirect

require github.com/go-openapi/swag/stringutils v0.27.1 // indirect

require github.com/go-openapi/swag/typeutils v0.27.1 // indirect

require github.com/go-openapi/swag/yamlutils v0.27.1 // indirect

require github.com/go-task/slim-sprig/v3 v3.0.0 // indirect

require github.com/gogo/protobuf v1.3.2 // indirect

require github.com/golang-jwt/jwt/v5 v5.3.1 // indirect

require github.com/golang/protobuf v1.5.4 // indirect

require github.com/google/btree v1.1.3 // indirect

require github.com/google/nftables v0.3.0 // indirect

require github.com/google/pprof v0.0.0-20260604005048-7023385849c0 // indirect

require github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus v1.1.0 // indirect

require github.com/grpc-ecosystem/go-grpc-middleware/v2 v2.3.3 // indirect

require github.com/grpc-ecosystem/grpc-gateway/v2 v2.29.0 // indirect

require github.com/inconshreveable/mousetrap v1.1.0 // indirect

require github.com/jonboulle/clockwork v0.5.0 // indirect

require github.com/json-iterator/go v1.1.12 // indirect

require github.com/kylelemons/godebug v1.1.0 // indirect

require github.com/liggitt/tabwriter v0.0.0-20181228230101-89fcab3d43de // indirect

require github.com/mdlayher/netlink v1.11.2 // indirect

require github.com/mdlayher/socket v0.6.1 // indirect

require github.com/mitchellh/go-wordwrap v1.0.1 // indirect

require github.com/moby/spdystream v0.5.1 // indirect

require github.com/moby/sys/mountinfo v0.7.2 // indirect

require github.com/moby/term v0.5.2 // indirect

require github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect

require github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect

require github.com/monochromegane/go-gitignore v0.0.0-20200626010858-205db1a8cc00 // indirect

require github.com/mxk/go-flowrate v0.0.0-20140419014527-cca7078d478f // indirect

require github.com/opencontainers/go-digest v1.0.0 // indirect

require github.com/opencontainers/image-spec v1.1.1 // indirect

require github.com/opencontainers/runtime-spec v1.3.0 // indirect

require github.com/peterbourgon/diskv v2.0.1+incompatible // indirect

require github.com/pquerna/cachecontrol v0.1.0 // indirect

require github.com/prometheus/client_golang v1.24.1 // indirect

require github.com/prometheus/procfs v0.21.1 // indirect

require github.com/russross/blackfriday/v2 v2.1.0 // indirect

require github.com/sirupsen/logrus v1.9.4 // indirect

require github.com/soheilhy/cmux v0.1.5 // indirect

require github.com/stretchr/objx v0.5.3 // indirect

require github.com/tmc/grpc-websocket-proxy v0.0.0-20220101234140-673ab2c3ae75 // indirect

require github.com/x448/float16 v0.8.4 // indirect

require github.com/xiang90/probing v0.0.0-20221125231312-a49e3df8f510 // indirect

require github.com/xlab/treeprint v1.2.0 // indirect

require go.etcd.io/bbolt v1.5.0 // indirect

require go.etcd.io/etcd/pkg/v3 v3.7.0 // indirect

require go.etcd.io/etcd/server/v3 v3.7.0

require go.etcd.io/raft/v3 v3.7.0 // indirect

require go.opentelemetry.io/auto/sdk v1.2.1 // indirect

require go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc v0.69.0 // indirect

require go.opentelemetry.io/otel/exporters/otlp/otlptrace v1.45.0 // indirect

require go.uber.org/multierr v1.11.0 // indirect

require go.yaml.in/yaml/v3 v3.0.5 // indirect

require golang.org/x/exp v0.0.0-20260529124908-c761662dc8c9 // indirect

require golang.org/x/mod v0.41.0 // indirect

require google.golang.org/genproto/googleapis/api v0.0.0-20260803160001-6ac0973c030d // indirect

require gopkg.in/natefinch/lumberjack.v2 v2.2.1 // indirect

require gopkg.in/yaml.v3 v3.0.1 // indirect

require k8s.io/gengo/v2 v2.0.0-20260408192533-25e2208e0dc3 // indirect

require sigs.k8s.io/apiserver-network-proxy/konnectivity-client v0.36.0 // indirect

require sigs.k8s.io/kustomize/api v0.21.1 // indirect

require sigs.k8s.io/kustomize/kustomize/v5 v5.8.1 // indirect

require (
	cloud.google.com/go/auth v0.24.1-0.20261001053825-dbc26066f70a // indirect
	cloud.google.com/go/auth/oauth2adapt v0.3.0 // indirect
	cloud.google.com/go/compute/metadata v0.10.0 // indirect
	github.com/Azure/azure-sdk-for-go v68.0.0+incompatible // indirect
	github.com/Azure/go-autorest v14.2.0+incompatible // indirect
	github.com/Azure/go-autorest/autorest v0.11.30 // indirect
	github.com/Azure/go-autorest/autorest/adal v0.9.22 // indirect
	github.com/Azure/go-autorest/autorest/azure/auth v0.5.13 // indirect
	github.com/Azure/go-autorest/autorest/azure/cli v0.4.6 // indirect
	github.com/Azure/go-autorest/autorest/date v0.3.0 // indirect
	github.com/Azure/go-autorest/autorest/to v0.2.0 // indirect
	github.com/Azure/go-autorest/logger v0.2.1 // indirect
	github.com/Azure/go-autorest/tracing v0.6.0 // indirect
	github.com/DataDog/datadog-agent/comp/core/tagger/origindetection v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/obfuscate v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/proto v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/remoteconfig/state v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/trace v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/trace/log v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/trace/stats v0.82.0 // indirect
	github.com/DataDog/datadog-agent/pkg/trace/traceutil v0.82.0 // indirect
	github.com/DataDog/datadog-go/v5 v5.9.0 // indirect
	github.com/DataDog/dd-trace-go/v2 v2.10.1 // indirect
	github.com/DataDog/go-libddwaf/v5 v5.0.1 // indirect
	github.com/DataDog/go-runtime-metrics-internal v0.0.4-0.20260217080614-b0f4edc38a6d // indirect
	github.com/DataDog/go-sqllexer v0.2.3 // indirect
	github.com/DataDog/go-tuf v1.1.1-0.5.2 // indirect
	github.com/DataDog/sketches-go v1.4.8 // indirect
	github.com/apparentlymart/go-cidr v1.1.1 // indirect
	github.com/aws/aws-sdk-go-v2 v1.47.1 // indirect
	github.com/aws/aws-sdk-go-v2/config v1.33.7 // indirect
	github.com/aws/aws-sdk-go-v2/credentials v1.20.7 // indirect
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.20.1 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.4 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.4 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.4 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.19 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.4 // indirect
	github.com/aws/aws-sdk-go-v2/service/route53 v1.70.2 // indirect
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.50.2 // indirect
	github.com/aws/aws-sdk-go-v2/service/signin v1.10.2 // indirect
	github.com/aws/aws-sdk-go-v2/service/sso v1.38.2 // indirect
	github.com/aws/aws-sdk-go-v2/service/ssooidc v1.43.2 // indirect
	github.com/aws/aws-sdk-go-v2/service/sts v1.51.2 // indirect
	github.com/aws/smithy-go v1.28.1 // indirect
	github.com/caddyserver/certmagic v0.25.6 // indirect
	github.com/caddyserver/zerossl v0.1.6 // indirect
	github.com/cihub/seelog v0.0.0-20170130134532-f561c5e57575 // indirect
	github.com/dimchansky/utfbom v1.1.1 // indirect
	github.com/dnstap/golang-dnstap v0.4.0 // indirect
	github.com/ebitengine/purego v0.10.0 // indirect
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/farsightsec/golang-framestream v0.3.0 // indirect
	github.com/flynn/go-shlex v0.0.0-20150515145356-3f9db97f8568 // indirect
	github.com/go-ole/go-ole v1.3.0 // indirect
	github.com/golang-jwt/jwt/v4 v4.5.2 // indirect
	github.com/google/s2a-go v0.1.11 // indirect
	github.com/googleapis/enterprise-certificate-proxy v0.3.22 // indirect
	github.com/googleapis/gax-go/v2 v2.26.2 // indirect
	github.com/grafana/regexp v0.0.0-20250905093917-f7b3be9d1853 // indirect
	github.com/grpc-ecosystem/grpc-opentracing v0.0.0-20180507213350-8e809c8a8645 // indirect
	github.com/hashicorp/cronexpr v1.1.3 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	github.com/hashicorp/go-rootcerts v1.0.2 // indirect
	github.com/hashicorp/go-version v1.9.0 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	github.com/hashicorp/nomad/api v0.0.0-20260616181215-ea1ca2d932bf // indirect
	github.com/infobloxopen/go-trees v0.0.0-20200715205103-96a057b8dfb9 // indirect
	github.com/jpillora/backoff v1.0.0 // indirect
	github.com/klauspost/compress v1.19.1 // indirect
	github.com/klauspost/cpuid/v2 v2.4.0 // indirect
	github.com/libdns/libdns v1.1.1 // indirect
	github.com/linkdata/deadlock v0.5.5 // indirect
	github.com/lufia/plan9stats v0.0.0-20260330125221-c963978e514e // indirect
	github.com/mdlayher/vsock v1.3.0 // indirect
	github.com/mholt/acmez/v3 v3.1.7 // indirect
	github.com/miekg/dns v1.1.73 // indirect
	github.com/minio/simdjson-go v0.4.5 // indirect
	github.com/mitchellh/go-homedir v1.1.0 // indirect
	github.com/mitchellh/mapstructure v1.5.1-0.20231216201459-8508981c8b6c // indirect
	github.com/mwitkow/go-conntrack v0.0.0-20190716064945-2f068394615f // indirect
	github.com/opentracing-contrib/go-observer v0.0.0-20170622124052-a52f23424492 // indirect
	github.com/opentracing/opentracing-go v1.2.0 // indirect
	github.com/openzipkin-contrib/zipkin-go-opentracing v0.5.0 // indirect
	github.com/openzipkin/zipkin-go v0.4.3 // indirect
	github.com/oschwald/geoip2-golang/v2 v2.4.0 // indirect
	github.com/oschwald/maxminddb-golang/v2 v2.6.0 // indirect
	github.com/outcaste-io/ristretto v0.2.3 // indirect
	github.com/petermattis/goid v0.0.0-20260226131333-17d1149c6ac6 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/pires/go-proxyproto v0.15.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.1-0.20240319094008-0393e58bdf10 // indirect
	github.com/power-devops/perfstat v0.0.0-20240221224432-82ca36839d55 // indirect
	github.com/prometheus/exporter-toolkit v0.20.0 // indirect
	github.com/prometheus/prometheus v0.313.0 // indirect
	github.com/puzpuzpuz/xsync/v3 v3.5.1 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/quic-go/quic-go v0.64.1 // indirect
	github.com/secure-systems-lab/go-securesystemslib v0.11.0 // indirect
	github.com/shirou/gopsutil/v4 v4.26.6 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/tklauser/go-sysconf v0.3.16 // indirect
	github.com/tklauser/numcpus v0.11.0 // indirect
	github.com/trailofbits/go-mutexasserts v0.0.0-20250514102930-c1f3d2e37561 // indirect
	github.com/yusufpapurcu/wmi v1.2.4 // indirect
	github.com/zeebo/blake3 v0.2.4 // indirect
	go.opentelemetry.io/collector/component v1.61.0 // indirect
	go.opentelemetry.io/collector/featuregate v1.61.0 // indirect
	go.opentelemetry.io/collector/pdata v1.61.0 // indirect
	go.opentelemetry.io/collector/pdata/pprofile v0.155.0 // indirect
	go.uber.org/atomic v1.11.0 // indirect
	go.uber.org/automaxprocs v1.6.0 // indirect
	go.uber.org/mock v0.6.0 // indirect
	go.uber.org/zap/exp v0.3.0 // indirect
	golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da // indirect
	google.golang.org/api v0.301.0 // indirect
	helm.sh/helm/v4 v4.3.1 // indirect
	sigs.k8s.io/kustomize/kyaml v0.21.2 // indirect
	sigs.k8s.io/kwok v0.8.0 // indirect
	sigs.k8s.io/mcs-api v0.5.2 // indirect
)

replace k8s.io/api => k8s.io/api v0.37.1

replace k8s.io/apiextensions-apiserver => k8s.io/apiextensions-apiserver v0.37.1

replace k8s.io/apimachinery => k8s.io/apimachinery v0.37.1

replace k8s.io/apiserver => k8s.io/apiserver v0.37.1

replace k8s.io/cli-runtime => k8s.io/cli-runtime v0.37.1

replace k8s.io/client-go => k8s.io/client-go v0.37.1

replace k8s.io/cloud-provider => k8s.io/cloud-provider v0.37.1

replace k8s.io/cluster-bootstrap => k8s.io/cluster-bootstrap v0.37.1

replace k8s.io/code-generator => k8s.io/code-generator v0.37.1

replace k8s.io/component-base => k8s.io/component-base v0.37.1

replace k8s.io/component-helpers => k8s.io/component-helpers v0.37.1

replace k8s.io/controller-manager => k8s.io/controller-manager v0.37.1

replace k8s.io/cri-api => k8s.io/cri-api v0.37.1

replace k8s.io/cri-client => k8s.io/cri-client v0.37.1

replace k8s.io/cri-streaming => k8s.io/cri-streaming v0.37.1

replace k8s.io/csi-translation-lib => k8s.io/csi-translation-lib v0.37.1

replace k8s.io/dynamic-resource-allocation => k8s.io/dynamic-resource-allocation v0.37.1

replace k8s.io/endpointslice => k8s.io/endpointslice v0.37.1

replace k8s.io/externaljwt => k8s.io/externaljwt v0.37.1

replace k8s.io/kms => k8s.io/kms v0.37.1

replace k8s.io/kube-aggregator => k8s.io/kube-aggregator v0.37.1

replace k8s.io/kube-controller-manager => k8s.io/kube-controller-manager v0.37.1

replace k8s.io/kube-proxy => k8s.io/kube-proxy v0.37.1

replace k8s.io/kube-scheduler => k8s.io/kube-scheduler v0.37.1

replace k8s.io/kubectl => k8s.io/kubectl v0.37.1

replace k8s.io/kubelet => k8s.io/kubelet v0.37.1

replace k8s.io/metrics => k8s.io/metrics v0.37.1

replace k8s.io/mount-utils => k8s.io/mount-utils v0.37.1

replace k8s.io/pod-security-admission => k8s.io/pod-security-admission v0.37.1

replace k8s.io/sample-apiserver => k8s.io/sample-apiserver v0.37.1

replace k8s.io/sample-cli-plugin => k8s.io/sample-cli-plugin v0.37.1

replace k8s.io/sample-controller => k8s.io/sample-controller v0.37.1

replace k8s.io/streaming => k8s.io/streaming v0.37.1
