package ingress

import (
	"bytes"
	"fmt"
	"text/template"

	"golang.org/x/sys/unix"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

// page is what the template is made into a configuration with.
type page struct {
	Address   string
	Dir       string // of nginx: its process file and its buffers
	Default   string // certificate for hosts without one, without ".crt" and ".key"
	Sites     []site
	Upstreams []upstream
	Certs     map[string]string // by key of the Secret; like Default
	Files     uint64            // that nginx may have open
}

// A reload starts new workers and lets the old ones keep their connections until those end: no WebSocket is dropped, so there is no
// worker_shutdown_timeout here. The upstreams have no max_fails: an endpoint that is gone is taken out by its EndpointSlice.
var configuration = template.Must(template.New("nginx").Parse(`daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile {{.Files}};
pid {{.Dir}}/nginx.pid;
error_log stderr warn;
events { worker_connections {{.Connections}}; }
http {
	access_log off;
	server_tokens off;
	server_names_hash_bucket_size 256;
	keepalive_requests 100000;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	proxy_http_version 1.1;
	proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection $connection_upgrade;
	proxy_set_header Host $http_host;
	proxy_set_header X-Real-IP $remote_addr;
	proxy_set_header X-Forwarded-For $remote_addr;
	proxy_set_header X-Forwarded-Host $http_host;
	proxy_set_header X-Forwarded-Proto $scheme;
{{range .Upstreams}}
	upstream {{.Name}} {
{{- range .Servers}}
		server {{.}} max_fails=0;
{{- end}}
		keepalive 32;
	}
{{end}}
	server {
		listen {{.Address}}:80{{if not .HasCatchAll}} default_server{{end}};
		listen {{.Address}}:443 ssl{{if not .HasCatchAll}} default_server{{end}};
		server_name "nobody.invalid";
		ssl_certificate {{.Default}}.crt;
		ssl_certificate_key {{.Default}}.key;
		return 404;
	}
{{range .Sites}}
	server {
		listen {{$.Address}}:80{{if not .Host}} default_server{{end}};
		listen {{$.Address}}:443 ssl{{if not .Host}} default_server{{end}};
		server_name "{{.Host}}";
		ssl_certificate {{$.Certificate .Secret}}.crt;
		ssl_certificate_key {{$.Certificate .Secret}}.key;
{{- range .Locations}}
		location {{.Match}} {
{{- if .Redirect}}
			if ($scheme = http) { return 308 https://$host$request_uri; }
{{- end}}
{{- if .Upstream}}
			proxy_connect_timeout {{.Settings.ConnectTimeout}}s;
			proxy_read_timeout {{.Settings.ReadTimeout}}s;
			proxy_send_timeout {{.Settings.SendTimeout}}s;
			client_max_body_size {{.Settings.BodySize}};
			proxy_buffering {{if .Settings.Buffering}}on{{else}}off{{end}};
			proxy_pass http://{{.Upstream}};
{{- else}}
			return 503;
{{- end}}
		}
{{- end}}
{{- if not .HasRoot}}
		location / { return 404; }
{{- end}}
	}
{{end}}
}
`))

// Connections is how many a worker may have: each takes a file, and one that is passed on takes two.
func (p page) Connections() uint64 { return min(p.Files/2, 65536) }

// HasCatchAll says whether a site serves every host.
func (p page) HasCatchAll() bool { return len(p.Sites) > 0 && p.Sites[0].Host == "" }

// Certificate gives the files of a Secret, or those of the default while the Secret is missing.
func (p page) Certificate(key string) string {
	if file, found := p.Certs[key]; found {
		return file
	}
	return p.Default
}

// HasRoot says whether the site has its own "/".
func (s site) HasRoot() bool {
	for _, l := range s.Locations {
		if l.Match == "/" {
			return true
		}
	}
	return false
}

// render makes the configuration of nginx.
func render(dir, defaultCert string, certs map[string]string, w world) ([]byte, error) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return nil, fmt.Errorf("ask how many files may be open: %w", err)
	}
	p := page{Address: layout.HostIP, Dir: dir, Default: defaultCert, Certs: certs, Files: min(files.Max, 1<<20)}
	p.Sites, p.Upstreams = sites(w)
	var text bytes.Buffer
	if err := configuration.Execute(&text, p); err != nil {
		return nil, fmt.Errorf("render the configuration of nginx: %w", err)
	}
	return text.Bytes(), nil
}
