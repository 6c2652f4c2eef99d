package ingress

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// site is one host as nginx is to serve it.
type site struct {
	Host      string // "" is every host that no other site has
	Secret    string // key of the Secret with its certificate; "" is plain HTTP
	Locations []location
}

// location is a path of a site.
type location struct {
	Match    string // as nginx writes it: "= /exact" or "/prefix/"
	Upstream string // name of the upstream; "" answers 503
	Settings settings
	Redirect bool // plain HTTP is sent to HTTPS
}

// upstream is the ready pods behind a port of a Service.
type upstream struct {
	Name    string
	Servers []string // host:port, sorted
}

// sites turns the Ingresses of our class into what nginx serves. Where two claim the same path of a host, the older one keeps it.
func sites(w world) ([]site, []upstream) {
	byHost := map[string]*site{}
	upstreams := map[string]upstream{}
	for _, in := range oldestFirst(w.ingresses) {
		secrets := map[string]string{}
		for _, t := range in.Spec.TLS {
			for _, host := range t.Hosts {
				secrets[host] = in.Metadata.Namespace + "/" + t.SecretName
			}
		}
		add := func(host, path, pathType string, b backend) {
			s := byHost[host]
			if s == nil {
				s = &site{Host: host}
				byHost[host] = s
			}
			s.Secret = cmp.Or(s.Secret, secrets[host])
			set := settingsOf(in.Metadata.Annotations)
			up := upstreamOf(w, in.Metadata.Namespace, b)
			if len(up.Servers) > 0 {
				upstreams[up.Name] = up
			} else {
				up.Name = ""
			}
			for _, match := range matches(path, pathType) {
				if !slices.ContainsFunc(s.Locations, func(l location) bool { return l.Match == match }) {
					s.Locations = append(s.Locations, location{
						Match: match, Upstream: up.Name, Settings: set, Redirect: secrets[host] != "" && set.Redirect,
					})
				}
			}
		}
		for _, r := range in.Spec.Rules {
			for _, p := range r.HTTP.Paths {
				add(r.Host, p.Path, p.PathType, p.Backend)
			}
		}
		if in.Spec.DefaultBackend != nil {
			add("", "/", "Prefix", *in.Spec.DefaultBackend)
		}
	}
	return sorted(byHost), slices.SortedFunc(maps.Values(upstreams), func(a, b upstream) int { return cmp.Compare(a.Name, b.Name) })
}

func sorted(byHost map[string]*site) []site {
	var all []site
	for _, host := range slices.Sorted(maps.Keys(byHost)) {
		s := *byHost[host]
		slices.SortFunc(s.Locations, func(a, b location) int { return cmp.Compare(a.Match, b.Match) })
		all = append(all, s)
	}
	return all
}

func oldestFirst(all map[string]ingress) []ingress {
	var ours []ingress
	for _, in := range all {
		if in.Spec.IngressClassName == class && in.Metadata.DeletionTimestamp == nil {
			ours = append(ours, in)
		}
	}
	slices.SortFunc(ours, func(a, b ingress) int {
		return cmp.Or(a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp), cmp.Compare(a.Metadata.Key(), b.Metadata.Key()))
	})
	return ours
}

// matches gives the locations of nginx for a path of an Ingress. A prefix goes by whole elements: /a has /a and /a/b, but not /ab.
func matches(path, pathType string) []string {
	if path == "" {
		path = "/"
	}
	if strings.ContainsAny(path, " \t\r\n{};\"'\\$#") {
		return nil // nothing that nginx could read as more than a path
	}
	switch {
	case pathType == "Exact":
		return []string{"= " + path}
	case strings.HasSuffix(path, "/"):
		return []string{path}
	default:
		return []string{"= " + path, path + "/"}
	}
}

// upstreamOf finds the ready addresses behind a backend.
func upstreamOf(w world, namespace string, b backend) upstream {
	svc, found := w.services[namespace+"/"+b.Service.Name]
	if !found {
		return upstream{}
	}
	for _, p := range svc.Spec.Ports {
		if p.Port != b.Service.Port.Number && (p.Name == "" || p.Name != b.Service.Port.Name) {
			continue
		}
		up := upstream{Name: fmt.Sprintf("%s.%s.%d", b.Service.Name, namespace, p.Port)}
		for _, s := range w.slices {
			if s.Metadata.Namespace == namespace && s.Metadata.Labels["kubernetes.io/service-name"] == b.Service.Name && s.AddressType == "IPv4" {
				up.Servers = append(up.Servers, ready(s, p.Name)...)
			}
		}
		slices.Sort(up.Servers)
		up.Servers = slices.Compact(up.Servers)
		return up
	}
	return upstream{}
}

func ready(s slice, port string) []string {
	var servers []string
	for _, p := range s.Ports {
		if p.Name != port {
			continue
		}
		for _, e := range s.Endpoints {
			if (e.Conditions.Ready == nil || *e.Conditions.Ready) && len(e.Addresses) > 0 {
				servers = append(servers, fmt.Sprintf("%s:%d", e.Addresses[0], p.Port))
			}
		}
	}
	return servers
}
