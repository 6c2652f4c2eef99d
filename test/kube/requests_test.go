package kube

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func TestRequestsAreRecordedInOrder(t *testing.T) {
	c := Start(t)
	var sent Requests
	api, err := kubernetes.NewForConfig(sent.Through(c.Config))
	if err != nil {
		t.Fatal(err)
	}
	maps := api.CoreV1().ConfigMaps(c.Namespace)
	if _, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{FieldManager: "me"}); err != nil {
		t.Fatal(err)
	}
	mark := sent.Count()
	watch, err := maps.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watch.Stop()
	path := "/api/v1/namespaces/" + c.Namespace + "/configmaps"
	all := sent.Since(0)
	if got, want := fmt.Sprint(all[:mark]), "[POST "+path+"?fieldManager=me]"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got := sent.Since(mark); len(got) != 1 || !got[0].Watch || got[0].Path != path {
		t.Errorf("after the mark: %v", got)
	}
	if all[0].Watch {
		t.Error("a POST counts as a watch")
	}
	if _, err := kubernetes.NewForConfigOrDie(c.Config).CoreV1().ConfigMaps(c.Namespace).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if sent.Count() != mark+1 {
		t.Error("the configuration that was copied is recorded too")
	}
}
