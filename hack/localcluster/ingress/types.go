package ingress

import (
	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
)

type ingress struct {
	Metadata kube.Meta
	Spec     struct {
		IngressClassName string
		DefaultBackend   *backend
		TLS              []struct {
			Hosts      []string
			SecretName string
		}
		Rules []rule
	}
	Status struct {
		LoadBalancer struct{ Ingress []struct{ IP string } }
	}
}

type rule struct {
	Host string
	HTTP struct {
		Paths []struct {
			Path     string
			PathType string
			Backend  backend
		}
	}
}

type backend struct {
	Service struct {
		Name string
		Port struct {
			Name   string
			Number int
		}
	}
}

type service struct {
	Metadata kube.Meta
	Spec     struct {
		Ports []struct {
			Name string
			Port int
		}
	}
}

type slice struct {
	Metadata    kube.Meta
	AddressType string
	Endpoints   []struct {
		Addresses  []string
		Conditions struct{ Ready *bool }
	}
	Ports []struct {
		Name string
		Port int
	}
}

type secret struct {
	Metadata kube.Meta
	Data     map[string][]byte
}

// world is all that a configuration is made from, by key.
type world struct {
	ingresses map[string]ingress
	services  map[string]service
	slices    map[string]slice
	secrets   map[string]secret
}
