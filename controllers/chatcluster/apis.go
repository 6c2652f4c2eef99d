package chatcluster

import (
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/chatfleet/chatfleet/controllers/plan"
)

// The optional APIs.
var (
	kindHTTPRoute      = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
	kindPodMonitor     = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PodMonitor"}
	kindPrometheusRule = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}
	kindCertificate    = schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}
)

// apisAge is how long it is believed at least which APIs the cluster has.
const apisAge = time.Second

// optionalAPIs knows which of them the cluster has.
type optionalAPIs struct {
	discovery discovery.ServerResourcesInterface
	now       func() time.Time

	mutex sync.Mutex
	asked time.Time
	kinds []schema.GroupVersionKind
}

// have are the kinds that exist. The API server is asked the first time, and again when a fresh answer is wanted.
func (o *optionalAPIs) have(fresh bool) ([]schema.GroupVersionKind, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.asked.IsZero() && (!fresh || o.now().Sub(o.asked) < apisAge) {
		return o.kinds, nil
	}
	var kinds []schema.GroupVersionKind
	for _, wanted := range [][]schema.GroupVersionKind{{kindHTTPRoute}, {kindPodMonitor, kindPrometheusRule}, {kindCertificate}} {
		version := wanted[0].GroupVersion()
		list, err := o.discovery.ServerResourcesForGroupVersion(version.String())
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("asking whether the cluster has the API %s: %w", version, err)
		}
		for _, kind := range wanted {
			if slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind.Kind }) {
				kinds = append(kinds, kind)
			}
		}
	}
	o.kinds, o.asked = kinds, o.now()
	return kinds, nil
}

func apisOf(kinds []schema.GroupVersionKind) plan.APIs {
	return plan.APIs{
		HTTPRoute:      slices.Contains(kinds, kindHTTPRoute),
		PodMonitor:     slices.Contains(kinds, kindPodMonitor),
		PrometheusRule: slices.Contains(kinds, kindPrometheusRule),
		Certificate:    slices.Contains(kinds, kindCertificate),
	}
}
