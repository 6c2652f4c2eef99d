package e2e

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestWhatIsNoLongerWantedGoesAndComesBackWhenItIs(t *testing.T) {
	f := needSolo(t)
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.Monitoring.Dashboard = v1alpha1.Enabled })
	var dashboard child
	eventually(t, time.Minute, "the dashboard", func() error {
		for _, c := range f.children(t) {
			if c.kind == "ConfigMap" && c.GetName() == f.names().Dashboard {
				dashboard = c
				return nil
			}
		}
		return fmt.Errorf("there is no ConfigMap %s", f.names().Dashboard)
	})
	unwanted := []child{
		dashboard, f.child(t, "Ingress", f.names().Clients), f.child(t, "NetworkPolicy", f.names().Node), f.child(t, "NetworkPolicy", f.names().Backbone),
	}
	spec := f.get(t).Spec
	no := false
	f.change(t, func(s *v1alpha1.ChatClusterSpec) {
		s.Monitoring.Dashboard, s.NetworkPolicy.Enabled, s.Exposure.Ingress = v1alpha1.Disabled, &no, nil
	})
	for _, c := range unwanted {
		eventually(t, time.Minute, c.String()+" to go", func() error {
			_, err := c.now(t.Context())
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("it is there still (%w)", err)
		})
	}
	f.change(t, func(s *v1alpha1.ChatClusterSpec) {
		s.Monitoring.Dashboard, s.NetworkPolicy, s.Exposure.Ingress = v1alpha1.Auto, spec.NetworkPolicy, spec.Exposure.Ingress
	})
	for _, c := range unwanted[1:] {
		eventually(t, time.Minute, c.String()+" to come back", func() error {
			_, err := c.now(t.Context())
			return err
		})
	}
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
}

func TestVolumesGrow(t *testing.T) {
	f := needSolo(t)
	claims := func() []corev1.PersistentVolumeClaim {
		var list corev1.PersistentVolumeClaimList
		if err := f.kube.List(t.Context(), &list, client.InNamespace(f.namespace), client.MatchingLabels{"chatfleet.dev/cluster": f.name}); err != nil {
			t.Fatal(err)
		}
		return list.Items
	}
	size := claims()[0].Spec.Resources.Requests[corev1.ResourceStorage]
	size.Add(resource.MustParse("64Mi"))
	began := time.Now()
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.Backbone.Managed.Storage.Size = size })
	eventually(t, 2*time.Minute, "the volume to grow", func() error {
		for _, c := range claims() {
			if has := c.Status.Capacity[corev1.ResourceStorage]; has.Cmp(size) < 0 {
				return fmt.Errorf("%s has %s of %s; %s", c.Name, has.String(), size.String(), says(f.get(t)))
			}
		}
		return nil
	})
	f.waitReady(t, readyWait)
	seconds(t, "growth_of_a_volume", began)
	f.waitExchange(t, time.Minute)
}
