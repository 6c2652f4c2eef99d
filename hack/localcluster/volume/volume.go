// Package volume makes the volumes of the StorageClass "local": claims come in, and directories on the disks of the nodes with volumes that
// lead to them go out. They are as many as are asked for, each as large as its claim says (nothing enforces that), and deleted with
// their claim.
package volume

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

const (
	class       = "local"
	provisioner = "chatfleet.dev/localcluster"
	// The scheduler writes the node it chose here, once a pod needs the claim.
	selectedNode  = "volume.kubernetes.io/selected-node"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	volumes       = "/api/v1/persistentvolumes"
	claims        = "/api/v1/persistentvolumeclaims"
)

type resources struct {
	Requests map[string]string `json:"requests,omitempty"`
}

type claim struct {
	Metadata kube.Meta
	Spec     struct {
		StorageClassName string
		VolumeName       string
		VolumeMode       string
		AccessModes      []string
		Resources        resources
	}
	Status struct {
		Phase    string
		Capacity map[string]string
	}
}

type volume struct {
	Metadata kube.Meta
	Spec     struct {
		Capacity                      map[string]string
		PersistentVolumeReclaimPolicy string
		Local                         struct{ Path string }
		ClaimRef                      struct{ Namespace, Name, UID string }
	}
	Status struct{ Phase string }
}

type controller struct {
	cluster  layout.Cluster
	client   *kube.Client
	claims   *kube.Mirror[claim]
	volumes  *kube.Mirror[volume]
	reported map[string]string // what was last told about a claim, by UID
}

// Run makes and deletes volumes until ctx ends.
func Run(ctx context.Context, c layout.Cluster) error {
	client, err := kube.New(c.Kubeconfig("volume"), nil)
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	v := &controller{
		cluster:  c,
		client:   client,
		claims:   kube.NewMirror[claim](ctx, client, claims, changed),
		volumes:  kube.NewMirror[volume](ctx, client, volumes, changed),
		reported: map[string]string{},
	}
	again := time.NewTicker(10 * time.Second) // for what failed
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again.C:
		}
		if err := v.reconcile(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (v *controller) reconcile(ctx context.Context) error {
	claims, heardClaims := v.claims.All()
	volumes, heardVolumes := v.volumes.All()
	if !heardClaims || !heardVolumes {
		return nil
	}
	var failed []error
	for _, c := range claims {
		node := c.Metadata.Annotations[selectedNode]
		_, made := volumes[volumeName(c)]
		switch {
		case c.Spec.StorageClassName != class || c.Metadata.DeletionTimestamp != nil:
		case c.Status.Phase == "Pending" && node != "" && !made:
			failed = append(failed, v.provision(ctx, c, node))
		case c.Status.Phase == "Bound":
			failed = append(failed, v.grow(ctx, c, volumes[c.Spec.VolumeName]))
		}
	}
	for name, vol := range volumes {
		ours := vol.Metadata.Annotations[provisionedBy] == provisioner
		if ours && vol.Status.Phase == "Released" && vol.Spec.PersistentVolumeReclaimPolicy == "Delete" {
			failed = append(failed, v.remove(ctx, name, vol))
		}
	}
	return errors.Join(failed...)
}

func volumeName(c claim) string { return "local-" + c.Metadata.UID }

// provision makes the directory and the volume of a claim whose node is known.
func (v *controller) provision(ctx context.Context, c claim, node string) error {
	size := c.Spec.Resources.Requests["storage"]
	if reason := refuse(c); reason != "" {
		return v.tell(ctx, c, reason)
	}
	path := v.cluster.Path("nodes", node, "volumes", volumeName(c))
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("make a volume: %w", err)
	}
	if err := os.Chmod(path, 0o777); err != nil { // whatever the umask: the user of the pod is not known
		return fmt.Errorf("open a volume to everybody: %w", err)
	}
	type object map[string]any
	err := v.client.Create(ctx, volumes, object{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": object{"name": volumeName(c), "annotations": object{provisionedBy: provisioner}},
		"spec": object{
			"capacity":                      object{"storage": size},
			"accessModes":                   c.Spec.AccessModes,
			"persistentVolumeReclaimPolicy": "Delete",
			"storageClassName":              class,
			"volumeMode":                    "Filesystem",
			"local":                         object{"path": path},
			"claimRef": object{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": c.Metadata.UID,
				"namespace": c.Metadata.Namespace, "name": c.Metadata.Name,
			},
			"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{
				{"key": "kubernetes.io/hostname", "operator": "In", "values": []string{node}},
			}}}}},
		},
	})
	if err != nil && !kube.IsCode(err, http.StatusConflict) {
		return fmt.Errorf("make volume for claim %s: %w", c.Metadata.Key(), err)
	}
	fmt.Fprintf(os.Stderr, "made %s of %s for claim %s on %s\n", volumeName(c), size, c.Metadata.Key(), node)
	return nil
}

// grow gives a bound claim the size that it asks for by now.
func (v *controller) grow(ctx context.Context, c claim, vol volume) error {
	size := c.Spec.Resources.Requests["storage"]
	if vol.Metadata.Name == "" || !larger(size, c.Status.Capacity["storage"]) {
		return nil
	}
	if reason := refuse(c); reason != "" {
		return v.tell(ctx, c, reason)
	}
	capacity := map[string]any{"capacity": map[string]string{"storage": size}}
	if err := v.client.Merge(ctx, volumes+"/"+vol.Metadata.Name, map[string]any{"spec": capacity}); err != nil {
		return fmt.Errorf("grow volume of %s: %w", c.Metadata.Key(), err)
	}
	path := "/api/v1/namespaces/" + c.Metadata.Namespace + "/persistentvolumeclaims/" + c.Metadata.Name + "/status"
	if err := v.client.Merge(ctx, path, map[string]any{"status": capacity}); err != nil {
		return fmt.Errorf("grow claim %s: %w", c.Metadata.Key(), err)
	}
	fmt.Fprintf(os.Stderr, "grew %s to %s\n", c.Metadata.Key(), size)
	return nil
}

// remove deletes a volume whose claim is gone, with its directory.
func (v *controller) remove(ctx context.Context, name string, vol volume) error {
	if err := os.RemoveAll(vol.Spec.Local.Path); err != nil {
		return fmt.Errorf("delete the directory of volume %s: %w", name, err)
	}
	if err := v.client.Delete(ctx, volumes+"/"+name); err != nil {
		return fmt.Errorf("delete volume %s: %w", name, err)
	}
	fmt.Fprintf(os.Stderr, "deleted %s of claim %s/%s\n", name, vol.Spec.ClaimRef.Namespace, vol.Spec.ClaimRef.Name)
	return nil
}

// tell writes an event on a claim, once for each reason.
func (v *controller) tell(ctx context.Context, c claim, reason string) error {
	if v.reported[c.Metadata.UID] == reason {
		return nil
	}
	now := time.Now().UTC().Format(time.RFC3339)
	type object map[string]any
	err := v.client.Create(ctx, "/api/v1/namespaces/"+c.Metadata.Namespace+"/events", object{
		"metadata":       object{"generateName": c.Metadata.Name + "-"},
		"involvedObject": object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": c.Metadata.Namespace, "name": c.Metadata.Name, "uid": c.Metadata.UID},
		"type":           "Warning", "reason": "ProvisioningFailed", "message": reason, "count": 1,
		"firstTimestamp": now, "lastTimestamp": now, "source": object{"component": provisioner},
	})
	if err != nil {
		return fmt.Errorf("tell about claim %s: %w", c.Metadata.Key(), err)
	}
	v.reported[c.Metadata.UID] = reason
	return nil
}
