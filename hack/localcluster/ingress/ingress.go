// Package ingress serves the Ingresses of class "nginx" with Debian's nginx at the cluster's outside address: Ingresses, Services, their
// EndpointSlices and Secrets come in, and a configuration of nginx and the address in the status of each Ingress go out.
package ingress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

const class = "nginx"

// gather is how long changes are collected before one reload: a rollout changes many endpoints at once.
const gather = 100 * time.Millisecond

type controller struct {
	cluster layout.Cluster
	client  *kube.Client
	server  *nginx
	current []byte // configuration that nginx runs with

	ingresses *kube.Mirror[ingress]
	services  *kube.Mirror[service]
	slices    *kube.Mirror[slice]
	secrets   *kube.Mirror[secret]
}

// Run serves until ctx ends or nginx does.
func Run(ctx context.Context, c layout.Cluster) error {
	client, err := kube.New(c.Kubeconfig("ingress"), nil)
	if err != nil {
		return err
	}
	dir := c.Path("ingress")
	if err := os.MkdirAll(filepath.Join(dir, "certificates"), 0o700); err != nil {
		return fmt.Errorf("make the directory of nginx: %w", err)
	}
	changed := make(chan struct{}, 1)
	i := &controller{
		cluster:   c,
		client:    client,
		server:    &nginx{dir: dir, ended: make(chan error, 1)},
		ingresses: kube.NewMirror[ingress](ctx, client, "/apis/networking.k8s.io/v1/ingresses", changed),
		services:  kube.NewMirror[service](ctx, client, "/api/v1/services", changed),
		slices:    kube.NewMirror[slice](ctx, client, "/apis/discovery.k8s.io/v1/endpointslices", changed),
		secrets:   kube.NewMirror[secret](ctx, client, "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls", changed),
	}
	defer i.server.stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-i.server.ended:
			return fmt.Errorf("nginx ended: %w", err)
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(gather):
		}
		if err := i.reconcile(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (i *controller) reconcile(ctx context.Context) error {
	var w world
	var heard [4]bool
	w.ingresses, heard[0] = i.ingresses.All()
	w.services, heard[1] = i.services.All()
	w.slices, heard[2] = i.slices.All()
	w.secrets, heard[3] = i.secrets.All()
	if heard != [4]bool{true, true, true, true} {
		return nil
	}
	certs, err := i.writeCertificates(w)
	if err != nil {
		return err
	}
	text, err := render(i.server.dir, i.cluster.Path("pki", "ingress-default"), certs, w)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, i.current) {
		if err := i.server.configure(ctx, text); err != nil {
			return err
		}
		i.current = text
	}
	return i.publish(ctx, w)
}

// writeCertificates writes the certificates that Ingresses name, under names that change with their content, so that a new one is a new
// configuration.
func (i *controller) writeCertificates(w world) (map[string]string, error) {
	files := map[string]string{}
	for _, in := range oldestFirst(w.ingresses) {
		for _, t := range in.Spec.TLS {
			key := in.Metadata.Namespace + "/" + t.SecretName
			s := w.secrets[key]
			if _, err := tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"]); err != nil {
				continue // missing or broken: nginx would refuse everybody's configuration for it
			}
			sum := sha256.Sum256(append(bytes.Clone(s.Data["tls.crt"]), s.Data["tls.key"]...))
			file := filepath.Join(i.server.dir, "certificates", fmt.Sprintf("%x", sum[:12]))
			err := errors.Join(os.WriteFile(file+".crt", s.Data["tls.crt"], 0o600), os.WriteFile(file+".key", s.Data["tls.key"], 0o600))
			if err != nil {
				return nil, fmt.Errorf("write the certificate of %s: %w", key, err)
			}
			files[key] = file
		}
	}
	return files, nil
}

// publish writes where an Ingress is served into its status.
func (i *controller) publish(ctx context.Context, w world) error {
	var failed []error
	for _, in := range oldestFirst(w.ingresses) {
		if at := in.Status.LoadBalancer.Ingress; len(at) == 1 && at[0].IP == layout.HostIP {
			continue
		}
		path := "/apis/networking.k8s.io/v1/namespaces/" + in.Metadata.Namespace + "/ingresses/" + in.Metadata.Name + "/status"
		address := []map[string]string{{"ip": layout.HostIP}}
		err := i.client.Merge(ctx, path, map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": address}}})
		if err != nil {
			failed = append(failed, fmt.Errorf("publish the address of ingress %s: %w", in.Metadata.Key(), err))
		}
	}
	return errors.Join(failed...)
}
